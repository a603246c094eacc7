import { element } from '../../dom.ts';
import type { PhotoClass } from '../../engine/calls.ts';

/** Side of a heat map in values, as ResNet-50 makes them. */
const SIDE = 7;
/** What the network sees of a picture: of the shorter side's middle so much. */
const CROP = 224 / 256;
const LONGEST = 640;
/** From cool to hot, RGBA, in equal steps; what is cool lets the picture through. */
const RAMP = [
  [40, 0, 120, 0],
  [150, 10, 140, 70],
  [235, 60, 40, 150],
  [255, 225, 60, 215],
] as const;

/** A picture, with a heat map of one class over what the network sees of it. */
export class HeatCanvas {
  readonly element = element('canvas', {
    class: 'picture-canvas',
    role: 'img',
    width: 640,
    height: 426,
  });
  /** The picture alone, to draw other maps over. */
  readonly #picture = document.createElement('canvas');

  put(picture: CanvasImageSource, width: number, height: number): void {
    const scale = Math.min(1, LONGEST / Math.max(width, height));
    // Of a line there must be something to see.
    this.#picture.width = Math.max(1, Math.round(width * scale));
    this.#picture.height = Math.max(1, Math.round(height * scale));
    this.#picture
      .getContext('2d')
      ?.drawImage(picture, 0, 0, this.#picture.width, this.#picture.height);
  }

  /** Draws the picture, and what speaks for `shown` where one is given. */
  draw(shown: PhotoClass | undefined): void {
    const canvas = this.element;
    const { width, height } = this.#picture;
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    const context = canvas.getContext('2d');
    if (!context) return;
    context.drawImage(this.#picture, 0, 0);
    canvas.setAttribute('aria-label', shown ? '' : 'The picture');
    if (!shown) return;
    const side = CROP * Math.min(width, height);
    const left = (width - side) / 2;
    const top = (height - side) / 2;
    context.imageSmoothingQuality = 'high';
    context.drawImage(heatImage(shown.heat), left, top, side, side);
    context.strokeStyle = 'rgb(255 255 255 / 0.8)';
    context.strokeRect(left, top, side, side);
    canvas.setAttribute('aria-label', this.#describe(shown, left, top, side));
  }

  #describe({ label, heat }: PhotoClass, left: number, top: number, side: number): string {
    const hottest = heat.indexOf(Math.max(...heat));
    const share = (begin: number, cell: number, whole: number) =>
      Math.round((100 * (begin + ((cell + 0.5) * side) / SIDE)) / whole);
    const x = share(left, hottest % SIDE, this.element.width);
    const y = share(top, Math.floor(hottest / SIDE), this.element.height);
    return `Heat map of “${label}”: strongest ${x} % from the left and ${y} % from the top`;
  }
}

/** Where nothing speaks for the class it is transparent. */
function heatImage(heat: Float32Array): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = SIDE;
  canvas.height = SIDE;
  const pixels = new ImageData(SIDE, SIDE);
  const most = Math.max(...heat, Number.MIN_VALUE);
  const least = Math.max(0, Math.min(...heat));
  heat.forEach((value, i) => {
    pixels.data.set(colorOf((value - least) / (most - least || 1)), 4 * i);
  });
  canvas.getContext('2d')?.putImageData(pixels, 0, 0);
  return canvas;
}

/** RGBA for 0 to 1. */
function colorOf(share: number): readonly number[] {
  const place = Math.max(0, share) * (RAMP.length - 1);
  const index = Math.min(RAMP.length - 2, Math.floor(place));
  const [from, to] = [RAMP[index] ?? RAMP[0], RAMP[index + 1] ?? RAMP[0]];
  return from.map((value, i) => value + ((to[i] ?? 0) - value) * (place - index));
}
