/** Normalisations by what was learned, by what is beside, and by the statistics of the input. */
import { apply } from '../../../shaders/lib/expression.ts';
import {
  add,
  div,
  equal,
  greater,
  mul,
  select,
  sqrt,
  sub,
} from '../../../shaders/lib/expression_functions.ts';
import { argMax } from '../../layers/arg_reduce.ts';
import { batchNormOp } from '../../layers/batch_norm.ts';
import { localResponseNorm, localResponseNormOp } from '../../layers/local_response_norm.ts';
import { normalize } from '../../layers/normalize.ts';
import { perChannel } from '../../layers/per_channel.ts';
import { pointwise } from '../../layers/pointwise.ts';
import { rearrange, reshapeTo } from '../../layers/rearrange.ts';
import { reduce } from '../../layers/reduce.ts';
import { logSoftmax, softmax, softmaxOp } from '../../layers/softmax.ts';
import type { Value } from '../../runtime/graph.ts';
import type { GraphBuilder } from '../../runtime/graph_builder.ts';
import { Expand, Reshape } from '../../runtime/movement/index.ts';
import { elementCount, type Shape } from '../../runtime/tensor.ts';
import { demand } from '../errors.ts';
import { type Exporters, exporter, read } from '../exporter.ts';
import { axisOf, type ImportCall, type Importers } from '../import_node.ts';
import { constant } from '../tensor.ts';
import { isTraining, normalizedByBatch } from './batch_statistics.ts';
import { normalized } from './normalize.ts';

const BATCH_NORM_ROLES = ['x', 'weight', 'bias', 'running_mean', 'running_var'] as const;

/** Layer and group normalisation: scale and bias are broadcast, and may be left out. */
function scaled(
  call: ImportCall,
  g: GraphBuilder,
  y: Value,
  scale = call.value(1),
  bias = call.inputs[2] && call.value(2),
): Value {
  if (!bias) return pointwise(g, [y, scale], (value, s) => apply(mul, value, s));
  return pointwise(g, [y, scale, bias], (value = 0, s = 1, offset = 0) =>
    apply(add, apply(mul, value, s), offset),
  );
}

/** Of each image's channels in groups; scale and bias are values a channel, or once a group. */
function importGroupNorm(call: ImportCall, groups: number): Value {
  const x = call.value(0);
  const { shape } = x.desc;
  const [, channels = 1] = shape;
  const y = normalize(call.g.at('normalized'), x, {
    from: 1,
    groups,
    epsilon: call.float('epsilon', 1e-5),
  });
  const vectors = [1, 2].map((index) => {
    const vector = call.value(index);
    // GroupNormalization of operator set 18 had one value a group.
    const [extent = 1] = vector.desc.shape;
    return extent === channels
      ? perChannel(call.g, vector, shape.length)
      : repeated(call.g.at(`values ${index}`), vector, shape);
  });
  const [scale = x, bias] = vectors;
  return scaled(call, call.g, y, scale, bias);
}

/** A value a group as one a channel. */
function repeated(g: GraphBuilder, vector: Value, shape: Shape): Value {
  const [groups = 1] = vector.desc.shape;
  const [, channels = 1] = shape;
  const grouped = [groups, channels / groups];
  return rearrange(g, vector, [
    new Reshape({ extents: [groups, 1] }),
    new Expand({ shape: grouped }),
    new Reshape({ extents: [channels, ...shape.slice(2).map(() => 1)] }),
  ]);
}

/** With the mean and the reciprocal of the deviation, where the node has outputs for them. */
export function layerNorm(call: ImportCall, centred: boolean, leastVariance = 1e-5): Value {
  const x = call.value(0);
  const { shape } = x.desc;
  const from = call.axis(-1, shape.length);
  const epsilon = call.float('epsilon', leastVariance);
  const ofChannels = call.inputs
    .slice(1)
    .every((input, i) => !input || call.shape(i + 1).length <= 1);
  if (ofChannels && from > 2 && from === shape.length - 1) {
    // As [images, pixels, channels], whose kernels go on with a scale and a bias.
    const rows = reshapeTo(call.g.at('rows'), x, [shape[0] ?? 1, -1, shape.at(-1) ?? 1]);
    const y = normalize(call.g.at('normalized'), rows, { from: 2, centred, epsilon });
    return reshapeTo(call.g, scaled(call, call.g.at('scaled'), y), shape);
  }
  const y = normalize(call.g.at('normalized'), x, { from, centred, epsilon });
  return scaled(call, call.g, y);
}

/** The same, and the mean and the reciprocal of the deviation where they are outputs. */
function importLayerNorm(call: ImportCall, centred: boolean): readonly Value[] {
  const result = layerNorm(call, centred);
  if (call.node.output.length === 1) return [result];
  const x = call.value(0);
  const from = call.axis(-1, x.desc.shape.length);
  const epsilon = call.float('epsilon', 1e-5);
  const axes = [...x.desc.shape.keys()].slice(from);
  const mean = reduce(call.g.at('mean'), x, 'mean', { axes });
  const rest = pointwise(call.g.at('rest'), [x, mean], (value, m) => apply(sub, value, m));
  const squares = reduce(call.g.at('squares'), rest, 'sum_square', { axes });
  const count = elementCount(x.desc.shape.slice(from));
  const reciprocal = pointwise(call.g.at('reciprocal'), [squares], (sum = 0) =>
    apply(div, 1, apply(sqrt, apply(add, apply(div, sum, count), epsilon))),
  );
  return [result, mean, reciprocal];
}

