/** What moves data and computes nothing. Steps of one node here are nodes of their own in ONNX. */
import { flattenOp } from '../../layers/flatten.ts';
import { rearrange as layer, rearrangeOp, split } from '../../layers/rearrange.ts';
import type { RearrangeAttributes } from '../../runtime/builtins.ts';
import { UnsupportedError } from '../../runtime/errors.ts';
import type { Node } from '../../runtime/graph.ts';
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
import { filled, seenAs } from '../computed.ts';
import { demand } from '../errors.ts';
import { type Exporters, exporter, read } from '../exporter.ts';
import { axisOf, type ImportCall, type Importer, type Importers } from '../import_node.ts';
import type { OnnxWriter } from '../onnx_writer.ts';

/** What slices go to who mean the end; exporters write the largest integer of 32 or 64 bits. */
const END = 2 ** 31 - 1;

/** The step that a node does with its first input, of this shape. */
type StepOf = (call: ImportCall, shape: Shape) => Movement;

const STEPS: Readonly<Record<string, StepOf>> = {
  Reshape(call, shape) {
    const asked = call.ints('shape') ?? call.numbers(1, 'the shape');
    demand(!call.flag('allowzero') || !asked.includes(0), 'an extent of 0 leaves no elements');
    const extents = forBatch(shape, asked);
    const [first] = shapeAfter(new Reshape({ extents }), shape);
    // The first extent is left open where it stays, so that the batch may change.
    const kept = first !== undefined && first === shape[0];
    return new Reshape({ extents: kept ? extents.with(0, 0) : extents });
  },
  Flatten(call, shape) {
    const given = call.int('axis', 1);
    const axis = given === shape.length ? given : axisOf(given, shape.length);
    if (axis === 1) return new Flatten({ axis });
    const extents = axis === 0 ? [1, -1] : [-1, elementCount(shape.slice(axis))];
    return new Reshape({ extents });
  },
  Squeeze(call, shape) {
    const given = call.integers(1, 'axes')?.map((axis) => axisOf(axis, shape.length));
    const axes = given ?? shape.flatMap((extent, axis) => (extent === 1 ? [axis] : []));
    return new Squeeze({ axes });
  },
  Unsqueeze(call, shape) {
    const given = call.integers(1, 'axes') ?? [];
    const rank = shape.length + given.length;
    return new Unsqueeze({ axes: given.map((axis) => axisOf(axis, rank)) });
  },
  Transpose(call, shape) {
    const reversed = shape.map((_, axis) => axis).reverse();
    return new Transpose({ order: call.ints('perm') ?? reversed });
  },
  Expand: (call) => new Expand({ shape: call.numbers(1, 'the shape') }),
  Tile: (call) => new Tile({ repeats: call.numbers(1, 'the repeats') }),
  DepthToSpace: (call) =>
    new DepthToSpace({ block: call.int('blocksize', 0), order: call.choice('mode', 'DCR', 'CRD') }),
  SpaceToDepth: (call) => new SpaceToDepth({ block: call.int('blocksize', 0) }),
};

/** Files for one image say so in their shapes, though the network takes any batch. */
function forBatch(shape: Shape, asked: readonly number[]): readonly number[] {
  const [batch = 1] = shape;
  const [first, ...rest] = asked;
  const literal = first === 1 && rest.every((extent) => extent > 0);
  return literal && elementCount(rest) * batch === elementCount(shape) ? [batch, ...rest] : asked;
}

/** Steps that only give a shape: a constant is not read for them. */
const SHAPED = [Reshape, Flatten, Squeeze, Unsqueeze] as const;

function moving(stepOf: StepOf): Importer {
  return (call) => {
    const from = call.shape(0);
    const step = stepOf(call, from);
    const shape = shapeAfter(step, from);
    const { constant } = call.operand(0);
    if (constant && SHAPED.some((kind) => step instanceof kind)) return seenAs(constant, { shape });
    const x = call.value(0);
    const idle = shapesEqual(shape, from) && !(step instanceof Transpose);
    return idle ? x : layer(call.g, x, [step]);
  };
}

