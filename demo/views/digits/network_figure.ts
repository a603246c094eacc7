import { FeatureMapGrid } from '../../components/feature_map_grid.ts';
import type { Magnifier } from '../../components/magnifier.ts';
import { element } from '../../dom.ts';
import type { FeatureMaps } from '../../engine/calls.ts';

interface Stage {
  readonly layer: string;
  readonly title: string;
  /** What happens between the stage before and this one. */
  readonly step: string;
  readonly columns: number;
  readonly scale: number;
}

/** The network from left to right, by the names of its layers. */
const STAGES: readonly Stage[] = [
  { layer: 'input', title: '28 × 28', step: 'your digit, centred', columns: 1, scale: 4 },
  {
    layer: 'conv1',
    title: '32 maps of 24 × 24',
    step: 'convolution 5 × 5',
    columns: 4,
    scale: 1.5,
  },
  { layer: 'relu1', title: '32 maps of 8 × 8', step: 'max pool 3, ReLU', columns: 4, scale: 3.5 },
  { layer: 'conv2', title: '64 maps of 4 × 4', step: 'convolution 5 × 5', columns: 8, scale: 4 },
  { layer: 'relu2', title: '64 maps of 2 × 2', step: 'max pool 2, ReLU', columns: 8, scale: 7 },
  { layer: 'relu3', title: '200 units', step: 'linear, ReLU', columns: 10, scale: 8 },
  { layer: 'probabilities', title: '10 digits', step: 'linear, softmax', columns: 1, scale: 16 },
];

/** LeNet's figure, drawn of what its layers put out. */
export class NetworkFigure {
  readonly element = element('div', { class: 'network' });
  readonly #grids = new Map<string, FeatureMapGrid>();

  constructor(magnifier: Magnifier) {
    for (const { layer, title, step, columns, scale } of STAGES) {
      const grid = new FeatureMapGrid(magnifier, { columns, scale, label: `${layer}: ${title}` });
      this.#grids.set(layer, grid);
      this.element.append(
        element(
          'figure',
          {},
          element('figcaption', {}, element('span', { class: 'step' }, step), title),
          layer === 'probabilities' ? withDigits(grid.element) : grid.element,
        ),
      );
    }
  }

  show(stages: readonly FeatureMaps[]): void {
    for (const maps of stages) this.#grids.get(maps.layer)?.show(maps);
  }

  clear(): void {
    for (const grid of this.#grids.values()) grid.clear();
  }
}

/** The last layer's units with the digits that they stand for. */
function withDigits(units: HTMLElement): HTMLElement {
  const digits = Array.from({ length: 10 }, (_, digit) => element('span', {}, String(digit)));
  return element(
    'div',
    { class: 'outputs' },
    element('div', { class: 'digits-beside', 'aria-hidden': 'true' }, ...digits),
    units,
  );
}
