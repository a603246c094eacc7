/** Arithmetic of two tensors with broadcasting; `add` of equal shapes is an operator of its own, which fuses. */
import {
  BINARY_THREADS,
  type BinaryKind,
  MOST_AXES,
  binary as shader,
} from '../../shaders/binary.wgsl.ts';
import type { Activation, Node, Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { inputShape, type OpDef, requireData, shapeError } from '../runtime/operator.ts';
import { elementCount, formatShape, shapesEqual, tensorDesc } from '../runtime/tensor.ts';
import { alignedTo, broadcastShape, broadcastStrides } from './broadcast.ts';
import { elementTypesOf } from './element_types.ts';
import { pointwiseKernel } from './pointwise.ts';

export interface BinaryAttributes {
  readonly kind: BinaryKind;
}

/** Adds a + b, a - b, a * b or a / b; extents of 1 are repeated. Throws ShapeError where shapes do not fit. */
export function binary(g: GraphBuilder, kind: BinaryKind, a: Value, b: Value): Activation {
  return g.add(binaryOp, { kind }, { a, b });
}

const FORMULAS: Readonly<Record<BinaryKind, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
};

function geometryOf(node: Node<BinaryAttributes>) {
  const strides = (role: string) => broadcastStrides(alignedTo(inputShape(node, role), MOST_AXES));
  return {
    kind: node.attributes.kind,
    extents: alignedTo(naturalShape(node), MOST_AXES),
    strides: { a: strides('a'), b: strides('b') },
    types: elementTypesOf(node, 'a', 'b'),
  };
}

/** What the inputs make, whatever shape the output is seen under. */
function naturalShape(node: Node): readonly number[] {
  return broadcastShape(inputShape(node, 'a'), inputShape(node, 'b')) ?? [];
}

export const binaryOp: OpDef<BinaryAttributes> = {
  name: 'binary',
  inferShape(call) {
    const a = inputShape(call, 'a');
    const b = inputShape(call, 'b');
    const shape = broadcastShape(a, b);
    if (!shape || shape.length > MOST_AXES) {
      throw shapeError(
        call,
        `expects shapes of at most ${MOST_AXES} axes that agree or are 1 along each, got ${formatShape(a)} and ${formatShape(b)}`,
      );
    }
    return tensorDesc(shape);
  },
  reference(node, inputs) {
    const { kind, extents, strides } = geometryOf(node);
    const a = requireData(node, inputs, 'a');
    const b = requireData(node, inputs, 'b');
    return new Float64Array(elementCount(extents)).map((_, at) => {
      let rest = at;
      let [i, j] = [0, 0];
      for (let axis = extents.length - 1; axis >= 0; axis--) {
        const index = rest % (extents[axis] ?? 1);
        i += index * (strides.a[axis] ?? 0);
        j += index * (strides.b[axis] ?? 0);
        rest = Math.floor(rest / (extents[axis] ?? 1));
      }
      return FORMULAS[kind](a[i] ?? 0, b[j] ?? 0);
    });
  },
  multiplyAdds: () => 0,
  // Something that is not an image, and not repeated for all, tells the images of a batch apart.
  mixesBatch: (node) =>
    ['a', 'b'].some((role) => {
      const shape = inputShape(node, role);
      const [batch = 1] = node.output.desc.shape;
      const whole = shape.length === naturalShape(node).length && shape[0] === batch;
      const image = node.inputs[role]?.kind === 'activation' || node.inputs[role]?.kind === 'input';
      return batch > 1 && whole !== image;
    }),
  writesAnyShape: true,
  kernels: [
    pointwiseKernel('binary', (node: Node<BinaryAttributes>) => ({
      source: (grid, overwritten) => shader(geometryOf(node), grid, overwritten),
      tiles: Math.ceil(elementCount(node.output.desc.shape) / BINARY_THREADS),
      reads: ['a', 'b'],
      // One that is repeated along an axis is smaller, and read by several invocations.
      overwrites: ['a', 'b'].filter((role) =>
        shapesEqual(inputShape(node, role), naturalShape(node)),
      ),
    })),
  ],
};
