/**
 * Has products of matrices multiply by the number that one of the matrices was multiplied by before: attention divides
 * queries, keys or both by the root of their length.
 */
import { isCall } from '../../../shaders/lib/expression.ts';
import { div, mul } from '../../../shaders/lib/expression_functions.ts';
import {
  isMatmul,
  isPointwise,
  type MatmulAttributes,
  type PointwiseAttributes,
} from '../builtins.ts';
import type { Graph, Node, Value } from '../graph.ts';
import { shapesEqual } from '../tensor.ts';
import { type Rewriter, rewritten } from './rewriter.ts';

export function foldFactors(graph: Graph): Graph {
  return rewritten(graph, (rewriter, node) => (isMatmul(node) ? fold(rewriter, node) : undefined));
}

/** Sums of products that are no longer scaled beforehand become so many times larger, or smaller, at most. */
const MOST_SCALE = 2 ** 12;

/** The product with the factors of either matrix in it, or of both; undefined where there are none. */
function fold(rewriter: Rewriter, product: Node<MatmulAttributes>): Node | undefined {
  const { attributes, inputs } = product;
  for (const value of new Set(Object.values(inputs))) {
    const producer = rewriter.soleProducer(value);
    const scaled = producer && isPointwise(producer) ? scaledBy(producer) : undefined;
    if (!producer || !scaled) continue;
    let { scale } = attributes;
    const unscaled = Object.entries(inputs).map(([role, input]): [string, Value] => {
      if (input !== value) return [role, input];
      scale *= scaled.factor;
      return [role, scaled.x];
    });
    const size = Math.abs(scale);
    if (!(size >= 1 / MOST_SCALE && size <= MOST_SCALE)) continue;
    const folded = rewriter.replace(producer, product, {
      ...product,
      attributes: { ...attributes, scale },
      inputs: Object.fromEntries(unscaled),
    });
    return fold(rewriter, folded) ?? folded;
  }
  return undefined;
}

interface Scaled {
  readonly x: Value;
  readonly factor: number;
}

/** Of `x * 8`, `8 * x` and `x / 8`. */
function scaledBy({ attributes, inputs, output }: Node<PointwiseAttributes>): Scaled | undefined {
  const { steps } = attributes.expression;
  const [last] = steps.slice(-1);
  const constant = steps.find((step) => step.fn === 'constant');
  const operand = steps.find((step) => step.fn === 'operand');
  const x = inputs[operand?.name ?? ''];
  if (steps.length !== 3 || !last || !isCall(last) || !constant || !x) return undefined;
  if (attributes.dtype !== undefined || !shapesEqual(x.desc.shape, output.desc.shape)) {
    return undefined;
  }
  if (last.fn === mul) return { x, factor: constant.value };
  const divides = last.fn === div && steps[last.args[1] ?? 0] === constant;
  return divides ? { x, factor: 1 / constant.value } : undefined;
}
