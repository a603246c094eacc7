/** What moves data and computes nothing. Steps of one node here are nodes of their own in ONNX. */

import { rearrange as layer, rearrangeOp, split } from '../../layers/rearrange.ts';
import type { RearrangeAttributes } from '../../runtime/builtins.ts';
import { UnsupportedError } from '../../runtime/errors.ts';
import type { Node, Value } from '../../runtime/graph.ts';
import {
  DepthToSpace,
  Expand,
  Flatten,
  type Movement,
  movedShape,
  Pad,
  Reshape,
  ShuffleChannels,
  Slice,
  SpaceToDepth,
  Squeeze,
  Tile,
  Transpose,
  Unsqueeze,
} from '../../runtime/movement/index.ts';
import { inputShape } from '../../runtime/operator.ts';
import { elementCount, type Shape, shapesEqual } from '../../runtime/tensor.ts';
import type { Attributes } from '../attribute.ts';
import { exporter, read } from '../exporter.ts';
import {
  axisOf,
  type ImportCall,
  type Imported,
  type Importer,
  integers,
  known,
  knownIfGiven,
  listOf,
  operand,
  shapeOfOperand,
  value,
} from '../import_node.ts';
import type { OnnxWriter } from '../onnx_writer.ts';
import type { OperatorRows } from './rows.ts';

/** What slices go to who mean the end; exporters write the largest integer of 32 or 64 bits. */
const END = 2 ** 31 - 1;

/** `x` behind these steps; as it is where they do nothing. */
export function moveBy(call: ImportCall, x: Value, steps: readonly Movement[]): Value {
  return steps.length === 0 ? x : layer(call.g, x, steps);
}

/** The first input under another shape. A constant is not read for it. */
function seen(call: ImportCall, step: Movement): Imported {
  const x = operand(call, 0);
  const shape = shapeAfter(step, shapeOfOperand(x));
  if (x.constant) return { ...x.constant, shape };
  return shapesEqual(shape, x.value.desc.shape) ? x.value : moveBy(call, x.value, [step]);
}

function shapeAfter(step: Movement, shape: Shape): Shape {
  try {
    return movedShape([step], shape);
  } catch (error) {
    throw new UnsupportedError(error instanceof Error ? error.message : String(error));
  }
}

const reshape: Importer = (call) => {
  const shape = shapeOfOperand(operand(call, 0));
  const asked = call.attributes.ints('shape') ?? listOf(known(call, 1, 'the shape'));
  const keepsZero = call.attributes.int('allowzero', 0) === 1;
  const extents = forBatch(shape, asked).map((extent, axis) =>
    extent === 0 && !keepsZero ? (shape[axis] ?? 0) : extent,
  );
  const reached = shapeAfter(new Reshape({ extents }), shape);
  // The first extent is left open where it stays, so that the batch may change.
  const open = reached.length > 0 && reached[0] === shape[0];
  return seen(call, new Reshape({ extents: open ? [-1, ...reached.slice(1)] : reached }));
};

/** Files for one image say so in their shapes, though the network takes any batch. */
function forBatch(shape: Shape, asked: readonly number[]): readonly number[] {
  const [batch = 1] = shape;
  const [first, ...rest] = asked;
  const literal = first === 1 && rest.every((extent) => extent > 0);
  return literal && elementCount(rest) * batch === elementCount(shape) ? [batch, ...rest] : asked;
}

const flatten: Importer = (call) => {
  const shape = shapeOfOperand(operand(call, 0));
  const given = call.attributes.int('axis', 1);
  const axis = given === shape.length ? given : axisOf(given, shape.length);
  if (axis === 1) return seen(call, new Flatten({ axis }));
  const extents = axis === 0 ? [1, -1] : [-1, elementCount(shape.slice(axis))];
  return seen(call, new Reshape({ extents }));
};

const squeeze: Importer = (call) => {
  const shape = shapeOfOperand(operand(call, 0));
  const given = integers(call, 1, 'axes')?.map((axis) => axisOf(axis, shape.length));
  const axes = given ?? shape.flatMap((extent, axis) => (extent === 1 ? [axis] : []));
  return seen(call, new Squeeze({ axes }));
};

