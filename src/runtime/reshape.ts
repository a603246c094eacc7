import { ShapeError } from './errors.ts';
import type { Activation, Graph, Input, Node, Value } from './graph.ts';
import { type OpTable, operatorOf } from './operator.ts';
import { type Shape, tensorDesc } from './tensor.ts';

/**
 * The same network for inputs of other shapes; its weights stay the same objects. Throws ShapeError where
 * an operator cannot take what the new shapes lead to, or an input is not known.
 */
export function reshape(
  graph: Graph,
  operators: OpTable,
  shapes: Readonly<Record<string, Shape>>,
): Graph {
  for (const name of Object.keys(shapes)) {
    if (!graph.inputs.some((input) => input.name === name)) {
      throw new ShapeError(`graph "${graph.name}" has no input "${name}"`);
    }
  }
  const replaced = new Map<Value, Value>();
  const inputs = graph.inputs.map((input): Input => {
    const shape = shapes[input.name];
    const changed = shape ? { ...input, desc: tensorDesc(shape) } : input;
    replaced.set(input, changed);
    return changed;
  });
  const current = (value: Value): Value => replaced.get(value) ?? value;
  const nodes = graph.nodes.map((node): Node => {
    const entries = Object.entries(node.inputs).map(([role, value]) => [role, current(value)]);
    const call = { ...node, inputs: Object.fromEntries(entries) as Node['inputs'] };
    const desc = operatorOf(operators, node).inferShape(call);
    const output: Activation = { ...node.output, desc };
    replaced.set(node.output, output);
    return { ...call, output };
  });
  const outputs = new Map([...graph.outputs].map(([name, value]) => [name, current(value)]));
  return { name: graph.name, inputs, nodes, outputs };
}
