/** The worker: everything is computed here, so that the page stays smooth. */
import type { Device } from '../../src/index.ts';
import type { Calls } from '../engine/calls.ts';
import { serve, type WorkerScope } from '../engine/serve.ts';
import { benchmark, layerShapes } from './bench.ts';
import { DetectDesk } from './detect_desk.ts';
import { DigitReader, fetchDigitWeights } from './digit_reader.ts';
import { Gpu } from './gpu.ts';
import { planModel, timeModel, verifyModel } from './inspector.ts';
import { once } from './once.ts';
import { PhotoDesk } from './photo_desk.ts';
import { SegmentDesk } from './segment_desk.ts';
import { tunedShapes, tuneModel } from './tuning.ts';
import { forgetWeights, keptWeights } from './weight_download.ts';

const scope = globalThis as unknown as WorkerScope;
const gpu = new Gpu((event) => scope.postMessage({ kind: 'event', event }));
const photos = new PhotoDesk(gpu);
const segments = new SegmentDesk(gpu);
const detections = new DetectDesk(gpu);
/** The weights are fetched while the device is being opened. Whoever asks first may cancel, the others still wait. */
const digitReader = once(async () => {
  const fetching = fetchDigitWeights();
  fetching.catch(() => {});
  const create = async (device: Device) => DigitReader.create(device, await fetching);
  return gpu.run(create, { signal: new AbortController().signal });
});

serve<Calls>(scope, {
  open: () => gpu.report(),
  loseDevice: async () => {
    await gpu.lose();
    return undefined;
  },
  readDigit: async (picture, context) => {
    const reader = await digitReader();
    return gpu.run(() => reader.read(picture), context);
  },
  loadWeights: (from, context) => photos.load(from, context),
  keptWeights: () => keptWeights(),
  forgetWeights: async (url) => {
    await forgetWeights(url);
    return undefined;
  },
  readPhoto: (argument, context) => photos.read(argument, context),
  loadSegmenter: (wanted, context) => segments.load(wanted, context),
  segment: (argument, context) => segments.segment(argument, context),
  loadDetector: (wanted, context) => detections.load(wanted, context),
  detect: (picture, context) => detections.detect(picture, context),
  channels: (layer) => photos.channels(layer),
  plan: (model, context) => gpu.run((device) => planModel(device, model), context),
  time: (model, context) => gpu.run((device) => timeModel(device, model, context), context),
  layerShapes: (model, context) => gpu.run((device) => layerShapes(device, model), context),
  tune: (wanted, context) => gpu.run((device) => tuneModel(device, wanted, context), context),
  tunedShapes: (model, context) => gpu.run((device) => tunedShapes(device, model), context),
  benchmark: (lines, context) => gpu.run((device) => benchmark(device, lines, context), context),
  verify: (model, context) => gpu.run((device) => verifyModel(device, model, context), context),
});
