/** The worker: everything is computed here, so that the page stays smooth. */
import type { Calls } from '../engine/calls.ts';
import { serve, type WorkerScope } from '../engine/serve.ts';
import { benchmark, layerShapes } from './bench.ts';
import { DigitReader } from './digit_reader.ts';
import { Gpu } from './gpu.ts';
import { Inspector } from './inspector.ts';
import { once } from './once.ts';
import { PhotoDesk } from './photo_desk.ts';
import { SegmentDesk } from './segment_desk.ts';
import { tunedShapes, tuneModel } from './tuning.ts';
import { forgetWeights, keptWeights } from './weight_download.ts';

const scope = globalThis as unknown as WorkerScope;
const gpu = new Gpu((event) => scope.postMessage({ kind: 'event', event }));
const digitReader = once(() => DigitReader.create(gpu.device()));
const photos = new PhotoDesk(gpu.device);
const segments = new SegmentDesk(gpu.device);
const inspector = new Inspector(gpu.device);

serve<Calls>(scope, {
  open: () => gpu.report(),
  loseDevice: async () => {
    await gpu.lose();
    return undefined;
  },
  readDigit: async (picture) => (await digitReader()).read(picture),
  loadWeights: (from, context) => photos.load(from, context),
  keptWeights: () => keptWeights(),
  forgetWeights: async (url) => {
    await forgetWeights(url);
    return undefined;
  },
  readPhoto: (argument) => photos.read(argument),
  loadSegmenter: (wanted, context) => segments.load(wanted, context),
  segment: (argument, context) => segments.segment(argument, context),
  channels: (layer) => photos.channels(layer),
  plan: (model) => inspector.plan(model),
  time: (model, context) => inspector.time(model, context),
  layerShapes: async (model) => layerShapes(await gpu.device(), model),
  tune: async (wanted, context) => tuneModel(await gpu.device(), wanted, context),
  tunedShapes: async (model) => tunedShapes(await gpu.device(), model),
  benchmark: async (lines, context) => benchmark(await gpu.device(), lines, context),
  verify: (model, context) => inspector.verify(model, context),
});
