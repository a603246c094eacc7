/** Padding of feature maps, also by negative amounts, which cut. */
import { PAD2D_THREADS, type PadMode, pad2d as shader } from '../../shaders/pad2d.wgsl.ts';
import type { Activation, Node, Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { inputShape, type OpDef, requireData, shapeError } from '../runtime/operator.ts';
import { elementCount, nchw, tensorDesc } from '../runtime/tensor.ts';
import { elementTypesOf } from './element_types.ts';
import { featureMap } from './feature_map.ts';
import { pointwiseKernel } from './pointwise.ts';
import type { Padding } from './window.ts';

export interface Pad2dAttributes {
  readonly padding: Padding;
  readonly mode: PadMode;
  /** What `constant` padding is made of. */
  readonly value: number;
}

/** Adds a padding, of zeros by default. Throws ShapeError where nothing is left, or `reflect` has too little. */
export function pad2d(
  g: GraphBuilder,
  x: Value,
  sides: Padding,
  { mode = 'constant', value = 0 }: Partial<Pick<Pad2dAttributes, 'mode' | 'value'>> = {},
): Activation {
  return g.add(pad2dOp, { padding: sides, mode, value }, { x });
}

function geometryOf(node: Node<Pad2dAttributes>) {
  const { batch, channels, height, width } = nchw(inputShape(node, 'x'));
  const { mode, value, padding } = node.attributes;
  const { top, left, bottom, right } = padding;
  return {
    mode,
    value,
    planes: batch * channels,
    inputHeight: height,
    inputWidth: width,
    outputHeight: height + top + bottom,
    outputWidth: width + left + right,
    top,
    left,
    types: elementTypesOf(node, 'x'),
  };
}

/** The input position of an output position; undefined where the padding is constant. */
function source(mode: PadMode, at: number, extent: number): number | undefined {
  if (mode === 'constant') return at >= 0 && at < extent ? at : undefined;
  if (mode === 'edge') return Math.min(Math.max(at, 0), extent - 1);
  return extent - 1 - Math.abs(extent - 1 - Math.abs(at));
}

export const pad2dOp: OpDef<Pad2dAttributes> = {
  name: 'pad2d',
  inferShape(call) {
    const { batch, channels, height, width } = featureMap(call, 'x');
    const { padding, mode, value } = call.attributes;
    const { top, left, bottom, right } = padding;
    const sides = [top, left, bottom, right];
    if (!sides.every(Number.isSafeInteger)) {
      throw shapeError(call, `padding must be integers, got [${sides.join(', ')}]`);
    }
    if (!Number.isFinite(value)) throw shapeError(call, `value must be finite, got ${value}`);
    if (mode === 'reflect' && !(Math.max(top, bottom) < height && Math.max(left, right) < width)) {
      throw shapeError(
        call,
        `reflected padding must be less than the ${height} x ${width} of the input, got [${sides.join(', ')}]`,
      );
    }
    if (height + Math.min(top, 0) + Math.min(bottom, 0) < 1) {
      throw shapeError(call, `the padding [${sides.join(', ')}] leaves nothing of ${height} rows`);
    }
    if (width + Math.min(left, 0) + Math.min(right, 0) < 1) {
      throw shapeError(
        call,
        `the padding [${sides.join(', ')}] leaves nothing of ${width} columns`,
      );
    }
    return tensorDesc([batch, channels, height + top + bottom, width + left + right]);
  },
  reference(node, inputs) {
    const g = geometryOf(node);
    const x = requireData(node, inputs, 'x');
    return new Float64Array(g.planes * g.outputHeight * g.outputWidth).map((_, at) => {
      const plane = Math.floor(at / (g.outputHeight * g.outputWidth));
      const outputRow = Math.floor(at / g.outputWidth) % g.outputHeight;
      const row = source(g.mode, outputRow - g.top, g.inputHeight);
      const column = source(g.mode, (at % g.outputWidth) - g.left, g.inputWidth);
      if (row === undefined || column === undefined) return g.value;
      return x[(plane * g.inputHeight + row) * g.inputWidth + column] ?? 0;
    });
  },
  multiplyAdds: () => 0,
  writesAnyShape: true,
  kernels: [
    pointwiseKernel('pad2d', (node: Node<Pad2dAttributes>) => ({
      source: (grid) => shader(geometryOf(node), grid),
      tiles: Math.ceil(elementCount(node.output.desc.shape) / PAD2D_THREADS),
      reads: ['x'],
    })),
  ],
};
