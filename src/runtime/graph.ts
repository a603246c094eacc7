/**
 * A model as data: nodes in the order in which they run, and the values that flow between them.
 * Graphs are immutable; passes make new ones and share what did not change.
 */
import type { TensorDesc } from './tensor.ts';

/** Fed by the caller at every run. */
export interface Input {
  readonly kind: 'input';
  readonly name: string;
  readonly desc: TensorDesc;
}

/** Read from the weight source under `name`, once, at load time. */
export interface Weight {
  readonly kind: 'weight';
  readonly name: string;
  readonly desc: TensorDesc;
}

/** Computed from other constants at load time; passes fold with these, so that they touch no data. */
export interface DerivedWeight {
  readonly kind: 'derived';
  readonly name: string;
  readonly desc: TensorDesc;
  readonly sources: readonly Constant[];
  /** Row-major data of `sources` in, row-major data of this constant out. Arithmetic is f64. */
  readonly compute: (sources: readonly Float32Array[]) => Float32Array;
}

/** The output of a node. */
export interface Activation {
  readonly kind: 'activation';
  readonly name: string;
  readonly desc: TensorDesc;
}

export type Constant = Weight | DerivedWeight;
export type Value = Input | Constant | Activation;

/** One operator applied to values. `inputs` are keyed by role: `x`, `weight`, `bias`, ... */
export interface Node<A extends object = object> {
  readonly op: string;
  readonly name: string;
  readonly attributes: A;
  readonly inputs: Readonly<Record<string, Value>>;
  readonly output: Activation;
}

export interface Graph {
  readonly name: string;
  readonly inputs: readonly Input[];
  /** In execution order: a node stands behind everything that it reads. */
  readonly nodes: readonly Node[];
  readonly outputs: ReadonlyMap<string, Value>;
}

export function isConstant(value: Value): value is Constant {
  return value.kind === 'weight' || value.kind === 'derived';
}

/** The nodes that read each value. */
export function consumers(graph: Graph): ReadonlyMap<Value, readonly Node[]> {
  const map = new Map<Value, Node[]>();
  for (const node of graph.nodes) {
    for (const value of new Set(Object.values(node.inputs))) {
      const readers = map.get(value);
      if (readers) readers.push(node);
      else map.set(value, [node]);
    }
  }
  return map;
}

/** Every weight that some node reads, directly or through a derived weight, once each, in order of use. */
export function weightsOf(graph: Graph): readonly Weight[] {
  const found = new Set<Weight>();
  const visit = (value: Value): void => {
    if (value.kind === 'weight') found.add(value);
    else if (value.kind === 'derived') value.sources.forEach(visit);
  };
  for (const node of graph.nodes) Object.values(node.inputs).forEach(visit);
  return [...found];
}