function shapeAfter(step: Movement, shape: Shape): Shape {
  try {
    return movedShape([step], shape);
  } catch (cause) {
    throw new UnsupportedError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

const same: Importer = (call) => {
  const { constant, value } = call.operand(0);
  return constant ?? value;
};

/** A node of ONNX that does one step: its inputs after the data, lists of integers or a float, and its attributes. */
type Link = readonly [
  opType: string,
  inputs?: Readonly<Record<string, readonly number[] | number>>,
  attributes?: Attributes,
];

function linksOf(steps: readonly Movement[], shape: Shape): readonly Link[] {
  let to = shape;
  const links = steps.flatMap((step): readonly Link[] => {
    const from = to;
    to = movedShape([step], from);
    if (step instanceof ShuffleChannels) return linksOf(step.parts(from), from);
    return [linkOf(step, from, to)];
  });
  return links.length > 0 ? links : [['Identity']];
}

function linkOf(step: Movement, from: Shape, to: Shape): Link {
  if (step instanceof Reshape) {
    // A batch that stays is written as 0, which keeps an extent, so that it may be left open.
    const kept = step.extents.length > 0 && step.extents[0] === from[0];
    return ['Reshape', { shape: kept ? [0, ...step.extents.slice(1)] : step.extents }];
  }
  if (step instanceof Flatten) {
    // ONNX's Flatten gives a matrix, whatever comes before the axis.
    if (step.axis === 1) return ['Flatten', {}, { axis: { int: 1 } }];
    return ['Reshape', { shape: [...Array<number>(step.axis).fill(0), -1] }];
  }
  if (step instanceof Transpose) return ['Transpose', {}, { perm: { ints: step.order } }];
  if (step instanceof Slice) {
    const end = step.to ?? (step.step > 0 ? END : -END);
    return ['Slice', { starts: [step.from], ends: [end], axes: [step.axis], steps: [step.step] }];
  }
  if (step instanceof Pad) {
    return ['Pad', { pads: [...step.before, ...step.after], value: step.value }];
  }
  if (step instanceof Expand) {
    // Extents that stay are written as 1, so that the batch may be left open.
    const aligned = [...Array<number>(to.length - from.length).fill(1), ...from];
    return ['Expand', { shape: to.map((extent, axis) => (extent === aligned[axis] ? 1 : extent)) }];
  }
  if (step instanceof Tile) return ['Tile', { repeats: step.repeats }];
  if (step instanceof DepthToSpace) {
    return ['DepthToSpace', {}, { blocksize: { int: step.block }, mode: { string: step.order } }];
  }
  if (step instanceof SpaceToDepth) return ['SpaceToDepth', {}, { blocksize: { int: step.block } }];
  if (step instanceof Squeeze) return ['Squeeze', { axes: step.axes }];
  demand(step instanceof Unsqueeze, `ONNX has no operator for ${step.kind}`);
  return ['Unsqueeze', { axes: step.axes }];
}

export const importers: Importers = {
  ...Object.fromEntries(Object.entries(STEPS).map(([name, stepOf]) => [name, moving(stepOf)])),
  Identity: same,
  Dropout(call) {
    const [training = 0] = call.numbersIfGiven(2, 'training_mode', 1) ?? [];
    if (training !== 0) {
      const [ratio = 0.5] = call.numbersIfGiven(1, 'the ratio', 1) ?? [];
      const remedy = 'drops elements at random, as in training; export the model for inference';
      demand(ratio === 0, remedy);
    }
    // Nothing is dropped; before operator set 10, masks were as floats.
    const { constant, value } = call.operand(0);
    const type = call.opset < 10 ? call.type(0) : 'bool';
    return [constant ?? value, filled(call.shape(0), type, 1)];
  },
  /** Bounds as attributes, or since operator set 10 as inputs. */
  Slice(call) {
    const x = call.value(0);
    const [starts = [], ends = [], axes, strides] = ['starts', 'ends', 'axes', 'steps'].map(
      (name, i) => call.numbersIfGiven(i + 1, `the ${name}`) ?? call.bounds(name),
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
    return steps.length === 0 ? x : layer(call.g, x, steps);
  },
  Split(call) {
    const x = call.value(0);
    const axis = call.axis(0, x.desc.shape.length);
    const extent = x.desc.shape[axis] ?? 1;
    const count = call.node.output.length;
    const largest = Math.ceil(extent / count);
    const equal = Array.from({ length: count }, (_, i) => Math.min(largest, extent - i * largest));
    const extents = call.numbersIfGiven(1, 'the split', count) ?? call.ints('split') ?? equal;
    const whole =
      extents.every((part) => part > 0) && extents.reduce((a, b) => a + b, 0) === extent;
    demand(whole, `splits the ${extent} along axis ${axis} into [${extents}]`);
    return split(call.g, x, extents, axis);
  },
};

function writeSteps(node: Node<RearrangeAttributes, 'x'>, writer: OnnxWriter): void {
  const links = linksOf(node.attributes.steps, inputShape(node, 'x'));
  let [data = ''] = read(writer, node, 'x');
  for (const [i, [opType, inputs = {}, attributes]] of links.entries()) {
    const names = Object.entries(inputs).map(([part, given]) =>
      typeof given === 'number'
        ? writer.scalar(node, part, given)
        : writer.integers(node, part, given),
    );
    if (i === links.length - 1) writer.layer(node, opType, [data, ...names], attributes);
    else data = writer.step(node, opType, [data, ...names], attributes);
  }
}

export const exporters: Exporters = [
  exporter(flattenOp, writeSteps),
  exporter(rearrangeOp, writeSteps),
];
