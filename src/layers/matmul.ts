/** Products of matrices, or of stacks of them, of which both factors may be activations. */

import type { Epilogue } from '../../shaders/lib/epilogue.ts';
import { parameterWords } from '../../shaders/lib/epilogue_at.ts';
import {
  type MatmulProblem,
  type MatrixMemory,
  matricesOf,
} from '../../shaders/lib/matmul_problem.ts';
import { MATMUL_THREADS, matmul as shader } from '../../shaders/matmul.wgsl.ts';
import { broadcastShape } from '../runtime/broadcast.ts';
import type { MatmulAttributes } from '../runtime/builtins.ts';
import type { Activation, DataByRole, Node, OpCall, OpDef, Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import {
  at,
  candidatesOf,
  elementTypesOf,
  inputDesc,
  inputShape,
  requireData,
  shapeError,
} from '../runtime/operator.ts';
import { foldFactors } from '../runtime/passes/fold_factors.ts';
import { movementPasses } from '../runtime/passes/movement_passes.ts';
import {
  denseStrides,
  elementCount,
  formatShape,
  offsetOf,
  type Shape,
  type TensorDesc,
  tensorDesc,
  type View,
  viewOfDesc,
} from '../runtime/tensor.ts';
import { checkFinite } from './choices.ts';
import { matmulRows } from './matmul_kernels/rows.ts';
import { matmulTiled } from './matmul_kernels/tiled.ts';
import { oneDispatch } from './one_dispatch.ts';

/**
 * Adds the product of `a` [..., M, K] and `b` [..., K, N]. The stacks are broadcast, as NumPy does it.
 *
 * @param g - The builder; its path names the layer.
 * @param a - [..., M, K], or [..., K, M] where it is transposed.
 * @param b - [..., K, N], or [..., N, K] where it is transposed.
 * @param options - Which operand is transposed, and what the product is multiplied by.
 * @returns [..., M, N].
 * @throws ShapeError where the matrices do not fit.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const tokens = g.input('tokens', [1, 8, 49, 32]); // batch, heads, tokens, features
 * const scores = matmul(g.at('qk'), tokens, tokens, { transposeB: true, scale: 32 ** -0.5 }); // [1, 8, 49, 49]
 */
export function matmul(
  g: GraphBuilder,
  a: Value,
  b: Value,
  options: Partial<MatmulAttributes> = {},
): Activation {
  checkLayer(g, matmulOp, { a, b }, options);
  const { transposeA = false, transposeB = false, scale = 1 } = options;
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

/** `viewOf` says where elements lie. */
function problemOf(
  node: Matmul,
  epilogue: Epilogue | undefined,
  viewOf: (desc: TensorDesc) => View = viewOfDesc,
): MatmulProblem {
  const [a, b] = [factor(node, 'a'), factor(node, 'b')];
  const { shape } = node.output.desc;
  const stack = shape.slice(0, -2);
  const { scale, transposeA, transposeB } = node.attributes;
  const memory = (desc: TensorDesc, transposed: boolean) =>
    memoryOf(desc.shape, viewOf(desc), stack, transposed);
  return {
    rows: a.rows,
    columns: b.columns,
    depth: a.columns,
    stack: stack.length > 0 ? stack : [1],
    scale,
    a: memory(inputDesc(node, 'a'), transposeA),
    b: memory(inputDesc(node, 'b'), transposeB),
    y: memory(node.output.desc, false),
    shape,
    types: elementTypesOf(node, 'a', 'b'),
    epilogue,
  };
}

function memoryOf(
  shape: Shape,
  { offset, strides }: View,
  stack: Shape,
  transposed: boolean,
): MatrixMemory {
  const [inner = 1, last = 1] = strides.slice(-2);
  const missing = stack.length + 2 - strides.length;
  const along = stack.map((_, axis) =>
    (shape[axis - missing] ?? 1) === 1 ? 0 : (strides[axis - missing] ?? 0),
  );
  return {
    offset,
    stack: along.length > 0 ? along : [0],
    ...(transposed ? { rows: last, columns: inner } : { rows: inner, columns: last }),
  };
}

export function matmulReference(node: Matmul, inputs: DataByRole): Float64Array {
  const dense = ({ shape }: TensorDesc): View => ({ offset: 0, strides: denseStrides(shape) });
  const g = problemOf(node, undefined, dense);
  const a = requireData(node, inputs, 'a');
  const b = requireData(node, inputs, 'b');
  const y = new Float64Array(matricesOf(g) * g.rows * g.columns);
  return y.map((_, nth) => {
    const matrix = Math.floor(nth / (g.rows * g.columns));
    const row = Math.floor(nth / g.columns) % g.rows;
    const column = nth % g.columns;
    const left = offsetOf(matrix, g.stack, g.a.stack) + row * g.a.rows;
    const right = offsetOf(matrix, g.stack, g.b.stack) + column * g.b.columns;
    let sum = 0;
    for (let k = 0; k < g.depth; k++) {
      sum += at(a, left + k * g.a.columns) * at(b, right + k * g.b.rows);
    }
    return g.scale * sum;
  });
}

export const matmulOp: OpDef<MatmulAttributes, Role> = {
  name: 'matmul',
  inferShape(call) {
    const [a, b] = [factor(call, 'a'), factor(call, 'b')];
    const { scale } = call.attributes;
    checkFinite(call, 'scale', scale);
    const stack = broadcastShape(a.stack, b.stack);
    if (a.columns !== b.rows || !stack) {
      const shapes = (['a', 'b'] as const)
        .map((role) => formatShape(inputShape(call, role)))
        .join(' and ');
      throw shapeError(call, `expects matrices that can be multiplied, got ${shapes}`);
    }
    return tensorDesc([...stack, a.rows, b.columns]);
  },
  multiplyAdds(node) {
    return elementCount(node.output.desc.shape) * factor(node, 'a').columns;
  },
  // Rows of a matrix may be images; rows of the other factor, or of a transposed one, are not.
  mixesBatch: (node) => {
    const rank = node.output.desc.shape.length;
    return rank > 2 || node.attributes.transposeA || node.inputs.b?.kind === 'activation';
  },
  views: 'any',
  fusesEpilogue: true,
  passes: { ...movementPasses, 'fold factors': foldFactors },
  candidates: candidatesOf(problemOf, [
    matmulRows,
    matmulTiled,
    oneDispatch<MatmulProblem, Role>({
      name: 'matmul',
      source: (g, grid) => ({ source: shader(g, grid), words: parameterWords(g.epilogue) }),
      tiles: (g) => Math.ceil((matricesOf(g) * g.rows * g.columns) / MATMUL_THREADS),
      reads: () => ['a', 'b'],
    }),
  ]),
};
