/** The page: a frame that shows the adapter, and one view at a time. */
import './styles/base.css';
import './styles/components.css';
import './styles/shell.css';
import { startEngine } from './engine/start.ts';
import { AdapterBadge } from './shell/adapter_badge.ts';
import { DeviceBanner } from './shell/device_banner.ts';
import { missingWebGpu } from './shell/missing_webgpu.ts';
import { Router } from './shell/router.ts';
import { shell } from './shell/shell.ts';
import { views } from './views/index.ts';

function start(): void {
  const main = document.createElement('main');
  const missing = missingWebGpu();
  if (missing) {
    main.append(missing);
    document.body.append(shell(views, undefined), main);
    return;
  }
  const engine = startEngine();
  const badge = new AdapterBadge(engine);
  const banner = new DeviceBanner(engine);
  document.body.append(shell(views, badge.element), banner.element, main);
  new Router(main, views, engine).start();
}

start();
