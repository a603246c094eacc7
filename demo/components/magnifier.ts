import { element } from '../dom.ts';
import type { FeatureMaps } from '../engine/calls.ts';
import { palette } from './palette.ts';

/** Side of an enlarged map, in CSS pixels. */
const SIDE = 224;

/** One feature map, enlarged beside the pointer or the map that has the focus. */
export class Magnifier {
  readonly element: HTMLElement;
  readonly #canvas = element('canvas', { 'aria-hidden': 'true' });
  readonly #caption = element('p', { role: 'status' });

  constructor() {
    this.element = element('div', { class: 'magnifier' }, this.#canvas, this.#caption);
    this.element.hidden = true;
  }

  /** Shows map `channel` next to `anchor`, both in the window's coordinates. */
  show(maps: FeatureMaps, channel: number, anchor: DOMRect): void {
    drawMap(this.#canvas, maps, channel);
    const scale = SIDE / Math.max(maps.width, maps.height);
    this.#canvas.style.width = `${maps.width * scale}px`;
    this.#canvas.style.height = `${maps.height * scale}px`;
    this.#caption.textContent = describe(maps, channel);
    this.element.hidden = false;
    this.#place(anchor);
  }

  hide(): void {
    this.element.hidden = true;
  }

  /** To the right where there is room, else to the left, else below; always inside of the window. */
  #place(anchor: DOMRect): void {
    const { width, height } = this.element.getBoundingClientRect();
    const gap = 12;
    const right = anchor.right + gap;
    const left = anchor.left - gap - width;
    const x = right + width <= innerWidth ? right : left >= 0 ? left : (innerWidth - width) / 2;
    const beside = x === right || x === left;
    const wanted = beside ? anchor.top + anchor.height / 2 - height / 2 : anchor.bottom + gap;
    const y = Math.min(Math.max(gap, wanted), Math.max(gap, innerHeight - height - gap));
    this.element.style.translate = `${Math.max(0, x)}px ${y}px`;
  }
}

function drawMap(canvas: HTMLCanvasElement, maps: FeatureMaps, channel: number): void {
  const { width, height, values } = maps;
  canvas.width = width;
  canvas.height = height;
  const pixels = new ImageData(width, height);
  const words = new Uint32Array(pixels.data.buffer);
  const begin = channel * width * height;
  for (let i = 0; i < words.length; i++) words[i] = palette[(values[begin + i] ?? 0) + 128] ?? 0;
  canvas.getContext('2d')?.putImageData(pixels, 0, 0);
}

function describe(
  { layer, channels, width, height, largest, values }: FeatureMaps,
  channel: number,
): string {
  const plane = values.subarray(channel * width * height, (channel + 1) * width * height);
  let least = 127;
  let most = -127;
  for (const value of plane) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  const real = (value: number): string => ((value * largest) / 127).toFixed(2);
  const which = channels > 1 ? `, channel ${channel} of ${channels}` : '';
  const range = plane.length > 1 ? `${real(least)} to ${real(most)}` : real(most);
  return `${layer}${which}: ${range}`;
}
