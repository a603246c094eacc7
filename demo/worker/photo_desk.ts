import { DeviceLostError } from '../../src/index.ts';
import type {
  Calls,
  FeatureMaps,
  LoadedWeights,
  PhotoReading,
  WeightsFrom,
  WeightsProgress,
} from '../engine/calls.ts';
import type { CallContext } from '../engine/serve.ts';
import type { Gpu } from './gpu.ts';
import { openPhotoNetwork, type PhotoNetwork } from './photo_network.ts';
import { PhotoReader } from './photo_reader.ts';
import { Queue } from './queue.ts';
import { downloadWeights, forgetWeights } from './weight_download.ts';

/** ResNet-50 as soon as there are weights, which come from a file or over the network. */
export class PhotoDesk {
  readonly #gpu: Gpu;
  readonly #queue = new Queue();
  #reader: PhotoReader | undefined;

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  /** Replaces the weights. When that fails, those from before stay. */
  async load(from: WeightsFrom, context: CallContext<WeightsProgress>): Promise<LoadedWeights> {
    const bytes = await bytesOf(from, context);
    try {
      const network = await openPhotoNetwork(bytes, from.name);
      await this.#queue.run(context.signal, () => this.#use(network, context));
    } catch (error) {
      // What is broken must not be found in the cache again.
      const isBroken = !context.signal.aborted && !(error instanceof DeviceLostError);
      if (from.kind === 'url' && isBroken) await forgetWeights(from.url);
      throw error;
    }
    return { name: from.name, bytes: bytes.length };
  }

  /** Throws DeviceLostError at once for a frame whose device was lost: the next one comes soon. */
  async read(
    { picture, live }: Calls['readPhoto']['argument'],
    { signal }: CallContext<never>,
  ): Promise<PhotoReading> {
    const options = { signal, ...(live && { attempts: 1 }) };
    const read = () => this.#loaded().read(picture, { live, signal });
    try {
      return await this.#queue.run(signal, () => this.#gpu.run(read, options));
    } finally {
      picture.close();
    }
  }

  async channels(layer: string): Promise<FeatureMaps> {
    return this.#loaded().channels(layer);
  }

  async #use(
    network: PhotoNetwork,
    { signal, onProgress }: CallContext<WeightsProgress>,
  ): Promise<void> {
    const options = { signal, onProgress };
    const reader = await this.#gpu.run(
      (device) => PhotoReader.create(device, network, options),
      options,
    );
    this.#reader?.dispose();
    this.#reader = reader;
  }

  #loaded(): PhotoReader {
    if (!this.#reader) throw new Error('ResNet-50 has no weights yet: load them first');
    return this.#reader;
  }
}

async function bytesOf(
  from: WeightsFrom,
  { onProgress, signal }: CallContext<WeightsProgress>,
): Promise<Uint8Array> {
  if (from.kind === 'file') return new Uint8Array(await from.file.arrayBuffer());
  return downloadWeights(from.url, {
    signal,
    onProgress: ({ loadedBytes, totalBytes, bytesPerSecond }) =>
      onProgress({ stage: 'download', done: loadedBytes, total: totalBytes, bytesPerSecond }),
  });
}
