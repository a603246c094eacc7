/** What moves data, as far as a flattening needs it: a page whose model does nothing else carries no more. */
import { movementProblem, type PointwiseProblem } from '../../shaders/pointwise.wgsl.ts';
import type { RearrangeAttributes } from '../runtime/builtins.ts';
import { UnsupportedError } from '../runtime/errors.ts';
import {
  type Activation,
  isConstant,
  type Node,
  type OpDef,
  rootOf,
  type Value,
} from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import { kernel, type NoConfig } from '../runtime/kernel.ts';
import { Flatten, indexMapInto, mixesBatch, movedShape } from '../runtime/movement/index.ts';
import {
  candidatesOf,
  describe,
  elementTypesOf,
  inputShape,
  requireInput,
  shapeError,
} from '../runtime/operator.ts';
import { mergeMovements } from '../runtime/passes/merge_movements.ts';
import { shareViews } from '../runtime/passes/share_views.ts';
import { tensorDesc, viewOfDesc } from '../runtime/tensor.ts';
import { pointwiseDispatch, pointwiseOp } from './pointwise.ts';

/**
 * Adds a flattening of the axes from `axis` on, 1 by default: [N, C, H, W] to [N, C * H * W].
 *
 * @param g - The builder; its path names the layer.
 * @param x - Of any shape.
 * @param axis - The first of those that become one, from 0; 1 by default.
 * @returns As [N, C * H * W], a view of `x` where that lies dense, which costs nothing.
 * @throws ShapeError for an axis that `x` lacks.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const rows = flatten(g.at('flatten'), x); // [1, 200704]
 */
export function flatten(g: GraphBuilder, x: Value, axis = 1): Activation {
  checkLayer(g, flattenOp, { x });
  return g.add(flattenOp, { steps: [new Flatten({ axis })] }, { x });
}

/** A problem of the kernel that moves; `undefined` where the output is a view, and nothing does. */
type RearrangeProblem = PointwiseProblem | undefined;

function problemOf(node: Node<RearrangeAttributes, 'x'>): RearrangeProblem {
  const x = requireInput(node, 'x');
  if (!isConstant(x) && rootOf(x) === rootOf(node.output)) return undefined;
  const to = viewOfDesc(node.output.desc);
  const found = indexMapInto(to, node.attributes.steps, x.desc.shape, viewOfDesc(x.desc));
  if (!found)
    throw new UnsupportedError(`${describe(node)}: its steps are no single affine map; split them`);
  return movementProblem(found.map, found.target, elementTypesOf(node, 'x'));
}

const move = kernel<RearrangeProblem, NoConfig, string>({
  name: 'rearrange',
  configs: () => [{}],
  lower: (problem, _config, device) => ({
    dispatches: problem ? [pointwiseDispatch(problem, device)] : [],
  }),
});

/** All steps, without the passes of models that do more than flatten. */
export const flattenOp: OpDef<RearrangeAttributes, 'x'> = {
  name: 'rearrange',
  inferShape(call) {
    try {
      return tensorDesc(movedShape(call.attributes.steps, inputShape(call, 'x')));
    } catch (error) {
      throw shapeError(call, error instanceof Error ? error.message : String(error));
    }
  },
  mixesBatch: (node) => mixesBatch(node.attributes.steps, inputShape(node, 'x')),
  views: 'any',
  passes: { pointwise: pointwiseOp, 'merge movements': mergeMovements, shareViews },
  between: ({ attributes: { steps }, inputs: { x } }, from, to) =>
    !x || indexMapInto(to, steps, x.desc.shape, from) !== undefined,
  candidates: candidatesOf(problemOf, [move]),
};
