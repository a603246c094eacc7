/** Products of matrices, or of stacks of them, of which both factors may be activations. */
import type { Epilogue } from '../../shaders/lib/epilogue.ts';
import { MATMUL_THREADS, type MatmulProblem, matmul as shader } from '../../shaders/matmul.wgsl.ts';
import type { Activation, DataByRole, Node, OpCall, OpDef, Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import {
  at,
  candidatesOf,
  elementTypesOf,
  inputShape,
  requireData,
  shapeError,
} from '../runtime/operator.ts';
import { elementCount, formatShape, type Shape, tensorDesc } from '../runtime/tensor.ts';
import { oneDispatch } from './one_dispatch.ts';

export interface MatmulAttributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  /** The product is multiplied by it. */
  readonly scale: number;
}

/**
 * Adds the product of `a` [..., M, K] and `b` [..., K, N]: [..., M, N]. The stacks are of one shape, or one
 * factor is a single matrix. Throws ShapeError where the matrices do not fit.
 */
export function matmul(
  g: GraphBuilder,
  a: Value,
  b: Value,
  { transposeA = false, transposeB = false, scale = 1 }: Partial<MatmulAttributes> = {},
): Activation {
  return g.add(matmulOp, { transposeA, transposeB, scale }, { a, b });
}

type Role = 'a' | 'b';
type Matmul = Node<MatmulAttributes, Role>;

interface Factor {
  readonly stack: Shape;
  readonly rows: number;
  readonly columns: number;
}

function factor(call: OpCall<MatmulAttributes, Role>, role: Role): Factor {
  const shape = inputShape(call, role);
  const [rows, columns] = shape.slice(-2);
  if (rows === undefined || columns === undefined) {
    throw shapeError(call, `expects a matrix or a stack of them, got ${formatShape(shape)}`);
  }
  const transposed = role === 'a' ? call.attributes.transposeA : call.attributes.transposeB;
  const stack = shape.slice(0, -2);
  return transposed ? { stack, rows: columns, columns: rows } : { stack, rows, columns };
}

function problemOf(node: Matmul, epilogue: Epilogue | undefined): MatmulProblem {
  const [a, b] = [factor(node, 'a'), factor(node, 'b')];
  const [inA, inB] = [elementCount(a.stack), elementCount(b.stack)];
  return {
    ...node.attributes,
    matrices: Math.max(inA, inB),
    rows: a.rows,
    columns: b.columns,
    depth: a.columns,
    stackA: inA === 1 ? 0 : a.rows * a.columns,
    stackB: inB === 1 ? 0 : b.rows * b.columns,
    shape: node.output.desc.shape,
    types: elementTypesOf(node, 'a', 'b'),
    epilogue,
  };
}

export function matmulReference(node: Matmul, inputs: DataByRole): Float64Array {
  const g = problemOf(node, undefined);
  const a = requireData(node, inputs, 'a');
  const b = requireData(node, inputs, 'b');
  const y = new Float64Array(g.matrices * g.rows * g.columns);
  return y.map((_, nth) => {
    const matrix = Math.floor(nth / (g.rows * g.columns));
    const row = Math.floor(nth / g.columns) % g.rows;
    const column = nth % g.columns;
    let sum = 0;
    for (let k = 0; k < g.depth; k++) {
      const i = g.transposeA ? k * g.rows + row : row * g.depth + k;
      const j = g.transposeB ? column * g.depth + k : k * g.columns + column;
      sum += at(a, matrix * g.stackA + i) * at(b, matrix * g.stackB + j);
    }
    return g.scale * sum;
  });
}

export const matmulOp: OpDef<MatmulAttributes, Role> = {
  name: 'matmul',
  inferShape(call) {
    const [a, b] = [factor(call, 'a'), factor(call, 'b')];
    const single = elementCount(a.stack) === 1 || elementCount(b.stack) === 1;
    if (a.columns !== b.rows || !(single || formatShape(a.stack) === formatShape(b.stack))) {
      const shapes = (['a', 'b'] as const)
        .map((role) => formatShape(inputShape(call, role)))
        .join(' and ');
      throw shapeError(call, `expects matrices that can be multiplied, got ${shapes}`);
    }
    const longer = a.stack.length >= b.stack.length ? a.stack : b.stack;
    const stack = elementCount(a.stack) >= elementCount(b.stack) ? a.stack : b.stack;
    const padding = longer.slice(0, longer.length - stack.length).map(() => 1);
    return tensorDesc([...padding, ...stack, a.rows, b.columns]);
  },
  multiplyAdds(node) {
    const g = problemOf(node, undefined);
    return g.matrices * g.rows * g.columns * g.depth;
  },
  // Rows of a matrix may be images; rows of the other factor, or of a transposed one, are not.
  mixesBatch: (node) => {
    const rank = node.output.desc.shape.length;
    return rank > 2 || node.attributes.transposeA || node.inputs.b?.kind === 'activation';
  },
  fusesEpilogue: true,
  candidates: candidatesOf(problemOf, [
    oneDispatch<MatmulProblem, Role>({
      name: 'matmul',
      source: shader,
      tiles: ({ matrices, rows, columns }) =>
        Math.ceil((matrices * rows * columns) / MATMUL_THREADS),
      reads: () => ['a', 'b'],
    }),
  ]),
};
