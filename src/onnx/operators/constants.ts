/** What computes constants: exporters write `x.view(x.shape[0], -1)` as Shape, Gather, Unsqueeze, Concat, Reshape. */

import { concat } from '../../layers/concat.ts';
import { rearrange, reshapeTo } from '../../layers/rearrange.ts';
import { Slice, Squeeze } from '../../runtime/movement/index.ts';
import { elementCount, formatShape } from '../../runtime/tensor.ts';
import { MOST_INDICES, MOST_SLICES } from '../bounds.ts';
import { computed, filled, integers } from '../computed.ts';
import { demand } from '../errors.ts';
import type { OperatorRows } from '../exporter.ts';
import { typeOfAttribute } from '../result_type.ts';
import { constant } from '../tensor.ts';

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
      if (call.has('value_float')) return constant([], [call.float('value_float', 0)], 'float32');
      if (call.has('value_int')) return constant([], [call.int('value_int', 0)], 'int64');
      const floats = call.floats('value_floats');
      if (floats) return constant([floats.length], floats, 'float32');
      const list = call.ints('value_ints');
      demand(list, 'holds neither a tensor nor numbers');
      return integers(list);
    },
    Shape(call) {
      const end = call.has('end') ? call.int('end', 0) : undefined;
      return integers(call.shape(0).slice(call.int('start', 0), end));
    },
    Size: (call) => constant([], [elementCount(call.shape(0))], 'int64'),
    ConstantOfShape(call) {
      const shape = call.numbers(0, 'the shape');
      const valid = shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0);
      demand(valid, `${formatShape(shape)} is no shape`);
      const given = call.tensor('value') ?? constant([1], [0], 'float32');
      const [value = 0] = given.numbers();
      return filled(shape, given.type, value);
    },
    /** Ones on a diagonal of a matrix of the input's shape. */
    EyeLike(call) {
      const shape = call.shape(0);
      const [rows, columns] = shape;
      demand(
        shape.length === 2 && rows !== undefined && columns !== undefined,
        `is of ${formatShape(shape)}; matrices are read`,
      );
      const offset = call.int('k', 0);
      const type = call.has('dtype') ? typeOfAttribute(call, 'dtype', 0) : call.type(0);
      return computed(shape, type, [], () =>
        Float64Array.from({ length: rows * columns }, (_, i) =>
          Number((i % columns) - Math.floor(i / columns) === offset),
        ),
      );
    },
    /** Slices of runs of indices, side by side. */
    Gather(call) {
      const x = call.value(0);
      const axis = call.axis(0, x.desc.shape.length);
      const extent = x.desc.shape[axis] ?? 1;
      const { shape } = call.known(1, 'the indices');
      const wanted = call
        .numbers(1, 'the indices', MOST_INDICES)
        .map((i) => (i < 0 ? i + extent : i));
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
