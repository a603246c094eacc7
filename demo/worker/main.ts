/** The worker: everything is computed here, so that the page stays smooth. */
import type { Calls } from '../engine/calls.ts';
import { serve, type WorkerScope } from '../engine/serve.ts';
import { DigitReader } from './digit_reader.ts';
import { Gpu } from './gpu.ts';
import { once } from './once.ts';

const scope = globalThis as unknown as WorkerScope;
const gpu = new Gpu((event) => scope.postMessage({ kind: 'event', event }));
const digitReader = once(() => DigitReader.create(gpu.device()));

serve<Calls>(scope, {
  open: () => gpu.report(),
  loseDevice: async () => {
    await gpu.lose();
    return undefined;
  },
  readDigit: async (picture) => (await digitReader()).read(picture),
});
