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

/** Canvas pixels between two maps. */
const GAP = 1;
/** Canvas pixels to a value of small maps, so that a gap takes less than a map does. */
const SMALL_ZOOM = 4;
const LARGEST_SMALL = 4;

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
    const cell = cellOf(maps);
    const width = columns * cell.width - GAP;
    const height = rows * cell.height - GAP;
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
      canvas.style.width = `${(width * this.#options.scale) / cell.zoom}px`;
    }
    canvas.getContext('2d')?.putImageData(atlas(maps, columns, width, height), 0, 0);
    if (this.#channel !== undefined) this.#point(Math.min(this.#channel, maps.channels - 1));
  }

  /** Nothing lights the maps any more. */
  clear(): void {
    if (!this.#maps) return;
    const { values } = this.#maps;
    this.show({ ...this.#maps, largest: 0, values: new Int8Array(values.length) });
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
    const { channels } = this.#maps;
    const { width, height } = cellOf(this.#maps);
    const scale = this.element.clientWidth / this.element.width;
    const columns = Math.min(this.#options.columns, channels);
    const column = Math.min(columns - 1, Math.floor(offsetX / scale / width));
    const channel = Math.floor(offsetY / scale / height) * columns + column;
    return channel >= 0 && channel < channels ? channel : undefined;
  }

  #rectOf(maps: FeatureMaps, channel: number): DOMRect {
    const { width, height } = cellOf(maps);
    const { left, top } = this.element.getBoundingClientRect();
    const scale = this.element.clientWidth / this.element.width;
    const columns = Math.min(this.#options.columns, maps.channels);
    const x = left + (channel % columns) * width * scale;
    const y = top + Math.floor(channel / columns) * height * scale;
    return new DOMRect(x, y, (width - GAP) * scale, (height - GAP) * scale);
  }
}

/** The maps side by side; what is between them stays transparent. */
function atlas(maps: FeatureMaps, columns: number, width: number, height: number): ImageData {
  const pixels = new ImageData(width, height);
  const words = new Uint32Array(pixels.data.buffer);
  let from = 0;
  const cell = cellOf(maps);
  for (let channel = 0; channel < maps.channels; channel++) {
    const left = (channel % columns) * cell.width;
    const top = Math.floor(channel / columns) * cell.height;
    for (let y = 0; y < maps.height; y++) {
      const begin = (top + y * cell.zoom) * width + left;
      let to = begin;
      for (let x = 0; x < maps.width; x++, to += cell.zoom)
        words.fill(palette[(maps.values[from++] ?? 0) + 128] ?? 0, to, to + cell.zoom);
      for (let copy = 1; copy < cell.zoom; copy++)
        words.copyWithin(begin + copy * width, begin, to);
    }
  }
  return pixels;
}

/** Canvas pixels from one map to the next, and of a value. */
function cellOf({ width, height }: FeatureMaps): {
  readonly zoom: number;
  readonly width: number;
  readonly height: number;
} {
  const zoom = Math.max(width, height) <= LARGEST_SMALL ? SMALL_ZOOM : 1;
  return { zoom, width: width * zoom + GAP, height: height * zoom + GAP };
}