const unsqueeze: Importer = (call) => {
  const given = integers(call, 1, 'axes') ?? [];
  const rank = shapeOfOperand(operand(call, 0)).length + given.length;
  return seen(call, new Unsqueeze({ axes: given.map((axis) => axisOf(axis, rank)) }));
};

const transpose: Importer = (call) => {
  const x = value(call, 0);
  const reversed = x.desc.shape.map((_, axis) => axis).reverse();
  return moveBy(call, x, [new Transpose({ order: call.attributes.ints('perm') ?? reversed })]);
};

/** Bounds as attributes, or since operator set 10 as inputs. */
const slice: Importer = (call) => {
  const x = value(call, 0);
  const list = (index: number, name: string): readonly number[] | undefined => {
    const given = knownIfGiven(call, index, `the ${name}`);
    return given ? listOf(given) : call.attributes.bounds(name);
  };
  const [starts = [], ends = [], axes, strides] = ['starts', 'ends', 'axes', 'steps'].map(
    (name, i) => list(i + 1, name),
  );
  const steps = starts.map((start, i): Movement => {
    const [to = END, step = 1] = [ends[i], strides?.[i]];
    return new Slice({
      axis: axisOf(axes?.[i] ?? i, x.desc.shape.length),
      from: Math.min(Math.max(start, -END), END),
      step,
      ...((step > 0 ? to < END : to > -END) && { to }),
    });
  });
  return moveBy(call, x, steps);
};

const splitUp: Importer = (call) => {
  const x = value(call, 0);
  const axis = axisOf(call.attributes.int('axis', 0), x.desc.shape.length);
  const extent = x.desc.shape[axis] ?? 1;
  const largest = Math.ceil(extent / call.outputs);
  const equal = Array.from({ length: call.outputs }, (_, i) =>
    Math.min(largest, extent - i * largest),
  );
  const given = knownIfGiven(call, 1, 'the split');
  const extents = (given ? listOf(given, extent) : call.attributes.ints('split')) ?? equal;
  if (extents.some((part) => part < 1) || extents.reduce((a, b) => a + b, 0) !== extent) {
    throw new UnsupportedError(`splits the ${extent} along axis ${axis} into [${extents}]`);
  }
  return split(call.g, x, extents, axis);
};

/** Extents of 1 in the shape that is asked for leave those of x as they are. */
const expand: Importer = (call) => {
  const x = value(call, 0);
  const step: Movement = new Expand({ shape: listOf(known(call, 1, 'the shape')) });
  return shapesEqual(shapeAfter(step, x.desc.shape), x.desc.shape) ? x : moveBy(call, x, [step]);
};

const depthToSpace: Importer = (call) => {
  const order = call.attributes.string('mode', 'DCR');
  if (order !== 'DCR' && order !== 'CRD') {
    throw new UnsupportedError(`mode is ${order}; DCR and CRD are read`);
  }
  const block = call.attributes.int('blocksize', 0);
  return moveBy(call, value(call, 0), [new DepthToSpace({ block, order })]);
};

const same: Importer = (call) => {
  const { constant, value } = operand(call, 0);
  return constant ?? value;
};

/** A node of ONNX that does one step, or a part of it: its inputs behind the data, and its attributes. */
type Link = readonly [opType: string, inputs: readonly string[], attributes?: Attributes];

function write(node: Node<RearrangeAttributes, 'x'>, writer: OnnxWriter): void {
  const links = [...linksOfAll(node.attributes.steps, inputShape(node, 'x'), node, writer)];
  let [data = ''] = read(writer, node, 'x');
  const [opType, inputs, attributes] = links.pop() ?? ['Identity', []];
  for (const link of links) data = writer.step(node, link[0], [data, ...link[1]], link[2]);
  writer.layer(node, opType, [data, ...inputs], attributes);
}

