/**
 * LSTM, GRU and RNN, step by step: what a step takes of x is one linear layer of all steps, what it takes of the step
 * before is one more for each. (Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997; Cho et al., "Learning
 * Phrase Representations using RNN Encoder-Decoder", 2014.)
 */
import { apply, type Expression } from '../../../shaders/lib/expression.ts';
import * as f from '../../../shaders/lib/expression_functions.ts';
import { binary } from '../../layers/arithmetic.ts';
import { concat } from '../../layers/concat.ts';
import { linearOp } from '../../layers/linear.ts';
import { pointwise } from '../../layers/pointwise.ts';
import { reshapeTo, slice } from '../../layers/rearrange.ts';
import type { Value } from '../../runtime/graph.ts';
import type { GraphBuilder } from '../../runtime/graph_builder.ts';
import { elementCount, formatShape, shapesEqual } from '../../runtime/tensor.ts';
import { MOST_STEPS } from '../bounds.ts';
import { demand } from '../errors.ts';
import type { ImportCall, Importer, Importers } from '../import_node.ts';
import { constant } from '../tensor.ts';

type Part = Expression | number;

/** What a step hands on: [batch, hidden]; c is an LSTM's alone. */
interface State {
  readonly h: Value;
  readonly c?: Value | undefined;
}

/** A layer in one direction, whose weights and biases are parts of the node's. */
interface Direction {
  readonly call: ImportCall;
  /** Which part. */
  readonly index: number;
  readonly hidden: number;
  readonly gates: number;
}

/** What makes a state of what x gives to it, [batch, gates * hidden], and of the state before. */
type Step = (g: GraphBuilder, x: Value, before: State) => State;

interface Cell {
  readonly gates: number;
  readonly activations: readonly string[];
  /** How many of the last gates do not add what the state before gives to what x gives. */
  readonly apart?: number;
  /** Whether a step hands on a c. */
  readonly remembers?: boolean;
  readonly step: (direction: Direction) => Step;
}

const DIRECTIONS = { forward: [false], reverse: [true], bidirectional: [false, true] } as const;

function recurrent(cellOf: (call: ImportCall) => Cell): Importer {
  return (call) => {
    const cell = cellOf(call);
    const [steps = 1, batch = 1] = call.shape(0);
    const [, , hidden = 1] = call.shape(2);
    const turns = DIRECTIONS[call.choice('direction', 'forward', 'reverse', 'bidirectional')];
    checkRead(call, cell, turns.length);
    const count = steps * turns.length;
    demand(count <= MOST_STEPS, `takes ${count} steps; at most ${MOST_STEPS} are read`);
    const ends = turns.map((reversed, index) => {
      const states = run(call, cell, { call, index, hidden, gates: cell.gates }, reversed);
      return { states: reversed ? states.toReversed() : states, last: states.at(-1) };
    });
    const all = Array.from({ length: steps }, (_, t) => ends.map(({ states }) => states[t]?.h));
    const stack = (name: string, values: readonly (Value | undefined)[], ...shape: number[]) => {
      const rows = concat(
        call.g.at(name),
        values.filter((value) => value !== undefined),
        0,
      );
      return reshapeTo(call.g.at(`${name} stacked`), rows, [...shape, turns.length, batch, hidden]);
    };
    const outputs = [
      stack('y', all.flat(), steps),
      stack(
        'h',
        ends.map(({ last }) => last?.h),
      ),
    ];
    const cells = ends.map(({ last }) => last?.c);
    return cells.every((c) => c) ? [...outputs, stack('c', cells)] : outputs;
  };
}

/** Throws UnsupportedError for what is rare and not read. */
function checkRead(call: ImportCall, cell: Cell, directions: number): void {
  demand(call.int('layout', 0) === 0, 'layout 1 is not read; put the steps first');
  demand(!call.has('clip'), 'clip is not read');
  demand(!call.flag('input_forget'), 'input_forget is not read');
  const given = call.texts('activations') ?? [];
  const usual = Array.from({ length: directions }, () => cell.activations).flat();
  const same = given.every((name, i) => name.toLowerCase() === usual[i]?.toLowerCase());
  demand(same, `activations are ${given}; ${usual} are read`);
  const [steps = 1, batch] = call.shape(0);
  const lengths = call.numbersIfGiven(4, 'the lengths', batch) ?? [];
  demand(
    lengths.every((length) => length === steps),
    `sequences of ${lengths} steps; all must have ${steps}`,
  );
  demand(!call.inputs[7], 'peepholes are not read');
  checkShapes(call, cell.gates, directions);
}

