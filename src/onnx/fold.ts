/** Constants out of constants: what a node becomes is evaluated once, by the references of its operators. */
import { resultOf } from '../reference.ts';
import { isConcat, isPointwise, isRearrange } from '../runtime/builtins.ts';
import type { Node, Value } from '../runtime/graph.ts';
import { GraphBuilder } from '../runtime/graph_builder.ts';
import { elementCount } from '../runtime/tensor.ts';
import { ImportCall, type Imported, type Importer, isValue, listed } from './import_node.ts';
import { type Constant, constant } from './tensor.ts';

/**
 * The outputs of a node whose inputs are constants. Undefined where they are better computed on the device: layers,
 * and what `spend` refuses, which is told of elements before they are computed.
 */
export function folded(
  call: ImportCall,
  importer: Importer,
  spend: (elements: number) => boolean,
): readonly Constant[] | undefined {
  const g = GraphBuilder.create();
  const known = new Map<Imported, Constant>();
  const weight = (given: Constant): Value => {
    const value = g.weight(given.name, given.shape);
    known.set(value, given);
    return value;
  };
  const made = listed(importer(new ImportCall(call.node, { ...call.place, g, weight })));
  const computed = new Set(made.filter(isValue).filter(({ kind }) => kind === 'activation'));
  for (const [i, value] of [...computed].entries()) g.output(String(i), value);
  const nodes = computed.size > 0 ? g.build('constants').nodes : [];
  const elements = [...known.keys(), ...nodes.map(({ output }) => output)]
    .filter(isValue)
    .reduce((sum, { desc }) => sum + elementCount(desc.shape), 0);
  if (!nodes.every(isCheap) || (nodes.length > 0 && !spend(elements))) return undefined;
  const float = call.inputs.some((input) => input?.constant?.float);
  const data = new Map<Imported, Float64Array>();
  for (const [value, { numbers }] of nodes.length > 0 ? known : []) {
    data.set(value, Float64Array.from(numbers()));
  }
  for (const node of nodes) {
    const inputs = Object.entries(node.inputs).map(([role, value]) => [role, data.get(value)]);
    if (inputs.some(([, numbers]) => numbers === undefined)) return undefined;
    const result = resultOf(node, Object.fromEntries(inputs));
    data.set(node.output, float ? result : result.map(Math.trunc));
  }
  return made.map((output) => {
    if (!isValue(output)) return output;
    const found = known.get(output);
    return found ?? constant(output.desc.shape, data.get(output) ?? [], float);
  });
}

function isCheap(node: Node): boolean {
  return isPointwise(node) || isRearrange(node) || isConcat(node);
}
