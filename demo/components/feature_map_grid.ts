import { element } from '../dom.ts';
import type { FeatureMaps } from '../engine/calls.ts';
import type { Magnifier } from './magnifier.ts';
import { palette } from './palette.ts';

export interface GridOptions {
  /** Maps in a row. */
  readonly columns: number;
  /** CSS pixels to one value. */
  readonly scale: number;
  /** For those who cannot see it. */
  readonly label: string;
}

/** Values between two maps. */
const GAP = 1;

/**
 * All maps of a layer as one canvas. The map under the pointer, or the one that arrow keys chose, is shown in
 * the magnifier.
 */
export class FeatureMapGrid {
  readonly element = element('canvas', { class: 'maps', tabindex: 0, role: 'img' });
  readonly #options: GridOptions;
  readonly #magnifier: Magnifier;
  #maps: FeatureMaps | undefined;
  #channel: number | undefined;

  constructor(magnifier: Magnifier, options: GridOptions) {
    this.#magnifier = magnifier;
    this.#options = options;
    const canvas = this.element;
    canvas.setAttribute('aria-label', options.label);
    canvas.addEventListener('pointermove', (event) => this.#point(this.#channelAt(event)));
    canvas.addEventListener('pointerdown', (event) => this.#point(this.#channelAt(event)));
    canvas.addEventListener('pointerleave', () => this.#point(undefined));
    canvas.addEventListener('blur', () => this.#point(undefined));
    canvas.addEventListener('keydown', (event) => this.#key(event));
  }

  show(maps: FeatureMaps): void {
    this.#maps = maps;
    const canvas = this.element;
    const columns = Math.min(this.#options.columns, maps.channels);
    const rows = Math.ceil(maps.channels / columns);
    const width = columns * (maps.width + GAP) - GAP;
    const height = rows * (maps.height + GAP) - GAP;
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
      canvas.style.width = `${width * this.#options.scale}px`;
    }
    canvas.getContext('2d')?.putImageData(atlas(maps, columns, width, height), 0, 0);
    if (this.#channel !== undefined) this.#point(Math.min(this.#channel, maps.channels - 1));
  }

  #point(channel: number | undefined): void {
    this.#channel = channel;
    if (channel === undefined || !this.#maps) this.#magnifier.hide();
    else this.#magnifier.show(this.#maps, channel, this.#rectOf(this.#maps, channel));
  }

  #key(event: KeyboardEvent): void {
    if (!this.#maps) return;
    const { columns } = this.#options;
    const steps: Readonly<Record<string, number>> = {
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: -columns,
      ArrowDown: columns,
    };
    const step = steps[event.key];
    if (event.key === 'Escape') this.#point(undefined);
    if (step === undefined) return;
    event.preventDefault();
    const next = this.#channel === undefined ? 0 : this.#channel + step;
    if (next >= 0 && next < this.#maps.channels) this.#point(next);
  }

  #channelAt({ offsetX, offsetY }: PointerEvent): number | undefined {
    if (!this.#maps) return undefined;
    const { width, height, channels } = this.#maps;
    const scale = this.element.clientWidth / this.element.width;
    const columns = Math.min(this.#options.columns, channels);
    const column = Math.min(columns - 1, Math.floor(offsetX / scale / (width + GAP)));
    const channel = Math.floor(offsetY / scale / (height + GAP)) * columns + column;
    return channel >= 0 && channel < channels ? channel : undefined;
  }

  #rectOf({ width, height, channels }: FeatureMaps, channel: number): DOMRect {
    const { left, top } = this.element.getBoundingClientRect();
    const scale = this.element.clientWidth / this.element.width;
    const columns = Math.min(this.#options.columns, channels);
    const x = left + (channel % columns) * (width + GAP) * scale;
    const y = top + Math.floor(channel / columns) * (height + GAP) * scale;
    return new DOMRect(x, y, width * scale, height * scale);
  }
}

/** The maps side by side; what is between them stays transparent. */
function atlas(maps: FeatureMaps, columns: number, width: number, height: number): ImageData {
  const pixels = new ImageData(width, height);
  const words = new Uint32Array(pixels.data.buffer);
  let from = 0;
  for (let channel = 0; channel < maps.channels; channel++) {
    const left = (channel % columns) * (maps.width + GAP);
    const top = Math.floor(channel / columns) * (maps.height + GAP);
    for (let y = 0; y < maps.height; y++) {
      let to = (top + y) * width + left;
      for (let x = 0; x < maps.width; x++)
        words[to++] = palette[(maps.values[from++] ?? 0) + 128] ?? 0;
    }
  }
  return pixels;
}
