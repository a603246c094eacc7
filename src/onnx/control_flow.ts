/** Nodes that hold graphs: conditions whose branch is known, and loops whose turns can be counted. */

import { concat } from '../layers/concat.ts';
import { rearrange } from '../layers/rearrange.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { Unsqueeze } from '../runtime/movement/index.ts';
import { formatShape, shapesEqual } from '../runtime/tensor.ts';
import { computed } from './computed.ts';
import { isStandard } from './domain.ts';
import { demand, demandSound } from './errors.ts';
import { numberOf, type Operand } from './import_node.ts';
import { MUST_BE_KNOWN } from './problems.ts';
import type { GraphProto, NodeProto } from './schema/fields.ts';
import type { Scope } from './scope.ts';
import { type Constant, constant } from './tensor.ts';

export function isBranching({ domain, opType }: NodeProto): boolean {
  return isStandard(domain) && opType === 'If';
}

export function isLoop({ domain, opType }: NodeProto): boolean {
  return isStandard(domain) && opType === 'Loop';
}

/** The branch that a condition chooses, where that is known. */
export function branchOf({ input, attribute }: NodeProto, scope: Scope): GraphProto | undefined {
  const condition = numberOf(scope.find(input[0] ?? ''));
  if (condition === undefined) return undefined;
  const name = condition === 0 ? 'else_branch' : 'then_branch';
  return attribute.find((one) => one.name === name)?.g;
}

/** What a loop does at each turn. Throws OnnxError where it has none. */
export function bodyOf({ attribute }: NodeProto): GraphProto {
  const body = attribute.find(({ name }) => name === 'body')?.g;
  demandSound(body, 'has a loop without a body');
  return body;
}

/**
 * What goes round a loop: a number of turns and a condition, either of which may be missing, and values that each turn
 * is given and gives on. Throws UnsupportedError where it is not known when the loop ends.
 */
export class LoopState {
  /** The nodes of a turn, also those in graphs of its own, and one for itself. */
  readonly size: number;
  readonly #turns: number;
  readonly #rows: (readonly Operand[])[] = [];
  #goes: boolean;
  #carried: readonly Operand[];

  constructor({ input }: NodeProto, body: GraphProto, scope: Scope) {
    const [turns = '', condition = '', ...carried] = input;
    this.size = 1 + nodesIn(body);
    const given = (name: string, otherwise: number): number => {
      if (name === '') return otherwise;
      const known = numberOf(scope.operand(name));
      demand(known !== undefined, COMPUTED);
      return known;
    };
    this.#turns = given(turns, Number.POSITIVE_INFINITY);
    this.#goes = given(condition, 1) !== 0;
    this.#carried = carried.map((name) => scope.operand(name));
  }

  /** Whether there is another turn. */
  get goes(): boolean {
    return this.#goes && this.#rows.length < this.#turns;
  }

  /** The number of the next turn. */
  get turn(): number {
    return this.#rows.length;
  }

  /** What the body is given: the number of the turn, the condition, and what is carried. */
  get inputs(): readonly Operand[] {
    const turn = constant([], [this.turn], 'int64');
    const condition = constant([], [1], 'bool');
    return [
      { constant: turn, type: 'int64' },
      { constant: condition, type: 'bool' },
      ...this.#carried,
    ];
  }

  /** Takes what a turn gives: the next condition, what is carried on, and a row of each output that is stacked. */
  take([condition, ...results]: readonly Operand[]): void {
    const known = numberOf(condition);
    demand(known !== undefined, COMPUTED);
    this.#goes = known !== 0;
    const count = this.#carried.length;
    demandSound(results.length >= count, 'has a loop whose body gives too little');
    this.#carried = results.slice(0, count);
    this.#rows.push(results.slice(count));
  }

  /** What the loop gives after its last turn; of what it stacks, outputs of no name are not made. */
  outputs(
    g: GraphBuilder,
    names: readonly string[],
    weight: WeightOf,
  ): readonly (Operand | undefined)[] {
    const stacked = names.slice(this.#carried.length).map((name, i) => {
      if (name === '') return undefined;
      demand(this.#rows.length > 0, 'stacks what no turn gives; its extents are not known');
      const rows = this.#rows.flatMap((row) => row[i] ?? []);
      return rows.length > 0 ? stackOf(g.at(`stack ${i}`), rows, weight) : undefined;
    });
    return [...this.#carried, ...stacked];
  }
}

/** Nodes of a graph and of those inside it. */
function nodesIn({ node }: GraphProto): number {
  const inside = node.flatMap(({ attribute }) => attribute.flatMap(({ g }) => g ?? []));
  return inside.reduce((sum, graph) => sum + nodesIn(graph), node.length);
}

const COMPUTED = `how often it turns is computed; it ${MUST_BE_KNOWN}`;

type WeightOf = (known: Constant) => Value;

/** Rows of one shape, along an axis of their own. */
function stackOf(g: GraphBuilder, rows: readonly Operand[], weight: WeightOf): Operand {
  const [{ type } = { type: 'float32' as const }] = rows;
  const known = rows.flatMap(({ constant: one }) => one ?? []);
  const shapes = rows.map(({ value, constant: one }) => (value ? value.desc : one).shape);
  const [shape = []] = shapes;
  const alike = shapes.every((other) => shapesEqual(other, shape));
  demand(alike, `stacks what is not of one shape: ${shapes.map(formatShape).join(', ')}`);
  if (known.length === rows.length) {
    const stacked = computed([rows.length, ...shape], type, known, (...data) =>
      Float64Array.from(data.flatMap((row) => [...row])),
    );
    return { constant: stacked, type };
  }
  const step = new Unsqueeze({ axes: [0] });
  const values = rows.map(({ value, constant: one }, i) =>
    rearrange(g.at(i), value ?? weight(one), [step]),
  );
  return { value: concat(g, values, 0), type };
}