/** x / norm of x along an axis; where that is 0, 0. */
function importLpNorm(call: ImportCall): Value {
  const x = call.value(0);
  const axis = call.axis(-1, x.desc.shape.length);
  const p = call.int('p', 2);
  demand(p === 1 || p === 2, `p is ${p}; 1 and 2 are read`);
  const norm = reduce(call.g.at('norm'), x, p === 1 ? 'l1' : 'l2', { axes: [axis] });
  return pointwise(call.g, [x, norm], (value = 0, length = 1) =>
    apply(select, apply(greater, length, 0), apply(div, value, length), 0),
  );
}

/** (x - mean) / deviation over axes, which may lie apart. */
function importMeanVariance(call: ImportCall): Value {
  const x = call.value(0);
  const rank = x.desc.shape.length;
  const axes = (call.ints('axes') ?? [0, 2, 3]).map((axis) => axisOf(axis, rank));
  const mean = reduce(call.g.at('mean'), x, 'mean', { axes });
  const rest = pointwise(call.g.at('rest'), [x, mean], (value, m) => apply(sub, value, m));
  const squares = reduce(call.g.at('squares'), rest, 'sum_square', { axes });
  const count = axes.reduce((product, axis) => product * (x.desc.shape[axis] ?? 1), 1);
  return pointwise(call.g, [rest, squares], (value = 0, sum = 1) =>
    apply(div, value, apply(add, apply(sqrt, apply(div, sum, count)), LEAST_DEVIATION)),
  );
}

/** What ONNX adds to the deviation, so that none is 0. */
const LEAST_DEVIATION = 1e-9;

function importSoftmax(call: ImportCall, logarithm: boolean): Value {
  const layer = logarithm ? logSoftmax : softmax;
  const x = call.value(0);
  const { shape } = x.desc;
  const axis = call.axis(call.opset < 13 ? 1 : -1, shape.length);
  return alongRows(call, axis, (g, rows, at) => layer(g, rows, at));
}

/** 1 at the first of the largest along an axis, else 0. */
function importHardmax(call: ImportCall): Value {
  const { shape } = call.value(0).desc;
  const axis = call.axis(call.opset < 13 ? 1 : -1, shape.length);
  return alongRows(call, axis, (g, rows, at) => {
    const first = argMax(g.at('first'), rows, { axis: at, keepAxis: true });
    const { shape: whole } = rows.desc;
    const places = Array.from({ length: whole[at] ?? 1 }, (_, i) => i);
    const along = whole.map((extent, axis) => (axis === at ? extent : 1));
    const name = `${call.name} places`;
    const indices = call.place.weight({ ...constant(along, places, 'float32'), name });
    return pointwise(g, [first, indices], (found = 0, place = 0) =>
      apply(select, apply(equal, found, place), 1, 0),
    );
  });
}

/** Before operator set 13, all axes from `axis` on count as one. */
function alongRows(
  call: ImportCall,
  axis: number,
  make: (g: GraphBuilder, x: Value, axis: number) => Value,
): Value {
  const x = call.value(0);
  const { shape } = x.desc;
  const inner = shape.slice(axis);
  if (call.opset >= 13 || elementCount(inner.slice(1)) === 1) return make(call.g, x, axis);
  const matrix = reshapeTo(call.g.at('rows'), x, [-1, elementCount(inner)]);
  const rows = make(call.g.at('of rows'), matrix, 1);
  return reshapeTo(call.g, rows, axis > 0 ? [-1, ...shape.slice(1)] : shape);
}

export const importers: Importers = {
  BatchNormalization(call) {
    demand(call.int('spatial', 1) === 1, 'spatial is 0');
    if (isTraining(call)) return normalizedByBatch(call);
    const inputs = Object.fromEntries(BATCH_NORM_ROLES.map((role, i) => [role, call.value(i)]));
    return call.g.add(batchNormOp, { epsilon: call.float('epsilon', 1e-5) }, inputs);
  },
  LRN: (call) =>
    localResponseNorm(call.g, call.value(0), {
      size: call.int('size', 0),
      alpha: call.float('alpha', 1e-4),
      beta: call.float('beta', 0.75),
      bias: call.float('bias', 1),
    }),
  Softmax: (call) => importSoftmax(call, false),
  LogSoftmax: (call) => importSoftmax(call, true),
  Hardmax: importHardmax,
  InstanceNormalization(call) {
    const [, channels = 1] = call.shape(0);
    return importGroupNorm(call, channels);
  },
  GroupNormalization: (call) => importGroupNorm(call, call.int('num_groups', 1)),
  LayerNormalization: (call) => importLayerNorm(call, true),
  RMSNormalization: (call) => importLayerNorm(call, false),
  LpNormalization: importLpNorm,
  MeanVarianceNormalization: importMeanVariance,
};

export const exporters: Exporters = [
  exporter(batchNormOp, (node, writer) => {
    const inputs = read(writer, node, ...BATCH_NORM_ROLES);
    const epsilon = { float: node.attributes.epsilon };
    writer.layer(node, 'BatchNormalization', inputs, { epsilon });
  }),
  exporter(localResponseNormOp, (node, writer) => {
    const { size, alpha, beta, bias } = node.attributes;
    writer.layer(node, 'LRN', read(writer, node, 'x'), {
      size: { int: size },
      alpha: { float: alpha },
      beta: { float: beta },
      bias: { float: bias },
    });
  }),
  exporter(softmaxOp, (node, writer) => {
    const { axis, logarithm } = node.attributes;
    const opType = logarithm ? 'LogSoftmax' : 'Softmax';
    writer.layer(node, opType, read(writer, node, 'x'), { axis: { int: axis } });
  }),
  normalized,
];
