/** Concatenation along one axis. */

import { movementProblem, type PointwiseProblem } from '../../shaders/pointwise.wgsl.ts';
import { checkArgument } from '../runtime/arguments.ts';
import { present } from '../runtime/errors.ts';
import {
  type Activation,
  type DataByRole,
  type Node,
  type OpCall,
  type OpDef,
  rootOf,
  type Value,
} from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import { kernel, type NoConfig } from '../runtime/kernel.ts';
import { indexMapInto } from '../runtime/movement/index.ts';
import {
  candidatesOf,
  describe,
  inputShape,
  requireData,
  requireInput,
  shapeError,
} from '../runtime/operator.ts';
import { placeParts } from '../runtime/passes/place_parts.ts';
import {
  elementCount,
  formatShape,
  type TensorDesc,
  tensorDesc,
  viewOfDesc,
} from '../runtime/tensor.ts';
import { inOrder } from './bindings.ts';
import { pointwiseDispatch, pointwiseOp } from './pointwise.ts';

export interface ConcatAttributes {
  readonly axis: number;
}

type Role = `x${number}`;
type Concat = Node<ConcatAttributes, Role>;

/**
 * Adds a concatenation along `axis`, 1 by default: the channels. Layers that make its parts write them in place where
 * that is possible; else they are copied.
 *
 * @param g - The builder; its path names the layer.
 * @param values - One or more, whose extents agree but for that of the axis.
 * @param axis - From 0; 1 by default.
 * @returns Its extent along the axis is the sum of those of the parts.
 * @throws ShapeError where there is no value, an axis is lacking, or other extents disagree.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const halves = concat(g.at('both'), [relu(g.at('relu'), x), x]); // [1, 128, 56, 56]
 */
export function concat(g: GraphBuilder, values: readonly Value[], axis = 1): Activation {
  checkArgument(Array.isArray(values), 'concat: values', 'an array of values', values);
  const inputs = Object.fromEntries(values.map((value, i) => [`x${i}`, value]));
  checkLayer(g, concatOp, inputs);
  return g.add(concatOp, { axis }, inputs);
}

function inferShape(call: OpCall<ConcatAttributes, Role>): TensorDesc {
  const { axis } = call.attributes;
  const [first, ...rest] = Object.values(call.inputs).map((value) => value.desc.shape);
  if (first?.[axis] === undefined) {
    throw shapeError(call, `expects inputs with an axis ${axis}, got ${formatShape(first ?? [])}`);
  }
  let extent = first[axis];
  for (const shape of rest) {
    const agrees =
      shape.length === first.length && shape.every((e, i) => i === axis || e === first[i]);
    if (!agrees) {
      throw shapeError(
        call,
        `inputs must agree but for axis ${axis}, got ${formatShape(first)} and ${formatShape(shape)}`,
      );
    }
    extent += shape[axis] ?? 0;
  }
  return tensorDesc(first.with(axis, extent));
}

/** The inputs, and which index along the axis each begins at. */
function partsOf(node: Concat): readonly { readonly role: Role; readonly from: number }[] {
  let next = 0;
  return Object.keys(node.inputs).map((name) => {
    const role = name as Role;
    const from = next;
    next += inputShape(node, role)[node.attributes.axis] ?? 0;
    return { role, from };
  });
}

/** An input as it is copied into its part of the output. */
interface Copy {
  readonly role: Role;
  readonly problem: PointwiseProblem;
}

/** The copies that are needed: none of inputs that were written where they belong. */
function problemOf(node: Concat): readonly Copy[] {
  const y = viewOfDesc(node.output.desc);
  return partsOf(node).flatMap(({ role, from }) => {
    const { desc } = requireInput(node, role);
    const offset = y.offset + from * (y.strides[node.attributes.axis] ?? 0);
    const copy = indexMapInto({ ...y, offset }, [], desc.shape, viewOfDesc(desc));
    const { map, target } = present(copy, `"${role}" for ${describe(node)}`);
    const inPlace =
      rootOf(requireInput(node, role)) === rootOf(node.output) &&
      map.offset === target.offset &&
      map.strides.every((stride, axis) => stride === target.strides[axis]);
    const types = { x: desc.dtype, y: node.output.desc.dtype };
    return inPlace ? [] : [{ role, problem: movementProblem(map, target, types) }];
  });
}

export function concatReference(node: Concat, inputs: DataByRole): Float64Array {
  const { axis } = node.attributes;
  const { shape } = node.output.desc;
  const inner = elementCount(shape.slice(axis + 1));
  const row = (shape[axis] ?? 1) * inner;
  const y = new Float64Array(elementCount(shape));
  for (const { role, from } of partsOf(node)) {
    const x = requireData(node, inputs, role);
    const block = elementCount(inputShape(node, role).slice(axis));
    for (let o = 0; o * row < y.length; o++) {
      y.set(x.subarray(o * block, (o + 1) * block), o * row + from * inner);
    }
  }
  return y;
}

export const concatOp: OpDef<ConcatAttributes, Role> = {
  name: 'concat',
  inferShape,
  mixesBatch: (node) => node.attributes.axis === 0,
  views: 'any',
  passes: { pointwise: pointwiseOp, placeParts },
  candidates: candidatesOf(problemOf, [
    kernel<readonly Copy[], NoConfig, Role>({
      name: 'concat',
      configs: () => [{}],
      lower(copies, _config, device) {
        const dispatches = copies.map(({ role, problem }) => {
          const dispatch = pointwiseDispatch(problem, device);
          return { ...dispatch, bindings: inOrder([role], 'y') };
        });
        return { dispatches };
      },
    }),
  ]),
};