/** Throws UnsupportedError where weights, biases and states do not go together. */
function checkShapes(call: ImportCall, gates: number, directions: number): void {
  const [, batch = 0, features = 0] = call.shape(0);
  const [, , hidden = 0] = call.shape(2);
  const expected = [
    undefined,
    [directions, gates * hidden, features],
    [directions, gates * hidden, hidden],
    [directions, 2 * gates * hidden],
    undefined,
    [directions, batch, hidden],
    [directions, batch, hidden],
  ];
  demand(call.shape(0).length === 3, 'expects [steps, batch, features]');
  for (const [i, shape] of expected.entries()) {
    if (!shape || (i > 2 && !call.inputs[i])) continue;
    const given = call.shape(i);
    const fits = shapesEqual(given, shape);
    demand(fits, `input ${i} must be ${formatShape(shape)}, got ${formatShape(given)}`);
  }
}

/** The states after each step, in the order in which they are made. */
function run(
  call: ImportCall,
  cell: Cell,
  direction: Direction,
  reversed: boolean,
): readonly State[] {
  const { index, hidden, gates } = direction;
  const [steps = 1, batch = 1, features = 1] = call.shape(0);
  const g = call.g.at(reversed ? 'reverse' : 'forward');
  const rows = reshapeTo(g.at('rows'), call.value(0), [-1, features]);
  const weight = part(call, 1, `of direction ${index}`, index, [gates * hidden, features]);
  const bias = call.inputs[3] && { bias: biasOfX(direction, cell.apart ?? 0) };
  const all = g.at('x').add(linearOp, {}, { x: rows, weight, ...bias });
  const step = cell.step(direction);
  const states: State[] = [];
  let state: State = {
    h: initial(direction, 5),
    c: cell.remembers ? initial(direction, 6) : undefined,
  };
  for (let i = 0; i < steps; i++) {
    const t = reversed ? steps - 1 - i : i;
    const at = g.at(`step${t}`);
    state = step(at, slice(at.at('x'), all, 0, t * batch, (t + 1) * batch), state);
    states.push(state);
  }
  return states;
}

/** An input's part for a direction, as a weight. */
function part(
  call: ImportCall,
  input: number,
  what: string,
  index: number,
  shape: readonly number[],
  from = 0,
): Value {
  const length = elementCount(shape);
  const each = elementCount(call.shape(input)) / (call.shape(input)[0] ?? 1);
  const begin = index * each + from;
  return call.derived(call.value(input), what, shape, (data) => data.slice(begin, begin + length));
}

/** The biases of x, and those of the state before where these are added to the same. */
function biasOfX({ call, index, hidden, gates }: Direction, apart: number): Value {
  const count = gates * hidden;
  const begin = 2 * index * count;
  return call.derived(call.value(3), `of x, direction ${index}`, [count], (data) =>
    Float32Array.from({ length: count }, (_, i) => {
      const own = data[begin + i] ?? 0;
      return i < count - apart * hidden ? own + (data[begin + count + i] ?? 0) : own;
    }),
  );
}

/** Of the step before the first: zeros where it is not given. */
function initial({ call, index, hidden }: Direction, input: number): Value {
  const [, batch = 1] = call.shape(0);
  if (!call.inputs[input]) {
    const zeros = constant([batch, hidden], new Float64Array(batch * hidden), 'float32');
    return call.place.weight({ ...zeros, name: `${call.name}/zeros` });
  }
  const own = slice(call.g.at(`initial${input}_${index}`), call.value(input), 0, index, index + 1);
  return reshapeTo(call.g.at(`initial${input}_${index} rows`), own, [batch, hidden]);
}

/** What gates `from` to `to` take of a state before: [batch, (to - from) * hidden]. */
function ofState(
  { call, index, hidden }: Direction,
  [from, to]: readonly [number, number],
): (g: GraphBuilder, h: Value) => Value {
  const shape = [(to - from) * hidden, hidden];
  const what = `of direction ${index}, gates ${from} to ${to}`;
  const weight = part(call, 2, what, index, shape, from * hidden * hidden);
  return (g, h) => g.add(linearOp, {}, { x: h, weight });
}

/** A gate of those that lie side by side. */
function gate(g: GraphBuilder, all: Value, index: number, hidden: number): Value {
  return slice(g.at(`gate${index}`), all, 1, index * hidden, (index + 1) * hidden);
}

