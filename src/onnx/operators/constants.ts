/** What computes constants: exporters write `x.view(x.shape[0], -1)` as Shape, Gather, Unsqueeze, Concat, Reshape. */

import { concat } from '../../layers/concat.ts';
import { UnsupportedError } from '../../runtime/errors.ts';
import type { Value } from '../../runtime/graph.ts';
import type { Movement } from '../../runtime/movement/index.ts';
import { Reshape, Slice, Squeeze } from '../../runtime/movement/index.ts';
import { elementCount, formatShape } from '../../runtime/tensor.ts';
import {
  axisOf,
  type Importer,
  known,
  listOf,
  operand,
  shapeOfOperand,
  value,
} from '../import_node.ts';
import { constant } from '../tensor.ts';
import { moveBy } from './rearrange.ts';
import type { OperatorRows } from './rows.ts';

/** The largest constant that is filled, in elements: a VGG's largest weight has 1.03e8, a shape has 4. */
const MOST_ELEMENTS = 2 ** 24;
/** Slices that a Gather may become. */
const MOST_SLICES = 256;

const constantNode: Importer = ({ attributes, tensor }) => {
  const value = attributes.tensor('value');
  if (value) return tensor(value);
  if (attributes.has('value_float')) {
    return constant('', [], [attributes.float('value_float', 0)], true);
  }
  if (attributes.has('value_int')) {
    return constant('', [], [attributes.int('value_int', 0)], false);
  }
  const [floats, ints] = [attributes.floats('value_floats'), attributes.ints('value_ints')];
  const list = floats ?? ints;
  if (!list) throw new UnsupportedError('holds neither a tensor nor numbers');
  return constant('', [list.length], list, floats !== undefined);
};

const shapeOf: Importer = (call) => {
  const { attributes } = call;
  const end = attributes.has('end') ? attributes.int('end', 0) : undefined;
  const part = shapeOfOperand(operand(call, 0)).slice(attributes.int('start', 0), end);
  return constant('', [part.length], part, false);
};

const constantOfShape: Importer = (call) => {
  const shape = listOf(known(call, 0, 'the shape'));
  if (!shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0)) {
    throw new UnsupportedError(`${formatShape(shape)} is no shape`);
  }
  if (!(elementCount(shape) <= MOST_ELEMENTS)) {
    throw new UnsupportedError(
      `a constant of ${formatShape(shape)} is computed; at most ${MOST_ELEMENTS} elements are`,
    );
  }
  const tensor = call.attributes.tensor('value');
  const { float, numbers } = tensor ? call.tensor(tensor) : constant('', [1], [0], true);
  const [value = 0] = numbers();
  return {
    name: '',
    shape,
    float,
    numbers: () => new Float64Array(elementCount(shape)).fill(value),
  };
};

/** Slices of runs of indices, side by side. */
const gather: Importer = (call) => {
  const x = value(call, 0);
  const indices = known(call, 1, 'the indices');
  const axis = axisOf(call.attributes.int('axis', 0), x.desc.shape.length);
  const extent = x.desc.shape[axis] ?? 1;
  const wanted = listOf(indices, 4096).map((i) => (i < 0 ? i + extent : i));
  if (wanted.length === 0 || wanted.some((i) => !(i >= 0 && i < extent))) {
    throw new UnsupportedError(`indices are out of the ${extent} along axis ${axis}`);
  }
  const runs = runsOf(wanted);
  if (runs.length > MOST_SLICES) {
    throw new UnsupportedError(`gathers ${runs.length} parts; at most ${MOST_SLICES} are read`);
  }
  const parts = runs.map(({ from, step, count }, i): Value => {
    const end = from + step * count;
    const part: Movement = new Slice({ axis, from, step, ...(end >= 0 && { to: end }) });
    return moveBy({ ...call, g: call.g.at(`part${i}`) }, x, [part]);
  });
  const [first] = parts;
  const joined = first && parts.length === 1 ? first : concat(call.g.at('parts'), parts, axis);
  if (indices.shape.length === 1) return joined;
  if (indices.shape.length === 0) return moveBy(call, joined, [new Squeeze({ axes: [axis] })]);
  const extents = joined.desc.shape.toSpliced(axis, 1, ...indices.shape);
  return moveBy(call, joined, [new Reshape({ extents })]);
};

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
    Constant: constantNode,
    Shape: shapeOf,
    ConstantOfShape: constantOfShape,
    Gather: gather,
  },
};
