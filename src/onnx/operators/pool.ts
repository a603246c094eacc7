/** MaxPool, AveragePool, LpPool, and pools of whole maps. */
import { apply } from '../../../shaders/lib/expression.ts';
import * as f from '../../../shaders/lib/expression_functions.ts';
import { adaptiveAveragePool2dOp, region } from '../../layers/adaptive_average_pool2d.ts';
import { maxPool2dIndices, maxPool2dIndicesOp } from '../../layers/max_pool2d_indices.ts';
import { pointwise } from '../../layers/pointwise.ts';
import {
  averagePool2d,
  averagePool2dOp,
  maxPool2d,
  maxPool2dOp,
  type Pool2dAttributes,
} from '../../layers/pool2d.ts';
import { type AveragePool3dOptions, averagePool3d, maxPool3d } from '../../layers/pool3d.ts';
import { reduce } from '../../layers/reduce.ts';
import { overPlanes, type Padding3d, type Triple, type Window3d } from '../../layers/volume.ts';
import type { Padding } from '../../layers/window.ts';
import type { Node, Value } from '../../runtime/graph.ts';
import type { GraphBuilder } from '../../runtime/graph_builder.ts';
import { inputShape } from '../../runtime/operator.ts';
import { elementCount, nchw } from '../../runtime/tensor.ts';
import { demand } from '../errors.ts';
import { type Exporters, exporter, read } from '../exporter.ts';
import type { ImportCall, Importer, Importers } from '../import_node.ts';
import { DataType as Type } from '../schema/enums.ts';
import { turned } from './linear.ts';
import { reduced } from './reduce.ts';
import { alongAxes, paddingOf, Space, windowAttributes, windowOf } from './windows.ts';

type Options = Window3d & Required<Pick<AveragePool3dOptions, 'ceilMode' | 'countIncludePad'>>;

/** The space that a node works on, and its windows there. */
function pooling(call: ImportCall): { readonly space: Space; readonly options: Options } {
  const kernel = call.ints('kernel_shape');
  demand(kernel, 'kernel_shape is missing');
  const space = new Space(call, call.value(0), kernel, 'pools');
  const countIncludePad = call.flag('count_include_pad');
  return {
    space,
    options: { ...windowOf(space), ceilMode: call.flag('ceil_mode'), countIncludePad },
  };
}

function maxima({ call, x, isVolume }: Space, options: Options): Value {
  if (isVolume) return maxPool3d(call.g, x, options);
  return maxPool2d(call.g, x, { ...options, ...overPlanes(options) });
}

function means(g: GraphBuilder, x: Value, isVolume: boolean, options: Options): Value {
  if (isVolume) return averagePool3d(g, x, options);
  return averagePool2d(g, x, { ...options, ...overPlanes(options) });
}

/** The maxima and, where something may read them, their indices. */
function importMaxPool(call: ImportCall): readonly Value[] {
  const { space, options } = pooling(call);
  const most = space.restored(maxima(space, options));
  if (!call.node.output[1]) return [most];
  demand(!space.isVolume, 'the indices of maxima in volumes are not supported');
  const order = call.flag('storage_order') ? 'columns' : 'rows';
  const planes = { ...options, ...overPlanes(options), order } as const;
  const g = call.g.at('indices');
  return [most, space.restored(maxPool2dIndices(g, space.x, planes), g)];
}

function ofWholeMaps(kind: 'mean' | 'max'): Importer {
  return (call) => reduced(call, kind, [...call.shape(0).keys()].slice(2), true);
}

/** |x|^p */
function powers(g: GraphBuilder, x: Value, p: number): Value {
  return pointwise(g, [x], (value = 0) => apply(f.pow, apply(f.abs, value), p));
}

/** Of a mean of so many powers, the p-th root of their sum. */
function norm(g: GraphBuilder, mean: Value, count: number, p: number): Value {
  return pointwise(g, [mean], (value = 0) => apply(f.pow, apply(f.mul, value, count), 1 / p));
}

function power(call: ImportCall): number {
  const p = call.int('p', 2);
  demand(p >= 1, `p is ${p}; 1 and more are read`);
  return p;
}

/** As a mean of whole windows: what hangs over is padded, so that each divides by the same. */
function importLpPool(call: ImportCall): Value {
  const { space, options } = pooling(call);
  const p = power(call);
  const whole = {
    ...options,
    padding: options.ceilMode ? wholeWindows(options, space.extents) : options.padding,
    ceilMode: false,
    countIncludePad: true,
  };
  const x = powers(call.g.at('powers'), space.x, p);
  const mean = means(call.g.at('mean'), x, space.isVolume, whole);
  return space.restored(norm(call.g, mean, elementCount(options.kernel), p));
}

/** The padding with which the windows that hang over in ceil mode do not. */
function wholeWindows({ kernel, stride, dilation, padding }: Window3d, extents: Triple): Padding3d {
  const { front, top, left, back, bottom, right } = padding;
  const [before, after] = [[front, top, left] as const, [back, bottom, right] as const];
  const ends = alongAxes((axis) => {
    const reach = (kernel[axis] - 1) * dilation[axis] + 1;
    const begin = extents[axis] + before[axis];
    const steps = Math.ceil((begin + after[axis] - reach) / stride[axis]);
    // A window begins on the input or on what is in front of it.
    const last = (steps * stride[axis] < begin ? steps : steps - 1) * stride[axis];
    return Math.max(after[axis], last + reach - begin);
  });
  return paddingOf(before, ends);
}