function linksOfAll(
  steps: readonly Movement[],
  shape: Shape,
  node: Node,
  writer: OnnxWriter,
): readonly Link[] {
  let from = shape;
  return steps.flatMap((step) => {
    const before = from;
    from = movedShape([step], before);
    return linksOf(step, before, from, node, writer);
  });
}

function linksOf(
  step: Movement,
  from: Shape,
  to: Shape,
  node: Node,
  writer: OnnxWriter,
): readonly Link[] {
  const list = (part: string, values: readonly number[]) => writer.integers(node, part, values);
  // A batch that stays is written as 0, which keeps an extent, so that it may be left open.
  const reshapeTo = (extents: Shape): Link => {
    const kept = extents.map((extent, axis) => (axis === 0 && extent === from[0] ? 0 : extent));
    return ['Reshape', [list('shape', kept)]];
  };
  if (step instanceof Reshape) return [reshapeTo(step.extents)];
  if (step instanceof Flatten) {
    // ONNX's Flatten gives a matrix, whatever comes before the axis.
    if (step.axis === 1) return [['Flatten', [], { axis: { int: 1 } }]];
    return [['Reshape', [list('shape', [...Array<number>(step.axis).fill(0), -1])]]];
  }
  if (step instanceof Transpose) return [['Transpose', [], { perm: { ints: step.order } }]];
  if (step instanceof Slice) {
    const end = step.to ?? (step.step > 0 ? END : -END);
    const bounds = { starts: step.from, ends: end, axes: step.axis, steps: step.step };
    return [['Slice', Object.entries(bounds).map(([part, bound]) => list(part, [bound]))]];
  }
  if (step instanceof Pad) {
    const value = writer.scalar(node, 'value', step.value);
    return [['Pad', [list('pads', [...step.before, ...step.after]), value]]];
  }
  if (step instanceof Expand) {
    // Extents that stay are written as 1, so that the batch may be left open.
    const aligned = [...Array<number>(to.length - from.length).fill(1), ...from];
    const shape = to.map((extent, axis) => (extent === aligned[axis] ? 1 : extent));
    return [['Expand', [list('shape', shape)]]];
  }
  if (step instanceof Tile) return [['Tile', [list('repeats', step.repeats)]]];
  if (step instanceof DepthToSpace) {
    const attributes = { blocksize: { int: step.block }, mode: { string: step.order } };
    return [['DepthToSpace', [], attributes]];
  }
  if (step instanceof SpaceToDepth) {
    return [['SpaceToDepth', [], { blocksize: { int: step.block } }]];
  }
  if (step instanceof Squeeze) return [['Squeeze', [list('axes', step.axes)]]];
  if (step instanceof Unsqueeze) return [['Unsqueeze', [list('axes', step.axes)]]];
  return linksOfAll(parts(step, from), from, node, writer);
}

/** What a step is made of that ONNX has no operator for. */
function parts(step: Movement, shape: Shape): readonly Movement[] {
  if (step instanceof ShuffleChannels) return step.parts(shape);
  throw new UnsupportedError(`ONNX has no operator for ${step.kind}`);
}

export const rearrange: OperatorRows = {
  importers: {
    Identity: same,
    Dropout(call) {
      const training = knownIfGiven(call, 2, 'training_mode');
      if (training && listOf(training, 1)[0] !== 0) {
        throw new UnsupportedError('training_mode is 1');
      }
      return same(call);
    },
    Reshape: reshape,
    Flatten: flatten,
    Squeeze: squeeze,
    Unsqueeze: unsqueeze,
    Transpose: transpose,
    Slice: slice,
    Split: splitUp,
    Expand: expand,
    Tile: (call) =>
      moveBy(call, value(call, 0), [new Tile({ repeats: listOf(known(call, 1, 'the repeats')) })]),
    DepthToSpace: depthToSpace,
    SpaceToDepth: (call) =>
      moveBy(call, value(call, 0), [
        new SpaceToDepth({ block: call.attributes.int('blocksize', 0) }),
      ]),
  },
  exporters: [exporter(rearrangeOp, write)],
};
