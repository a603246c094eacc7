import { element, svg } from '../../dom.ts';
import type { PlanReport } from '../../engine/calls.ts';
import { formatBytes } from '../../format.ts';

const ROW = 34;
const WIDTH = 1000;

/** Which tensor lives where and when: a row is a buffer, a bar a tensor, as high as its share of the buffer. */
export function memoryGantt({ activations, steps }: PlanReport): HTMLElement {
  const { buffers, storages, bytes, lowerBound } = activations;
  const stepWidth = WIDTH / (steps + 1);
  const rows = buffers.map((_, i) =>
    svg('line', { x1: 0, x2: WIDTH, y1: (i + 1) * ROW, y2: (i + 1) * ROW }),
  );
  const sizes = buffers.map((size) => element('li', {}, formatBytes(size)));
  const bars = storages.map(({ name, bytes: size, firstStep, lastStep, buffer }) => {
    const height = Math.max(3, (ROW - 4) * (size / Math.max(1, buffers[buffer] ?? size)));
    return svg(
      'rect',
      {
        x: (firstStep + 1) * stepWidth,
        y: (buffer + 1) * ROW - height,
        width: Math.max(1, (lastStep - firstStep + 1) * stepWidth - 1),
        height,
      },
      svg(
        'title',
        {},
        `${name}: ${formatBytes(size)}, from step ${firstStep + 1} to ${lastStep + 1}`,
      ),
    );
  });
  return element(
    'figure',
    { class: 'gantt' },
    element(
      'figcaption',
      { class: 'hint' },
      `${storages.length} tensors share ${buffers.length} buffers of ${formatBytes(bytes)} in all; no plan needs less than ${formatBytes(lowerBound)}.`,
    ),
    element(
      'div',
      { class: 'buffers' },
      element('ul', { 'aria-label': 'Sizes of the buffers' }, ...sizes),
      bufferRows(buffers.length, [...rows, ...bars]),
    ),
  );
}

/** As wide as there is room, and always as high as the sizes beside it. */
function bufferRows(count: number, parts: readonly SVGElement[]): SVGElement {
  const drawing = svg(
    'svg',
    {
      viewBox: `0 0 ${WIDTH} ${count * ROW}`,
      preserveAspectRatio: 'none',
      role: 'img',
      'aria-label': 'Memory plan: buffers over time',
    },
    ...parts,
  );
  drawing.style.height = `${count * ROW}px`;
  return drawing;
}
