/** Einsum of one or two operands: sums, movements and a product of matrices. */
import { matmul } from '../../layers/matmul.ts';
import { rearrange, reshapeTo, transpose } from '../../layers/rearrange.ts';
import type { Value } from '../../runtime/graph.ts';
import type { GraphBuilder } from '../../runtime/graph_builder.ts';
import { Reshape, Slice, Transpose } from '../../runtime/movement/index.ts';
import {
  elementCount,
  formatShape,
  type Shape,
  shapesEqual,
  tensorDesc,
} from '../../runtime/tensor.ts';
import { clipped } from '../../runtime/weights/messages.ts';
import { demand } from '../errors.ts';
import type { ImportCall, Importers } from '../import_node.ts';

/** Characters of an equation; that of attention has 17. */
const MOST_CHARACTERS = 256;

/** A tensor whose axes have names. */
interface Named {
  readonly value: Value;
  readonly labels: readonly string[];
}

interface Equation {
  readonly operands: readonly (readonly string[])[];
  readonly result: readonly string[];
}

/** The labels of the axes of each operand, of these ranks, and of the result. Those of `...` are .0, .1, and so on. */
function parse(text: string, ranks: readonly number[]): Equation {
  const shown = clipped(text);
  demand(text.length <= MOST_CHARACTERS, `the equation has ${text.length} characters: ${shown}`);
  const compact = text.replace(/\s/g, '');
  const sound = /^[a-zA-Z.]*(,[a-zA-Z.]*)*(->[a-zA-Z.]*)?$/.test(compact);
  demand(sound, `"${shown}" is no equation`);
  const [left = '', right] = compact.split('->');
  const terms = left.split(',');
  demand(terms.length === ranks.length, `"${shown}" is not of ${ranks.length} operands`);
  const named = terms.map((term) => term.replace('...', '').length);
  const spread = Math.max(0, ...ranks.map((rank, i) => rank - (named[i] ?? 0)));
  const operands = terms.map((term, i) => {
    const labels = labelsOf(term, (ranks[i] ?? 0) - (named[i] ?? 0), spread, shown);
    demand(labels.length === ranks[i], `"${clipped(term)}" does not name ${ranks[i]} axes`);
    return labels;
  });
  const result = right === undefined ? implied(operands) : labelsOf(right, spread, spread, shown);
  const all = new Set(operands.flat());
  const known = result.every((label) => all.has(label)) && new Set(result).size === result.length;
  demand(known, `"${shown}" has a result of axes that its operands have not, or have twice`);
  return { operands, result };
}

/** Of `count` axes for the dots, which are the last of `spread`. */
function labelsOf(term: string, count: number, spread: number, shown: string): readonly string[] {
  const [before = '', after, ...others] = term.split('...');
  const plain = others.length === 0 && !`${before}${after ?? ''}`.includes('.');
  demand(plain, `"${shown}" has dots that are no ellipsis`);
  if (after === undefined) return [...before];
  const dots = Array.from({ length: Math.max(0, count) }, (_, i) => `.${spread - count + i}`);
  return [...before, ...dots, ...after];
}

/** Without an arrow: the axes of the dots, then what occurs once, in the order of the alphabet. */
function implied(operands: readonly (readonly string[])[]): readonly string[] {
  const all = operands.flat();
  const labels = [...new Set(all)];
  const dots = labels.filter((label) => label.startsWith('.')).sort();
  const once = labels.filter((label) => !label.startsWith('.') && lonely(all, label));
  return [...dots, ...once.sort()];
}

function lonely(labels: readonly string[], label: string): boolean {
  return labels.indexOf(label) === labels.lastIndexOf(label);
}

function importEinsum(call: ImportCall): Value {
  const count = call.inputs.length;
  demand(count === 1 || count === 2, `multiplies ${count} operands; one or two are read`);
  const values = call.inputs.map((_, i) => call.value(i));
  const ranks = values.map(({ desc }) => desc.shape.length);
  const { operands, result } = parse(call.text('equation'), ranks);
  const wanted = (i: number) => new Set([...result, ...(operands[1 - i] ?? [])]);
  const [a, b] = values.map((value, i) => {
    const g = call.g.at(`operand${i}`);
    const simple = diagonal(g.at('diagonal'), { value, labels: operands[i] ?? [] });
    return summed(g, simple, wanted(i));
  });
  demand(a, 'has no operand');
  return ordered(call.g, b ? product(call.g.at('product'), a, b, result) : a, result).value;
}

