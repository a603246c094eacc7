import { LONGEST, pictureCanvas } from '../../components/picture_canvas.ts';
import type { SegmentReading } from '../../engine/calls.ts';

/** A picture, with the colours of what its pixels belong to laid over it. */
export class MaskCanvas {
  readonly element = pictureCanvas();
  #picture: ImageBitmap | undefined;
  #mask: HTMLCanvasElement | undefined;

  /** Another picture, without a mask so far. */
  put(picture: ImageBitmap): void {
    this.#picture = picture;
    this.#mask = undefined;
    this.element.setAttribute('aria-label', 'The picture');
    const scale = Math.min(1, LONGEST / Math.max(picture.width, picture.height));
    this.element.width = Math.max(1, Math.round(picture.width * scale));
    this.element.height = Math.max(1, Math.round(picture.height * scale));
    this.draw(0);
  }

  show({ width, height, mask, found }: SegmentReading): void {
    const canvas = document.createElement('canvas');
    canvas.width = width;
    canvas.height = height;
    canvas.getContext('2d')?.putImageData(new ImageData(mask, width, height), 0, 0);
    this.#mask = canvas;
    const most = found[0]?.label ?? 'nothing';
    this.element.setAttribute(
      'aria-label',
      `The picture, coloured by class; most of it is ${most}`,
    );
  }

  /** `opacity` of the colours is 0 to 1. */
  draw(opacity: number): void {
    const context = this.element.getContext('2d');
    if (!context || !this.#picture) return;
    const { width, height } = this.element;
    context.globalAlpha = 1;
    context.drawImage(this.#picture, 0, 0, width, height);
    if (!this.#mask) return;
    context.globalAlpha = opacity;
    // Between two classes lies no third.
    context.imageSmoothingEnabled = false;
    context.drawImage(this.#mask, 0, 0, width, height);
    context.imageSmoothingEnabled = true;
  }

  /** The mask as a PNG; undefined where there is none. */
  async png(): Promise<Blob | undefined> {
    const mask = this.#mask;
    if (!mask) return undefined;
    const blob = await new Promise<Blob | null>((resolve) => mask.toBlob(resolve));
    return blob ?? undefined;
  }
}
