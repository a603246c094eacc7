/**
 * A model as data: nodes in the order in which they run, and the values that flow between them.
 * Graphs are immutable; passes make new ones and share what did not change.
 */
import type { Epilogue } from '../../shaders/lib/epilogue.ts';
import type { Expression } from '../../shaders/lib/expression.ts';
import type { DeviceProfile } from './device_profile.ts';
import type { Candidate } from './kernel.ts';
import type { Passes } from './passes/passes.ts';
import type { TensorDesc, View } from './tensor.ts';

/** Fed by the caller at every run. */
export interface Input {
  /** Tells it from other values. */
  readonly kind: 'input';
  /** By which data is given to `run`. */
  readonly name: string;
  /** Its shape and type. */
  readonly desc: TensorDesc;
}

/** Read from the weight source under `name`, once, at load time. */
export interface Weight {
  /** Tells it from other values. */
  readonly kind: 'weight';
  /** That of the tensor in the weight source. */
  readonly name: string;
  /** Its shape and type. */
  readonly desc: TensorDesc;
}

/** Computed from other constants at load time; passes fold with these, so that they touch no data. */
export interface DerivedWeight {
  /** Tells it from other values. */
  readonly kind: 'derived';
  /** For messages. */
  readonly name: string;
  /** Its shape and type. */
  readonly desc: TensorDesc;
  /** What it is made of. */
  readonly sources: readonly Constant[];
  /** Row-major data of `sources` in, row-major data of this constant out. Arithmetic is f64. */
  readonly compute: (sources: readonly Float32Array[]) => Float32Array;
}

/** The output of a node. */
export interface Activation {
  /** Tells it from other values. */
  readonly kind: 'activation';
  /** That of the node which makes it. */
  readonly name: string;
  /** Its shape and type, and where it lies in another's memory, if it does. */
  readonly desc: TensorDesc;
  /** The value in whose memory it lies, where its descriptor is a view; absent where it has memory of its own. */
  readonly within?: Input | Activation;
}

/** What is known when a session is made. */
export type Constant = Weight | DerivedWeight;
/** What nodes read. */
export type Value = Input | Constant | Activation;

/** The node's own result, as the expression of its epilogue names it. */
export const RESULT = 'value';

/** One operator applied to values. `inputs` are keyed by role: `x`, `weight`, `bias`, ... */
export interface Node<A extends object = object, R extends string = string> {
  /** The operator: its rules and kernels. */
  readonly op: OpDef<A, R>;
  /** Its path in the builder; unique in a graph. */
  readonly name: string;
  /** What the operator is told besides its inputs. */
  readonly attributes: A;
  /** By role: `x`, `weight`, `bias`. */
  readonly inputs: Readonly<Record<string, Value>>;
  /**
   * What its kernels make of a result before they store it: an expression over RESULT and over inputs in roles of
   * their own. Set by the pass that fuses.
   */
  readonly epilogue?: Expression;
  /** That expression as kernels see it. It comes from the pass, so that pages which do not fuse do not carry it. */
  readonly epilogueOf?: (epilogue: Expression, node: Node) => Epilogue;
  /** Names of the nodes of the model that it computes; absent where it is one of them. */
  readonly sources?: readonly string[];
  /** What it makes. */
  readonly output: Activation;
}

/** A node before its output's shape is known. */
export type OpCall<A extends object = object, R extends string = string> = Omit<
  Node<A, R>,
  'output'
>;

/** The data of a node's inputs, in f64 and row-major, by role. */
export type DataByRole = Readonly<Record<string, Float64Array>>;

/** How a kernel finds the elements of a tensor: of dense planes at any distance, or of any strides. */
export type Access = 'map' | 'any';

/** One operator: its rules, its meaning, and its kernels. `R` are the roles of its inputs. */
export interface OpDef<A extends object = object, R extends string = string> {
  /** By which references are found, and by which messages call it. */
  readonly name: string;
  /**
   * The output's descriptor.
   *
   * @param call - The node, but for its output.
   * @throws ShapeError when the inputs or attributes do not fit.
   */
  inferShape(call: OpCall<A, R>): TensorDesc;
  /**
   * What a node computes, without its epilogue: of operators of callers, where no table of references has them.
   *
   * @param node - Any of this operator.
   * @param inputs - Their elements, by role.
   */
  reference?(node: Node<A, R>, inputs: DataByRole): Float64Array;
  /**
   * Multiply-adds of one run, as the field counts them: of convolutions and products only; 0 by default.
   *
   * @param node - Any of this operator.
   */
  multiplyAdds?(node: Node<A, R>): number;
  /**
   * Whether images of a batch influence one another, so that the batch cannot be cut; no by default.
   *
   * @param node - Any of this operator.
   */
  mixesBatch?(node: Node<A, R>): boolean;
  /**
   * Whether what it reads and makes stays f32 whatever the precision: indices, and figures to be shown. What computes
   * its input `indices` reads the graph's inputs as they are, too.
   */
  readonly exact?: boolean;
  /**
   * The axis of `weight` that goes along the output channels, those of one group, where these can be scaled by scaling
   * the weights. Where it is not the first, the axis before it goes along the input channels of all groups.
   */
  readonly channelAxis?: number;
  /**
   * Which tensors may be views, and of which kind; the others are dense. `any` is all of them, `y`, which the kernels
   * write, too. Operands of an epilogue may be maps.
   */
  readonly views?: Readonly<Partial<Record<R | 'y', Access>>> | 'any';
  /** Whether its kernels compute an epilogue; not by default. */
  readonly fusesEpilogue?: boolean;
  /** What prepares graphs in which it occurs; nothing by default. */
  readonly passes?: Passes;
  /**
   * Whether a node can go from a view of its input to one of its output; what `views` says is enough by default.
   *
   * @param node - Any of this operator.
   * @param from - Of its input.
   * @param to - Of its output.
   */
  between?(node: Node<A, R>, from: View, to: View): boolean;
  /**
   * What can compute a node on a device, in order of preference, but for what the candidates say.
   *
   * @param node - Any of this operator, with its epilogue, if it has one.
   * @param device - That which is planned for.
   */
  candidates(node: Node<A, R>, device: DeviceProfile): readonly Candidate[];
}

/** A network: nodes in order, from inputs to outputs. It is plain data, made by a `GraphBuilder`. */
export interface Graph {
  /** For messages. */
  readonly name: string;
  /** What a run is given. */
  readonly inputs: readonly Input[];
  /** In execution order: a node stands after everything that it reads. */
  readonly nodes: readonly Node[];
  /** What a run gives, by name. */
  readonly outputs: ReadonlyMap<string, Value>;
}

export function isConstant(value: Value): value is Constant {
  return value.kind === 'weight' || value.kind === 'derived';
}

/** The value whose memory holds it. */
export function rootOf(value: Value): Value {
  return (value.kind === 'activation' ? value.within : undefined) ?? value;
}

/** The nodes that read each value. */
export function consumers(graph: Pick<Graph, 'nodes'>): ReadonlyMap<Value, readonly Node[]> {
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