/** Of an axis that occurs twice, the elements at which both indices are the same: every n + 1st of n * n. */
function diagonal(g: GraphBuilder, { value, labels }: Named): Named {
  const second = labels.findIndex((label, axis) => labels.indexOf(label) < axis);
  const label = labels[second];
  if (label === undefined) return { value, labels };
  const first = labels.indexOf(label);
  const { shape } = value.desc;
  const [extent = 1, other] = [shape[first], shape[second]];
  demand(extent === other, `axis ${label} of ${formatShape(shape)} is ${extent} and ${other} long`);
  const rest = [...shape.keys()].filter((axis) => axis !== first && axis !== second);
  const outer = rest.map((axis) => shape[axis] ?? 1);
  const taken = rearrange(g, value, [
    new Transpose({ order: [...rest, first, second] }),
    new Reshape({ extents: [...outer, extent * extent] }),
    new Slice({ axis: rest.length, from: 0, step: extent + 1 }),
  ]);
  const kept = rest.map((axis) => labels[axis] ?? '');
  return diagonal(g.at(label), { value: taken, labels: [...kept, label] });
}

/** Adds up along the axes that nobody wants: a product with ones. */
function summed(g: GraphBuilder, { value, labels }: Named, wanted: ReadonlySet<string>): Named {
  const unwanted = labels.filter((label) => !wanted.has(label));
  if (unwanted.length === 0) return { value, labels };
  const kept = labels.filter((label) => wanted.has(label));
  const rows = grouped(g.at('rows'), { value, labels }, [[], kept, unwanted]);
  const count = rows.desc.shape[1] ?? 1;
  const ones: Value = {
    kind: 'derived',
    name: `${count} ones`,
    desc: tensorDesc([count, 1]),
    sources: [],
    compute: () => new Float32Array(count).fill(1),
  };
  const sums = matmul(g.at('sum'), rows, ones);
  return { value: reshapeTo(g, sums, extentsOf({ value, labels }, kept)), labels: kept };
}

/** What both have and the result has are stacks; what the result has not is summed over. */
function product(g: GraphBuilder, a: Named, b: Named, result: readonly string[]): Named {
  const shared = a.labels.filter((label) => b.labels.includes(label));
  const stack = shared.filter((label) => result.includes(label));
  const depth = shared.filter((label) => !result.includes(label));
  const [rows, columns] = [a, b].map(({ labels }) => labels.filter((l) => !shared.includes(l)));
  for (const label of shared) {
    const [left = 1, right = 1] = [extentsOf(a, [label])[0], extentsOf(b, [label])[0]];
    const repeats = stack.includes(label) && Math.min(left, right) === 1;
    demand(left === right || repeats, `axis ${label} is ${left} and ${right} long`);
  }
  const left = grouped(g.at('a'), a, [stack, rows ?? [], depth]);
  const right = grouped(g.at('b'), b, [stack, depth, columns ?? []]);
  const made = matmul(g.at('matmul'), left, right);
  const labels = [...stack, ...(rows ?? []), ...(columns ?? [])];
  const extents = [
    ...made.desc.shape.slice(0, -2),
    ...extentsOf(a, rows ?? []),
    ...extentsOf(b, columns ?? []),
  ];
  return { value: reshapeTo(g, made, extents), labels };
}

/** The axes of a stack as they are, and two more, each of all axes of a group. */
function grouped(
  g: GraphBuilder,
  named: Named,
  [stack, rows, columns]: readonly [readonly string[], readonly string[], readonly string[]],
): Value {
  const { value } = ordered(g.at('order'), named, [...stack, ...rows, ...columns]);
  const [outer, inner] = [rows, columns].map((labels) => elementCount(extentsOf(named, labels)));
  const extents = [...extentsOf(named, stack), outer ?? 1, inner ?? 1];
  return shapesEqual(value.desc.shape, extents) ? value : reshapeTo(g, value, extents);
}

function ordered(g: GraphBuilder, { value, labels }: Named, wanted: readonly string[]): Named {
  const order = wanted.map((label) => labels.indexOf(label));
  const isOrdered = order.every((axis, i) => axis === i);
  return { value: isOrdered ? value : transpose(g, value, order), labels: wanted };
}

function extentsOf({ value, labels }: Named, wanted: readonly string[]): Shape {
  return wanted.map((label) => value.desc.shape[labels.indexOf(label)] ?? 1);
}

export const importers: Importers = { Einsum: importEinsum };
