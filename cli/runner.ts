/** Opens the GPU and the session that a command works with. */

import { type NodeGpu, openNodeGpu } from '../node/gpu.ts';
import { fileTuningStore } from '../node/tuning_file.ts';
import {
  BatchClassifier,
  type BatchClassifierOptions,
  BatchEmbedder,
  type BatchEmbedderOptions,
  Classifier,
  type CreateSessionOptions,
  checkPrecision,
  createSession,
  Detector,
  type DetectorOptions,
  Device,
  type DType,
  type Experiment,
  type Graph,
  keptTuning,
  type ModelDef,
  type Prepared,
  prepare,
  Segmenter,
  type SegmenterOptions,
  type Session,
  type SessionProgress,
  subgroupMatrices,
  type Tuning,
} from '../src/index.ts';
import { clearProgress, note, progress } from '../terminal/output.ts';
import type { CommonOptions } from './options.ts';

/** A device in Node, with the GPU object that must outlive it. */
export interface OpenedDevice {
  readonly device: Device;
  readonly node: NodeGpu;
}

/** Runs `work` with a device, and closes it, so that the process can end. */
export async function withDevice<T>(
  options: CommonOptions,
  work: (opened: OpenedDevice) => Promise<T>,
): Promise<T> {
  const { adapter: wanted, experimentalMatrices } = options;
  const node = await openNodeGpu(wanted, { experimental: experimentalMatrices });
  const experimental = experimentalMatrices ? matrices() : undefined;
  const device = await Device.open(node.gpu, { adapter: node.adapter, experimental });
  try {
    // Before weights are read and pictures decoded for nothing.
    checkPrecision(options.precision, device.profile);
    if (device.adapter.software) {
      note(`note: "${device.adapter.name}" is a software adapter: it computes on the CPU, slowly`);
    }
    if (device.profile.matrices) noteMatrices(options.precision, device.profile.matrices.sizes);
    return await work({ device, node });
  } finally {
    device.dispose();
  }
}

/** Where there are none, all runs as without the option. */
export function matrices(): Experiment {
  return subgroupMatrices({ onMissing: (reason) => note(`note: ${reason}; it is done without`) });
}

function noteMatrices(precision: DType, sizes: readonly (readonly number[])[]): void {
  const listed = sizes.map((size) => size.join('x')).join(', ');
  const use = precision === 'f16' ? '' : ', and used with --precision f16 only';
  note(`note: subgroup matrices (${listed}) are experimental${use}`);
}

const STAGES: Readonly<Record<SessionProgress['stage'], string>> = {
  tune: 'tuning layers',
  compile: 'compiling kernels',
  upload: 'uploading weights',
};

/** What every session of a command reports: progress and warnings on stderr. */
const REPORTING = {
  onProgress: ({ stage, done, total, remainingMs }: SessionProgress) =>
    progress(STAGES[stage], done, total, remainingMs),
  onWarning: (message: string) => note(`warning: ${message}`),
};

/** What `tune` kept for the device: every session of a command obeys it, and whatever shows or checks one must. */
export function tuningOf(device: Device): Promise<Tuning | undefined> {
  return keptTuning(device, fileTuningStore(), REPORTING.onWarning);
}

/** What a session of the same options would run, with the same tuning. */
export async function prepareModel(
  device: Device,
  graph: Graph,
  { precision }: Pick<CommonOptions, 'precision'>,
): Promise<Prepared> {
  return prepare(graph, { device: device.profile, precision, tuning: await tuningOf(device) });
}

/** What a command decides of its session. */
type Chosen = Pick<CreateSessionOptions, 'weights' | 'precision'>;

/** Creates a session with progress and warnings on stderr. */
export async function openSession(
  device: Device,
  graph: Graph,
  { weights, precision }: Chosen,
): Promise<Session> {
  try {
    return await createSession(device, graph, {
      weights,
      precision,
      tuning: await tuningOf(device),
      ...REPORTING,
    });
  } finally {
    clearProgress();
  }
}

/** Creates a classifier with progress and warnings on stderr. */
export async function createClassifier(
  device: Device,
  model: ModelDef,
  { weights, precision }: Chosen,
): Promise<Classifier> {
  try {
    return await Classifier.create(device, model, {
      weights,
      precision,
      tuning: await tuningOf(device),
      ...REPORTING,
    });
  } finally {
    clearProgress();
  }
}

/** Creates a segmenter with progress and warnings on stderr. */
export function createSegmenter(
  device: Device,
  model: ModelDef,
  options: SegmenterOptions,
): Promise<Segmenter> {
  return reported(device, (how) => Segmenter.create(device, model, { ...how, ...options }));
}

/** Creates a detector with progress and warnings on stderr. */
export function createDetector(
  device: Device,
  model: ModelDef,
  options: DetectorOptions,
): Promise<Detector> {
  return reported(device, (how) => Detector.create(device, model, { ...how, ...options }));
}

/** Creates a classifier for many images, `batch` a run, with progress and warnings on stderr. */
export function createBatchClassifier(
  device: Device,
  model: ModelDef,
  options: BatchClassifierOptions,
): Promise<BatchClassifier> {
  return reported(device, (how) => BatchClassifier.create(device, model, { ...how, ...options }));
}

/** The same for vectors of them. */
export function createBatchEmbedder(
  device: Device,
  model: ModelDef,
  options: BatchEmbedderOptions,
): Promise<BatchEmbedder> {
  return reported(device, (how) => BatchEmbedder.create(device, model, { ...how, ...options }));
}

/** Has something created as this device is tuned, and what is said of it on stderr. */
async function reported<T>(
  device: Device,
  create: (how: typeof REPORTING & { readonly tuning: Tuning | undefined }) => Promise<T>,
): Promise<T> {
  try {
    return await create({ tuning: await tuningOf(device), ...REPORTING });
  } finally {
    clearProgress();
  }
}