/** i, o, f and what is written: c = f c' + i tanh(written), h = o tanh(c). */
const lstm: Cell = {
  gates: 4,
  activations: ['Sigmoid', 'Tanh', 'Tanh'],
  remembers: true,
  step(direction) {
    const recur = ofState(direction, [0, 4]);
    return (g, x, { h, c }) => {
      const all = binary(g.at('sum'), f.add, recur(g.at('h'), h), x);
      const [i, o, forget, written] = [0, 1, 2, 3].map((nth) =>
        gate(g, all, nth, direction.hidden),
      );
      demand(i && o && forget && written && c, 'an LSTM has four gates and a cell');
      const cell = pointwise(
        g.at('c'),
        [i, forget, written, c],
        (a = 0, b = 0, w = 0, before = 0) =>
          apply(
            f.add,
            apply(f.mul, apply(f.sigmoid, b), before),
            apply(f.mul, apply(f.sigmoid, a), apply(f.tanh, w)),
          ),
      );
      const out = pointwise(g.at('y'), [o, cell], (a = 0, value = 0) =>
        apply(f.mul, apply(f.sigmoid, a), apply(f.tanh, value)),
      );
      return { h: out, c: cell };
    };
  },
};

/** z (h' - n) + n */
function mixed(z: Part, fresh: Part, before: Part): Expression {
  return apply(f.add, apply(f.mul, apply(f.sigmoid, z), apply(f.sub, before, fresh)), fresh);
}

/** z, r and what is new: n = tanh(x + r * (what h' gives)), h = (1 - z) n + z h'. */
const gruAfter: Cell = {
  gates: 3,
  activations: ['Sigmoid', 'Tanh'],
  apart: 1,
  step(direction) {
    const { call, index, hidden } = direction;
    const recur = ofState(direction, [0, 3]);
    const bias =
      call.inputs[3] && part(call, 3, `of h, direction ${index}`, index, [hidden], 5 * hidden);
    return (g, x, { h }) => {
      const all = recur(g.at('h'), h);
      const [z, r, n] = [0, 1, 2].map((nth) => gate(g.at('of h'), all, nth, hidden));
      const [xz, xr, xn] = [0, 1, 2].map((nth) => gate(g.at('of x'), x, nth, hidden));
      demand(z && r && n && xz && xr && xn, 'a GRU has three gates');
      const fresh = pointwise(
        g.at('new'),
        [xn, xr, r, n, bias ?? 0],
        (a = 0, b = 0, c = 0, d = 0, shift = 0) => {
          const reset = apply(f.sigmoid, apply(f.add, b, c));
          return apply(f.tanh, apply(f.add, a, apply(f.mul, reset, apply(f.add, d, shift))));
        },
      );
      const out = pointwise(g.at('y'), [xz, z, fresh, h], (a = 0, b = 0, value = 0, before = 0) =>
        mixed(apply(f.add, a, b), value, before),
      );
      return { h: out };
    };
  },
};

/** The same, where the reset comes before the product: n = tanh(x + what r * h' gives). */
const gruBefore: Cell = {
  gates: 3,
  activations: ['Sigmoid', 'Tanh'],
  step(direction) {
    const { hidden } = direction;
    const [gates, renewed] = [ofState(direction, [0, 2]), ofState(direction, [2, 3])];
    return (g, x, { h }) => {
      const own = slice(g.at('zr'), x, 1, 0, 2 * hidden);
      const all = binary(g.at('sum'), f.add, gates(g.at('h'), h), own);
      const [z, r] = [0, 1].map((nth) => gate(g, all, nth, hidden));
      demand(z && r, 'a GRU has these gates');
      const kept = pointwise(g.at('kept'), [r, h], (a = 0, before = 0) =>
        apply(f.mul, apply(f.sigmoid, a), before),
      );
      const n = renewed(g.at('kept h'), kept);
      const xn = gate(g.at('of x'), x, 2, hidden);
      const out = pointwise(g.at('y'), [z, n, xn, h], (a = 0, b = 0, c = 0, before = 0) =>
        mixed(a, apply(f.tanh, apply(f.add, b, c)), before),
      );
      return { h: out };
    };
  },
};

/** h = tanh(x + what h' gives), or by a rectifier. */
function simple(activation: 'Tanh' | 'Relu'): Cell {
  const activated = (x: Part): Expression =>
    activation === 'Tanh' ? apply(f.tanh, x) : apply(f.max, x, 0);
  return {
    gates: 1,
    activations: [activation],
    step(direction) {
      const recur = ofState(direction, [0, 1]);
      return (g, x, { h }) => ({
        h: pointwise(g.at('y'), [recur(g.at('h'), h), x], (a = 0, b = 0) =>
          activated(apply(f.add, a, b)),
        ),
      });
    },
  };
}

export const importers: Importers = {
  LSTM: recurrent(() => lstm),
  GRU: recurrent((call) => (call.flag('linear_before_reset') ? gruAfter : gruBefore)),
  RNN: recurrent((call) => simple(call.texts('activations')?.[0] === 'Relu' ? 'Relu' : 'Tanh')),
};
