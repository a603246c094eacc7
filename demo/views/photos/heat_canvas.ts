import { element } from '../../dom.ts';
import type { PhotoClass } from '../../engine/calls.ts';

/** Side of a heat map in values, as ResNet-50 makes them. */
const SIDE = 7;
/** What the network sees of a picture: of the shorter side's middle so much. */
const CROP = 224 / 256;
const LONGEST = 640;
/** From transparent to the hottest, RGBA. */
const HOT = [255, 70, 20, 190] as const;

/** A picture, with a heat map of one class over what the network sees of it. */
export class HeatCanvas {
  readonly element = element('canvas', { class: 'photo', role: 'img', width: 640, height: 426 });
  /** The picture alone, to draw other maps over. */
  readonly #picture = document.createElement('canvas');

  put(picture: CanvasImageSource, width: number, height: number): void {
    const scale = Math.min(1, LONGEST / Math.max(width, height));
    this.#picture.width = Math.round(width * scale);
    this.#picture.height = Math.round(height * scale);
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
  const [r, g, b, opaque] = HOT;
  heat.forEach((value, i) => {
    const share = Math.max(0, value / most);
    pixels.data.set([r, g + 130 * share ** 3, b, opaque * share ** 2], 4 * i);
  });
  canvas.getContext('2d')?.putImageData(pixels, 0, 0);
  return canvas;
}
