/** Constants out of constants: whatever a node is, it is computed once, on the host. */
import { batchNormReference } from '../layers/batch_norm.ts';
import { concatReference } from '../layers/concat.ts';
import { linearReference } from '../layers/linear.ts';
import { matmulReference } from '../layers/matmul.ts';
import { normalizeReference } from '../layers/normalize.ts';
import { pointwiseReference } from '../layers/pointwise.ts';
import { rearrangeReference } from '../layers/rearrange.ts';
import { reduceReference } from '../layers/reduce.ts';
import type { Node, Value } from '../runtime/graph.ts';
import { GraphBuilder } from '../runtime/graph_builder.ts';
import { type References, resultOf } from '../runtime/reference/run_reference.ts';
import { elementCount } from '../runtime/tensor.ts';
import { MOST_AT_ONCE, MOST_COMPUTED, MOST_DEEP, MOST_DEFERRED } from './bounds.ts';
import { tabulated } from './computed.ts';
import { demand } from './errors.ts';
import type { Evaluator } from './evaluators/evaluator.ts';
import type { ImportCall, Imported, Importer } from './import_node.ts';
import { isValue, listed } from './import_node.ts';
import { resultType } from './result_type.ts';
import { type Constant, constant, type Numbers } from './tensor.ts';

/** Of what is computed here. All else is left to the device, and a page that reads models carries none of it. */
const REFERENCES: References = {
  batch_norm: batchNormReference,
  normalize: normalizeReference,
  reduce: reduceReference,
  pointwise: pointwiseReference,
  rearrange: rearrangeReference,
  concat: concatReference,
  linear: linearReference,
  matmul: matmulReference,
};

/**
 * What may be computed while a model is loaded, and what later, when weights are read. Small constants are computed
 * at once, since shapes depend on them; large ones when they are uploaded, so that none is held in memory.
 */
export class Allowance {
  #computed = 0;
  #deferred = 0;
  /** What computes the constants that were counted, which other nodes may hand on under another shape. */
  readonly #kept = new WeakSet<Constant['numbers']>();

  /** Whether so many elements more may be computed at once. */
  readonly spend = (elements: number): boolean => {
    const affordable = this.#computed + elements <= MOST_COMPUTED;
    if (affordable) this.#computed += elements;
    return affordable;
  };

  /** The constant as it is kept; undefined where computing it would take too long. */
  keep(made: Constant): Constant | undefined {
    const { work = 0, depth = 0, shape, type, numbers } = made;
    if (work === 0 || this.#kept.has(numbers)) return made;
    if (work <= MOST_AT_ONCE && this.spend(work)) return constant(shape, numbers(), type);
    if (this.#deferred + work > MOST_DEFERRED || depth > MOST_DEEP) return undefined;
    this.#deferred += work;
    // What is small may be asked for many times, as shapes are.
    const count = elementCount(shape);
    const small = count <= MOST_AT_ONCE && this.spend(count);
    const kept = small ? { ...made, numbers: once(numbers) } : made;
    this.#kept.add(kept.numbers);
    return kept;
  }
}

function once(compute: () => Numbers): () => Numbers {
  let known: Numbers | undefined;
  return () => {
    known ??= compute();
    return known;
  };
}

/** What an evaluator makes of a node's constants; undefined where it would take too long. */
export function evaluated(
  call: ImportCall,
  evaluator: Evaluator,
  allowance: Allowance,
): readonly Constant[] | undefined {
  return kept(listed(evaluator(call)), allowance);
}

/**
 * What the layers of a node make of its constants, by their references. Undefined where they are better computed on
 * the device: windows and the like, and what would take too long.
 */
export function folded(
  call: ImportCall,
  importer: Importer,
  allowance: Allowance,
): readonly Constant[] | undefined {
  const g = GraphBuilder.create();
  const known = new Map<Value, Constant>();
  const weight = (given: Constant): Value => {
    demand(elementCount(given.shape) > 0, 'is of nothing: an input has no elements');
    const value = g.weight(`${known.size}`, given.shape);
    known.set(value, given);
    return value;
  };
  const made = listed(importer(call.with({ g, weight })));
  const results = new Set(made.filter(isValue).filter(({ kind }) => kind === 'activation'));
  for (const [i, value] of [...results].entries()) g.output(String(i), value);
  const nodes = results.size > 0 ? g.build('constants').nodes : [];
  if (!nodes.every(isCheap)) return undefined;
  const outputs = made.map((output, i) => {
    if (!isValue(output)) return output;
    return (
      known.get(output) ??
      tabulated(output.desc.shape, resultType(call, i), [...known.values()], (...numbers) => {
        const data = [...known.keys()].map((value, nth) => [value, numbers[nth]] as const);
        const result = evaluateNodes(nodes, new Map(data)).get(output);
        return (at) => result?.[at] ?? Number.NaN;
      })
    );
  });
  return kept(outputs, allowance);
}

function kept(made: readonly Imported[], allowance: Allowance): readonly Constant[] | undefined {
  const constants = made.flatMap((output) => (isValue(output) ? [] : [output]));
  const all = constants.flatMap((output) => allowance.keep(output) ?? []);
  return all.length === made.length ? all : undefined;
}

/** What the references of nodes make of constants, in f64. */
function evaluateNodes(
  nodes: readonly Node[],
  constants: ReadonlyMap<Value, ArrayLike<number> | undefined>,
): ReadonlyMap<Value, Float64Array> {
  const data = new Map<Value, Float64Array>();
  for (const [value, numbers] of constants) data.set(value, Float64Array.from(numbers ?? []));
  const dataOf = (value: Value): Float64Array => {
    const found = data.get(value);
    if (found || value.kind !== 'derived') return found ?? new Float64Array();
    const sources = value.sources.map((source) => Float32Array.from(dataOf(source)));
    return Float64Array.from(value.compute(sources));
  };
  for (const node of nodes) {
    const inputs = Object.entries(node.inputs).map(([role, value]) => [role, dataOf(value)]);
    data.set(node.output, resultOf(node, Object.fromEntries(inputs), REFERENCES));
  }
  return data;
}

/** Whether a node's reference takes no longer than its elements, or its multiply-adds, say. */
function isCheap(node: Node): boolean {
  const known = Object.hasOwn(REFERENCES, node.op.name);
  return known && (node.op.multiplyAdds?.(node) ?? 0) <= MOST_AT_ONCE;
}
