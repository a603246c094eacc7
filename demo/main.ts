/** The page: a frame that shows the adapter, and one view at a time. */
import './styles/base.css';
import './styles/components.css';
import './styles/shell.css';
import { explainLack } from '../src/index.ts';
import { NO_ADAPTER } from './engine/messages.ts';
import { startEngine } from './engine/start.ts';
import { AdapterBadge } from './shell/adapter_badge.ts';
import { DeviceBanner } from './shell/device_banner.ts';
import { FileIntake } from './shell/file_intake.ts';
import { missingGpu } from './shell/missing_gpu.ts';
import { Router } from './shell/router.ts';
import { shell } from './shell/shell.ts';
import { views } from './views/index.ts';

function start(): void {
  if (!navigator.gpu) {
    showMissing('WebGPU');
    return;
  }
  const engine = startEngine();
  const main = document.createElement('main');
  const badge = new AdapterBadge(engine);
  const banner = new DeviceBanner(engine);
  const router = new Router(main, views, engine);
  const intake = new FileIntake(router);
  document.body.append(shell(views, badge.element), banner.element, intake.element, main);
  router.start();
  intake.start();
  engine.call('open', undefined).catch((error: Error) => {
    if (error.name === NO_ADAPTER) showMissing('adapter');
    else badge.fail(error);
  });
}

/** In place of the views, of which none would do anything. */
function showMissing(lack: 'WebGPU' | 'adapter'): void {
  const main = document.createElement('main');
  main.append(missingGpu(explainLack(lack)));
  document.body.replaceChildren(shell([], undefined), main);
}

start();