function importGlobalLpPool(call: ImportCall): Value {
  const x = call.value(0);
  const p = power(call);
  const axes = [...x.desc.shape.keys()].slice(2);
  if (p <= 2) return reduce(call.g, x, p === 1 ? 'l1' : 'l2', { axes });
  return norm(
    call.g,
    reduce(call.g.at('sum'), powers(call.g.at('powers'), x, p), 'sum', { axes }),
    1,
    p,
  );
}

/**
 * Ceil mode as padding, since runtimes do not agree on where it puts the last window; as such only where that would be
 * as much as the window, which onnxruntime refuses.
 */
function reachingAttributes(node: Node<Pool2dAttributes, 'x'>) {
  const { kernel, padding, ceilMode } = node.attributes;
  const reach = overhang(node);
  const taken = reach.bottom < kernel[0] && reach.right < kernel[1];
  return taken || !ceilMode
    ? windowAttributes(node.attributes, reach)
    : { ...windowAttributes(node.attributes, padding), ceil_mode: { int: true } };
}

/** How far the last window reaches beyond the padded input, in ceil mode, as padding below and to the right. */
function overhang(node: Node<Pool2dAttributes, 'x'>): Padding {
  const { kernel, stride, dilation, padding } = node.attributes;
  const [x, y] = [nchw(inputShape(node, 'x')), nchw(node.output.desc.shape)];
  const reach = (axis: 0 | 1, positions: number) =>
    (positions - 1) * stride[axis] + (kernel[axis] - 1) * dilation[axis] + 1;
  const bottom = Math.max(padding.bottom, reach(0, y.height) - padding.top - x.height);
  const right = Math.max(padding.right, reach(1, y.width) - padding.left - x.width);
  return { ...padding, bottom, right };
}

/** [output, input]: row i takes the mean of the inputs that make output i. */
function meanMatrix(input: number, output: number): Float32Array {
  const matrix = new Float32Array(output * input);
  for (let i = 0; i < output; i++) {
    const [from, to] = region(i, input, output);
    matrix.fill(1 / (to - from), i * input + from, i * input + to);
  }
  return matrix;
}

export const importers: Importers = {
  MaxPool: importMaxPool,
  AveragePool(call) {
    const { space, options } = pooling(call);
    return space.restored(means(call.g, space.x, space.isVolume, options));
  },
  LpPool: importLpPool,
  GlobalAveragePool: ofWholeMaps('mean'),
  GlobalMaxPool: ofWholeMaps('max'),
  GlobalLpPool: importGlobalLpPool,
};

export const exporters: Exporters = [
  exporter(maxPool2dOp, (node, writer) => {
    writer.layer(node, 'MaxPool', read(writer, node, 'x'), reachingAttributes(node));
  }),
  // Indices are numbers here.
  exporter(maxPool2dIndicesOp, (node, writer) => {
    const { attributes } = node;
    const outputs = [writer.between(node, 'maxima'), writer.between(node, 'indices')];
    writer.node('MaxPool', `${node.name}/MaxPool`, read(writer, node, 'x'), outputs, {
      ...reachingAttributes(node),
      storage_order: { int: attributes.order === 'columns' },
    });
    const [, indices = ''] = outputs;
    writer.layer(node, 'Cast', [indices], { to: { int: Type.FLOAT } });
  }),
  exporter(averagePool2dOp, (node, writer) => {
    const { ceilMode, countIncludePad, dilation, padding } = node.attributes;
    // What hangs over never counts, padding may: only where it does not, either can stand for the other.
    const { dilations, ...window } = countIncludePad
      ? { ...windowAttributes(node.attributes, padding), ceil_mode: { int: ceilMode } }
      : reachingAttributes(node);
    const dilated = dilation.some((distance) => distance > 1);
    if (dilated) writer.requireOpset(19);
    writer.layer(node, 'AveragePool', read(writer, node, 'x'), {
      ...window,
      ...(dilated && { dilations }),
      count_include_pad: { int: countIncludePad },
    });
  }),
  /**
   * ONNX has only the mean over everything. Where the output divides the input it is a pooling, else the
   * product with a matrix of means on either side: Y = rows X columns.
   */
  exporter(adaptiveAveragePool2dOp, (node, writer) => {
    const x = nchw(inputShape(node, 'x'));
    const [height, width] = node.attributes.outputSize;
    const inputs = read(writer, node, 'x');
    if (height === 1 && width === 1) {
      writer.layer(node, 'GlobalAveragePool', inputs);
    } else if (x.height % height === 0 && x.width % width === 0) {
      const window = { ints: [x.height / height, x.width / width] };
      writer.layer(node, 'AveragePool', inputs, { kernel_shape: window, strides: window });
    } else {
      const means = turned(meanMatrix(x.width, width), width, x.width);
      const columns = writer.floats(`${node.name}/columns`, [x.width, width], means);
      const rows = writer.floats(
        `${node.name}/rows`,
        [height, x.height],
        meanMatrix(x.height, height),
      );
      writer.layer(node, 'MatMul', [rows, writer.step(node, 'MatMul', [...inputs, columns])]);
    }
  }),
];
