/** Concatenation along one axis. */
import {
  CONCAT_THREADS,
  type ConcatGeometry,
  concat as shader,
} from '../../shaders/concat.wgsl.ts';
import { gridOf } from '../../shaders/lib/grid.ts';
import type { Activation, Node, Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import {
  inputShape,
  type KernelDef,
  type OpCall,
  type OpDef,
  requireData,
  requireInput,
  shapeError,
} from '../runtime/operator.ts';
import { elementCount, formatShape, type TensorDesc, tensorDesc } from '../runtime/tensor.ts';
import type { NoConfig } from './pointwise.ts';

export interface ConcatAttributes {
  readonly axis: number;
}

/** Adds a concatenation along `axis`, 1 by default: the channels. All other extents must agree. */
export function concat(g: GraphBuilder, values: readonly Value[], axis = 1): Activation {
  return g.add(concatOp, { axis }, Object.fromEntries(values.map((value, i) => [`x${i}`, value])));
}

function inferShape(call: OpCall<ConcatAttributes>): TensorDesc {
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

interface Part extends ConcatGeometry {
  readonly role: string;
}

function partsOf(node: Node<ConcatAttributes>): readonly Part[] {
  const { axis } = node.attributes;
  const outer = elementCount(node.output.desc.shape.slice(0, axis));
  const row = elementCount(node.output.desc.shape.slice(axis));
  let offset = 0;
  return Object.keys(node.inputs).map((role) => {
    const block = elementCount(inputShape(node, role).slice(axis));
    const types = { x: requireInput(node, role).desc.dtype, y: node.output.desc.dtype };
    const part = { role, outer, block, row, offset, types };
    offset += block;
    return part;
  });
}

const copy: KernelDef<ConcatAttributes, NoConfig> = {
  name: 'concat',
  supports: () => true,
  configs: () => [{}],
  lower(node, _config, device) {
    const dispatches = partsOf(node).map((part) => {
      const tiles = Math.ceil((part.outer * part.block) / CONCAT_THREADS);
      const grid = gridOf(tiles, device.limits.maxComputeWorkgroupsPerDimension);
      return {
        source: shader(part, grid),
        bindings: [
          { slot: 0, value: part.role, access: 'read' },
          { slot: 1, value: 'y', access: 'read_write' },
        ] as const,
        workgroups: [grid.columns, grid.rows, 1] as const,
      };
    });
    return { dispatches };
  },
};

export const concatOp: OpDef<ConcatAttributes> = {
  name: 'concat',
  inferShape,
  reference(node, inputs) {
    const y = new Float64Array(elementCount(node.output.desc.shape));
    for (const part of partsOf(node)) {
      const x = requireData(node, inputs, part.role);
      for (let o = 0; o < part.outer; o++) {
        y.set(x.subarray(o * part.block, (o + 1) * part.block), o * part.row + part.offset);
      }
    }
    return y;
  },
  multiplyAdds: () => 0,
  mixesBatch: (node) => node.attributes.axis === 0,
  kernels: [copy],
};
