import { FeatureMapGrid } from '../../components/feature_map_grid.ts';
import type { Magnifier } from '../../components/magnifier.ts';
import { element } from '../../dom.ts';
import type { FeatureMaps } from '../../engine/calls.ts';
import type { Engine } from '../../engine/engine.ts';
import { BlockDiagram } from './block_diagram.ts';

/** Pixels of the page that a layer's maps may take in a row. */
const ROW = 1040;

const HINT =
  'Each box is a block; the arcs are residual connections, dashed where they change the shape. Choose a block to see its channels.';
const WAITING = 'Its channels are to be seen as soon as a still picture is classified.';

/** The network's blocks, and below them the channels of the one that was chosen. */
export class ChannelsPanel {
  readonly element: HTMLElement;
  readonly #engine: Engine;
  readonly #magnifier: Magnifier;
  readonly #diagram: BlockDiagram;
  readonly #note = element('p', { class: 'hint', role: 'status' });
  readonly #maps = element('div', { class: 'channel-maps' });
  /** Whether the worker has the channels of the picture in hand. */
  #known = false;
  #chosen: readonly [layer: string, title: string] | undefined;

  constructor(engine: Engine, magnifier: Magnifier) {
    this.#engine = engine;
    this.#magnifier = magnifier;
    this.#diagram = new BlockDiagram((layer, title) => void this.#choose(layer, title));
    this.#note.textContent = HINT;
    this.element = element(
      'section',
      { 'aria-label': 'Inside ResNet-50' },
      element('h2', {}, 'Inside the network'),
      this.#note,
      element(
        'div',
        { class: 'panel scroll', tabindex: 0, role: 'region', 'aria-label': 'Blocks' },
        this.#diagram.element,
      ),
      this.#maps,
    );
  }

  /** There is another picture, of which nothing is known yet. */
  clear(): void {
    this.#known = false;
    this.#magnifier.hide();
    this.#maps.replaceChildren();
    this.#note.textContent = this.#chosen ? WAITING : HINT;
  }

  /** The picture in hand was classified. */
  async refresh(): Promise<void> {
    this.#known = true;
    if (this.#chosen) await this.#choose(...this.#chosen);
  }

  async #choose(layer: string, title: string): Promise<void> {
    const chosen = [layer, title] as const;
    this.#chosen = chosen;
    this.#diagram.mark(layer);
    if (!this.#known) {
      this.#note.textContent = WAITING;
      return;
    }
    try {
      const maps = await this.#engine.call('channels', layer);
      if (this.#known && chosen === this.#chosen) this.#show(maps, title);
    } catch (error) {
      this.#note.textContent = error instanceof Error ? error.message : String(error);
    }
  }

  #show(maps: FeatureMaps, title: string): void {
    const { channels, height, width } = maps;
    const scale = Math.max(1, 14 / width);
    const columns = Math.min(channels, Math.floor(ROW / ((width + 1) * scale)));
    const grid = new FeatureMapGrid(this.#magnifier, {
      columns,
      scale,
      label: `Channels of ${title}`,
    });
    grid.show(maps);
    this.#note.textContent = `${title}: ${channels} channels of ${height} × ${width}. Point at one to enlarge it; arrow keys work, too.`;
    this.#maps.replaceChildren(grid.element);
  }
}
