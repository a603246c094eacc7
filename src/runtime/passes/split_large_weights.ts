/**
 * Cuts linear layers whose weights are larger than a buffer of the device may be, along their outputs, into
 * parts that are concatenated: VGG's first linear layer has 411 MB of weights, and 128 MiB is a usual limit.
 */

import { type Expression, operandsOf } from '../../../shaders/lib/expression.ts';
import type { ConcatAttributes, PointwiseAttributes } from '../builtins.ts';
import type { Activation, Constant, DerivedWeight, Graph, Node, OpDef, Value } from '../graph.ts';
import { isConstant, RESULT } from '../graph.ts';
import { byteLength, elementCount, rowsAndColumns } from '../tensor.ts';
import type { Passes } from './passes.ts';

/** Rows of a part are a multiple of this, so that kernels need not pad them. */
const ROW_QUANTUM = 64;

/** Kernels for several images pad the inputs to a multiple of this: of their deepest step. */
const INPUT_QUANTUM = 256;

/** `limit` in bytes. Layers of which not even a few rows fit stay as they are. */
export function splitLargeWeights(graph: Graph, passes: Passes, limit: number): Graph {
  const nodes = graph.nodes.flatMap((node) => {
    const { weight } = node.inputs;
    const large = node.op.name === 'linear' && weight && isConstant(weight);
    return large && byteLength(weight.desc) > limit ? split(node, weight, passes, limit) : [node];
  });
  return { ...graph, nodes };
}

function split(node: Node, weight: Constant, passes: Passes, limit: number): readonly Node[] {
  const [outputs] = rowsAndColumns(weight.desc.shape);
  const row = byteLength(weight.desc) / outputs;
  const inputs = elementCount(weight.desc.shape) / outputs;
  const padded = (row / inputs) * Math.ceil(inputs / INPUT_QUANTUM) * INPUT_QUANTUM;
  const fitting = (bytes: number): number =>
    Math.floor(limit / (bytes * ROW_QUANTUM)) * ROW_QUANTUM;
  const rows = fitting(padded) || fitting(row);
  if (rows === 0 || !passes.concat) return [node];
  // Operands of an epilogue would have to be cut, too.
  const { epilogue, ...plain } = node;
  if (epilogue && operandsOf(epilogue).some((role) => role !== RESULT)) {
    if (!passes.pointwise) return [node];
    const output: Activation = { ...node.output, name: `${node.name} before its epilogue` };
    const parts = split({ ...plain, output }, weight, passes, limit);
    return [...parts, epilogueNode(node, epilogue, output, passes.pointwise)];
  }
  const parts: Node[] = [];
  for (let from = 0; from < outputs; from += rows) {
    parts.push(partOf(node, weight, from, Math.min(outputs, from + rows)));
  }
  const joined = Object.fromEntries(parts.map(({ output }, i) => [`x${i}`, output]));
  const { name, output } = node;
  const join: Node<ConcatAttributes> = {
    op: passes.concat,
    name: `${name} joined`,
    attributes: { axis: 1 },
    inputs: joined,
    sources: node.sources ?? [name],
    output,
  };
  return [...parts, join];
}

/** What an epilogue does, by itself. */
function epilogueNode(
  { name, inputs, sources, output }: Node,
  expression: Expression,
  result: Activation,
  pointwise: OpDef<PointwiseAttributes>,
): Node<PointwiseAttributes> {
  const operands = operandsOf(expression).flatMap((role): readonly [string, Value][] => {
    const value = role === RESULT ? result : inputs[role];
    return value ? [[role, value]] : [];
  });
  return {
    op: pointwise,
    name: `${name} after its parts`,
    attributes: { expression },
    inputs: Object.fromEntries(operands),
    sources: sources ?? [name],
    output,
  };
}

/** The layer for outputs [from, to). */
function partOf(node: Node, weight: Constant, from: number, to: number): Node {
  const { x, bias } = node.inputs;
  const [batch = 1] = node.output.desc.shape;
  const name = `${node.name} ${from}..${to - 1}`;
  const desc = { ...node.output.desc, shape: [batch, to - from] };
  const output: Activation = { kind: 'activation', name, desc };
  const inputs = {
    ...(x && { x }),
    weight: rowsOf(weight, from, to),
    ...(bias && isConstant(bias) && { bias: rowsOf(bias, from, to) }),
  };
  return { ...node, name, inputs, sources: node.sources ?? [node.name], output };
}

function rowsOf(constant: Constant, from: number, to: number): DerivedWeight {
  const [, ...rest] = constant.desc.shape;
  const row = elementCount(rest);
  return {
    kind: 'derived',
    name: `${constant.name} ${from}..${to - 1}`,
    desc: { ...constant.desc, shape: [to - from, ...rest] },
    sources: [constant],
    compute: ([data = new Float32Array()]) => data.slice(from * row, to * row),
  };
}
