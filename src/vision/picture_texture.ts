/** Copies pictures of the browser into buffers, on the GPU. */
import { UnsupportedError } from '../runtime/errors.ts';
import type { Opening } from '../runtime/gpu/device.ts';
import { alignedRow, type BrowserImage, BYTES_PER_PIXEL } from './browser_image.ts';
import type { Extent } from './preprocessing.ts';
import type { Region } from './resize_plan.ts';

/** A texture that pictures pass through on their way to a buffer; it grows to the largest size asked for. */
export class PictureTexture {
  readonly #opening: Opening;
  readonly #label: string;
  #texture: GPUTexture | undefined;

  constructor(opening: Opening, label: string) {
    this.#opening = opening;
    this.#label = label;
  }

  /** Bytes held. */
  get size(): number {
    const { width = 0, height = 0 } = this.#texture ?? {};
    return BYTES_PER_PIXEL * width * height;
  }

  /** Whether a region of this size can be copied without allocating. */
  fits({ width, height }: Extent): boolean {
    return (this.#texture?.width ?? 0) >= width && (this.#texture?.height ?? 0) >= height;
  }

  /** A texture of at least this size. Throws UnsupportedError where that is too large for the device. */
  reserve(extent: Extent): GPUTexture {
    if (this.#texture && this.fits(extent)) return this.#texture;
    const { maxTextureDimension2D } = this.#opening.gpu.limits;
    const width = Math.max(extent.width, this.#texture?.width ?? 0);
    const height = Math.max(extent.height, this.#texture?.height ?? 0);
    if (Math.max(width, height) > maxTextureDimension2D) {
      throw new UnsupportedError(
        `${this.#label} of ${width} x ${height} pixels is larger than this device's textures, which have at most ${maxTextureDimension2D} a side; make the picture smaller first`,
      );
    }
    this.#texture?.destroy();
    const { COPY_DST, COPY_SRC, RENDER_ATTACHMENT } = GPUTextureUsage;
    this.#texture = this.#opening.gpu.createTexture({
      label: this.#label,
      size: [width, height],
      format: 'rgba8unorm',
      usage: COPY_DST | COPY_SRC | RENDER_ATTACHMENT,
    });
    return this.#texture;
  }

  /** Copies a region into `target`, RGBA words in rows of `alignedRow(region.width)`, when `encoder` is submitted. */
  record(
    encoder: GPUCommandEncoder,
    source: BrowserImage,
    { left, top, width, height }: Region,
    target: GPUBuffer,
  ): void {
    const texture = this.reserve({ width, height });
    this.#opening.gpu.queue.copyExternalImageToTexture(
      { source, origin: [left, top] },
      { texture },
      [width, height],
    );
    encoder.copyTextureToBuffer(
      { texture },
      { buffer: target, bytesPerRow: BYTES_PER_PIXEL * alignedRow(width) },
      [width, height],
    );
  }

  /** Frees the texture; asking for it again makes another. */
  dispose(): void {
    this.#texture?.destroy();
    this.#texture = undefined;
  }
}
