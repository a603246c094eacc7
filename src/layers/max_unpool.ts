/** Max unpooling: what was pooled goes back to where it was. */
import type { Epilogue } from '../../shaders/lib/epilogue.ts';
import type { ScatterProblem } from '../../shaders/scatter.wgsl.ts';
import type { Activation, DataByRole, Node, OpDef, Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import {
  candidatesOf,
  elementTypesOf,
  inputShape,
  requireData,
  shapeError,
} from '../runtime/operator.ts';
import {
  elementCount,
  formatShape,
  type Shape,
  shapesEqual,
  tensorDesc,
} from '../runtime/tensor.ts';
import { checkIndices } from './element_indices.ts';
import { putRows, scattering } from './scattering.ts';
import { checkIntegers } from './window.ts';

export interface MaxUnpoolAttributes {
  /** Extents of the output after its channels. */
  readonly size: Shape;
}

/**
 * Adds a max unpooling of `x` [N, C, ...] to [N, C, ...size]: each element goes to the place that its index says, which
 * counts the elements of all of the output, as `maxPool2dIndices` has it; all else is 0. Of two for one place the later
 * is taken; indices out of the output put nothing anywhere.  (Zeiler and Fergus, "Visualizing and Understanding
 * Convolutional Networks", 2014.)
 *
 * @param g - The builder; its path names the layer.
 * @param x - [N, C, ...]: what a max pooling gave.
 * @param indices - Of the shape of `x`: what `maxPool2dIndices` gave of the same window.
 * @param size - Extents of the output after the channels.
 * @returns [N, C, ...size].
 * @throws ShapeError where the shapes do not go together, and for an output of more than 2^24 elements, whose indices
 *   would not be exact.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const pooled = maxPool2d(g.at('pool'), x, { kernel: 2 });
 * const indices = maxPool2dIndices(g.at('indices'), x, { kernel: 2 });
 * const y = maxUnpool(g.at('unpool'), pooled, indices, [56, 56]); // [1, 64, 56, 56]
 */
export function maxUnpool(g: GraphBuilder, x: Value, indices: Value, size: Shape): Activation {
  checkLayer(g, maxUnpoolOp, { x, indices });
  return g.add(maxUnpoolOp, { size }, { x, indices });
}

type Role = 'x' | 'indices';
type MaxUnpool = Node<MaxUnpoolAttributes, Role>;

function problemOf(node: MaxUnpool, epilogue: Epilogue | undefined): ScatterProblem {
  const { shape, dtype } = node.output.desc;
  const types = elementTypesOf(node, 'x', 'indices');
  return {
    rows: elementCount(shape),
    inner: 1,
    places: elementCount(inputShape(node, 'x')),
    onto: false,
    shape,
    types: { ...types, updates: types.x, x: dtype },
    epilogue,
  };
}

export function maxUnpoolReference(node: MaxUnpool, inputs: DataByRole): Float64Array {
  const y = new Float64Array(elementCount(node.output.desc.shape));
  putRows(requireData(node, inputs, 'indices'), requireData(node, inputs, 'x'), y);
  return y;
}

export const maxUnpoolOp: OpDef<MaxUnpoolAttributes, Role> = {
  name: 'max_unpool',
  inferShape(call) {
    const [x, indices] = [inputShape(call, 'x'), inputShape(call, 'indices')];
    const { size } = call.attributes;
    if (!shapesEqual(x, indices)) {
      throw shapeError(
        call,
        `expects an index for each element of ${formatShape(x)}, got ${formatShape(indices)}`,
      );
    }
    checkIntegers(call, 'size', size, 1);
    if (size.length === 0 || size.length !== x.length - 2) {
      throw shapeError(
        call,
        `size [${size.join(', ')}] does not name the axes of ${formatShape(x)}`,
      );
    }
    const shape = [...x.slice(0, 2), ...size];
    checkIndices(call, elementCount(shape));
    return tensorDesc(shape);
  },
  // Indices go through all images.
  mixesBatch: () => true,
  exact: true,
  fusesEpilogue: true,
  candidates: candidatesOf(problemOf, [scattering('x')]),
};
