import type { Device } from '../../src/index.ts';
import type {
  Calls,
  FeatureMaps,
  LoadedWeights,
  PhotoReading,
  WeightsFrom,
  WeightsProgress,
} from '../engine/calls.ts';
import type { CallContext } from '../engine/serve.ts';
import { openPhotoNetwork } from './photo_network.ts';
import { PhotoReader } from './photo_reader.ts';
import { downloadWeights, forgetWeights } from './weight_download.ts';

/** ResNet-50 as soon as there are weights, which come from a file or over the network. */
export class PhotoDesk {
  readonly #device: () => Promise<Device>;
  #reader: PhotoReader | undefined;

  constructor(device: () => Promise<Device>) {
    this.#device = device;
  }

  /** Replaces the weights. When that fails, those from before stay. */
  async load(from: WeightsFrom, context: CallContext<WeightsProgress>): Promise<LoadedWeights> {
    const device = await this.#device();
    const bytes = await bytesOf(from, context);
    try {
      const { signal, onProgress } = context;
      const network = await openPhotoNetwork(bytes, from.name);
      const reader = await PhotoReader.create(device, network, { signal, onProgress });
      this.#reader?.dispose();
      this.#reader = reader;
    } catch (error) {
      // What is broken must not be found in the cache again.
      if (from.kind === 'url' && !context.signal.aborted) await forgetWeights(from.url);
      throw error;
    }
    return { name: from.name, bytes: bytes.length };
  }

  async read({ picture, live }: Calls['readPhoto']['argument']): Promise<PhotoReading> {
    try {
      return await this.#loaded().read(picture, live);
    } finally {
      picture.close();
    }
  }

  async channels(layer: string): Promise<FeatureMaps> {
    return this.#loaded().channels(layer);
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
