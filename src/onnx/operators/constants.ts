/** What computes constants: exporters write `x.view(x.shape[0], -1)` as Shape, Gather, Unsqueeze, Concat, Reshape. */

import { concat } from '../../layers/concat.ts';
import { rearrange, reshapeTo } from '../../layers/rearrange.ts';
import { Slice, Squeeze } from '../../runtime/movement/index.ts';
import { elementCount, formatShape } from '../../runtime/tensor.ts';
import { demand } from '../errors.ts';
import type { OperatorRows } from '../exporter.ts';
import { constant } from '../tensor.ts';

/** The largest constant that is filled, in elements: a VGG's largest weight has 1.03e8, a shape has 4. */
const MOST_ELEMENTS = 2 ** 24;
/** Slices that a Gather may become. */
const MOST_SLICES = 256;

interface Run {
  readonly from: number;
  readonly step: number;
  readonly count: number;
}

/** Indices as runs of even steps. */
function runsOf(indices: readonly number[]): readonly Run[] {
  const runs: Run[] = [];
  for (const index of indices) {
    const last = runs.at(-1);
    const step = last && index - (last.from + last.step * (last.count - 1));
    if (last && step && (last.count === 1 || step === last.step)) {
      runs[runs.length - 1] = { from: last.from, step, count: last.count + 1 };
    } else runs.push({ from: index, step: 1, count: 1 });
  }
  return runs;
}

export const constants: OperatorRows = {
  importers: {
    Constant(call) {
      const tensor = call.tensor('value');
      if (tensor) return tensor;
      if (call.has('value_float')) return constant([], [call.float('value_float', 0)], true);
      if (call.has('value_int')) return constant([], [call.int('value_int', 0)], false);
      const floats = call.floats('value_floats');
      const list = floats ?? call.ints('value_ints');
      demand(list, 'holds neither a tensor nor numbers');
      return constant([list.length], list, floats !== undefined);
    },
    Shape(call) {
      const end = call.has('end') ? call.int('end', 0) : undefined;
      const part = call.shape(0).slice(call.int('start', 0), end);
      return constant([part.length], part, false);
    },
    ConstantOfShape(call) {
      const shape = call.numbers(0, 'the shape');
      const valid = shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0);
      demand(valid, `${formatShape(shape)} is no shape`);
      const count = elementCount(shape);
      demand(
        count <= MOST_ELEMENTS,
        `a constant of ${formatShape(shape)} is computed; at most ${MOST_ELEMENTS} elements are`,
      );
      const { float, numbers } = call.tensor('value') ?? constant([1], [0], true);
      const [value = 0] = numbers();
      return { name: '', shape, float, numbers: () => new Float64Array(count).fill(value) };
    },
    /** Slices of runs of indices, side by side. */
    Gather(call) {
      const x = call.value(0);
      const axis = call.axis(0, x.desc.shape.length);
      const extent = x.desc.shape[axis] ?? 1;
      const { shape } = call.known(1, 'the indices');
      const wanted = call.numbers(1, 'the indices', 4096).map((i) => (i < 0 ? i + extent : i));
      const within = wanted.length > 0 && wanted.every((i) => i >= 0 && i < extent);
      demand(within, `indices are out of the ${extent} along axis ${axis}`);
      const runs = runsOf(wanted);
      const few = runs.length <= MOST_SLICES;
      demand(few, `gathers ${runs.length} parts; at most ${MOST_SLICES} are read`);
      const parts = runs.map(({ from, step, count }, i) => {
        const end = from + step * count;
        const part = new Slice({ axis, from, step, ...(end >= 0 && { to: end }) });
        return rearrange(call.g.at(`part${i}`), x, [part]);
      });
      const [first] = parts;
      const joined = first && parts.length === 1 ? first : concat(call.g.at('parts'), parts, axis);
      if (shape.length === 1) return joined;
      if (shape.length === 0) return rearrange(call.g, joined, [new Squeeze({ axes: [axis] })]);
      return reshapeTo(call.g, joined, joined.desc.shape.toSpliced(axis, 1, ...shape));
    },
  },
};
