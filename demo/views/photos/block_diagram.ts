import { svg } from '../../dom.ts';

const BLOCKS = [3, 4, 6, 3] as const;
const WIDTH = 40;
const GAP = 11;
const SECTION_GAP = 22;
const TOP = 46;
const HEIGHT = 44;

interface Box {
  /** The layer whose output it stands for; none where there is nothing to be looked at. */
  readonly layer: string | undefined;
  readonly title: string;
  /** Of its residual connection. */
  readonly shortcut: 'identity' | 'convolution' | undefined;
  readonly gap: number;
  readonly caption?: string;
}

/** ResNet-50 as a chain of blocks, the residual connections in an arc over each. A block is a button. */
export class BlockDiagram {
  readonly element: SVGSVGElement;
  readonly #onChoose: (layer: string, title: string) => void;
  readonly #buttons = new Map<string, SVGElement>();

  constructor(onChoose: (layer: string, title: string) => void) {
    this.#onChoose = onChoose;
    const boxes = network();
    let x = 4;
    const parts = boxes.flatMap((box, i) => {
      x += i === 0 ? 0 : box.gap;
      const made = this.#box(box, x, i === 0 ? 0 : box.gap);
      x += WIDTH;
      return made;
    });
    this.element = svg(
      'svg',
      {
        class: 'blocks',
        viewBox: `0 0 ${x + 4} 116`,
        width: x + 4,
        height: 116,
        role: 'group',
        'aria-label': 'ResNet-50, block by block',
      },
      ...parts,
    );
  }

  mark(layer: string): void {
    for (const [name, made] of this.#buttons) {
      made.setAttribute('aria-pressed', String(name === layer));
    }
  }

  #box({ layer, title, shortcut, caption = '' }: Box, x: number, gap: number): SVGElement[] {
    const middle = TOP + HEIGHT / 2;
    const wire = svg('line', { class: 'wire', x1: x - gap, x2: x, y1: middle, y2: middle });
    const from = x - gap / 2;
    const to = x + WIDTH + GAP / 2;
    const arc = svg('path', {
      class: shortcut === 'convolution' ? 'shortcut projected' : 'shortcut',
      d: `M${from} ${middle} V${TOP - 12} Q${from} ${TOP - 22} ${from + 10} ${TOP - 22} H${to - 10} Q${to} ${TOP - 22} ${to} ${TOP - 12} V${middle}`,
    });
    const box = svg(
      'g',
      { class: 'block' },
      svg('title', {}, `${title}${layer ? ': show its channels' : ''}`),
      svg('rect', { x, y: TOP, width: WIDTH, height: HEIGHT, rx: 6 }),
      svg('text', { x: x + WIDTH / 2, y: middle + 4 }, shortNameOf(title)),
    );
    if (layer) this.#makeButton(box, layer, title);
    const label = svg('text', { class: 'caption', x, y: TOP + HEIGHT + 18 }, caption);
    return [wire, ...(shortcut ? [arc] : []), box, label];
  }

  #makeButton(box: SVGElement, layer: string, title: string): void {
    box.setAttribute('role', 'button');
    box.setAttribute('tabindex', '0');
    box.setAttribute('aria-label', title);
    box.setAttribute('aria-pressed', 'false');
    box.addEventListener('click', () => this.#onChoose(layer, title));
    box.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' && event.key !== ' ') return;
      event.preventDefault();
      this.#onChoose(layer, title);
    });
    this.#buttons.set(layer, box);
  }
}

function network(): readonly Box[] {
  const sections = BLOCKS.flatMap((count, section) =>
    Array.from({ length: count }, (_, i): Box => {
      const side = 56 >> section;
      const channels = 256 << section;
      return {
        layer: `layer${section + 1}.${i}.relu`,
        title: `layer ${section + 1}.${i}`,
        shortcut: i === 0 ? 'convolution' : 'identity',
        gap: i === 0 ? SECTION_GAP : GAP,
        ...(i === 0 && { caption: `${channels} × ${side} × ${side}` }),
      };
    }),
  );
  const plain = { shortcut: undefined, gap: GAP } as const;
  return [
    { ...plain, layer: 'relu', title: 'conv1', caption: '64 × 112 × 112' },
    { ...plain, layer: 'maxpool', title: 'max pool' },
    ...sections,
    { ...plain, layer: undefined, title: 'average pool', gap: SECTION_GAP, caption: '2048 → 1000' },
    { ...plain, layer: undefined, title: 'fc' },
  ];
}

/** What fits into a box: the last word. */
function shortNameOf(title: string): string {
  return title.split(' ').at(-1) ?? title;
}
