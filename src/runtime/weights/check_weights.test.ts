import { describe, expect, it } from 'vitest';
import { relu } from '../../layers/activations.ts';
import { WeightError } from '../errors.ts';
import type { Graph } from '../graph.ts';
import { GraphBuilder } from '../graph_builder.ts';
import type { Shape } from '../tensor.ts';
import { checkWeights, nonFiniteWarning, overflowWarning } from './check_weights.ts';
import { syntheticWeights } from './synthetic.ts';
import type { WeightSource } from './weight_source.ts';

type Shapes = Readonly<Record<string, Shape>>;

const MODEL: Shapes = {
  'conv1.weight': [8, 3, 3, 3],
  'bn1.weight': [8],
  'fc.weight': [10, 8],
  'fc.bias': [10],
};

/** A graph whose outputs depend on the weights of `model`, and that reads those of `unread` for none. */
function graphOf(model: Shapes, unread: Shapes = {}): Graph {
  const g = GraphBuilder.create();
  g.output('y', relu(g.at('relu'), g.input('x', [1])));
  for (const [name, shape] of Object.entries({ ...model, ...unread })) {
    const y = relu(g.at(`read ${name}`), g.weight(name, shape));
    if (name in model) g.output(name, y);
  }
  return g.build('test');
}

function check(model: Shapes, file: Shapes, unread?: Shapes): void {
  const source: WeightSource = {
    name: 'x.safetensors',
    tensors: new Map(Object.entries(file).map(([name, shape]) => [name, { shape, dtype: 'F32' }])),
    read: () => new Float32Array(),
  };
  checkWeights(graphOf(model, unread), source);
}

function expectError(model: Shapes, file: Shapes, lines: readonly string[]): void {
  const message = ['weights "x.safetensors" do not fit the model:', ...lines].join('\n  ');
  expect(() => check(model, file)).toThrow(new WeightError(message));
}

function prefixed(prefix: string, shapes: Shapes): Shapes {
  return Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [prefix + name, shape]));
}

describe('checkWeights', () => {
  it('accepts what fits, in any order, with or without batch counters', () => {
    expect(() => check(MODEL, MODEL)).not.toThrow();
    const reversed = Object.fromEntries(Object.entries(MODEL).reverse());
    expect(() => check(MODEL, { ...reversed, 'bn1.num_batches_tracked': [] })).not.toThrow();
  });

  it('accepts a source that makes any tensor', () => {
    const graph = graphOf({ 'a.weight': [1] });
    expect(() => checkWeights(graph, syntheticWeights(['a.weight']))).not.toThrow();
  });

  it('does not need weights that no output depends on, such as those of auxiliary classifiers', () => {
    const auxiliary = { 'aux.weight': [1, 2] };
    expect(() => check(MODEL, MODEL, auxiliary)).not.toThrow();
    expect(() => check(MODEL, { ...MODEL, ...auxiliary }, auxiliary)).not.toThrow();
    expect(() => check(MODEL, { ...MODEL, 'aux.weight': [3] }, auxiliary)).toThrow(
      '1 of the wrong shape: "aux.weight" expected [1, 2], got [3]',
    );
  });

  it('lists all that is wrong in one error', () => {
    const file = {
      'conv1.weight': [8, 1, 3, 3],
      'bn1.weight': [8],
      'fc.weight': [1000, 8],
      'aux.weight': [1, 2],
    };
    expectError(MODEL, file, [
      '1 missing: "fc.bias" [10]',
      '1 unexpected: "aux.weight" [1, 2]',
      '2 of the wrong shape: "conv1.weight" expected [8, 3, 3, 3], got [8, 1, 3, 3], "fc.weight" expected [10, 8], got [1000, 8]',
    ]);
  });

  it('tells shapes of another rank apart', () => {
    expectError(MODEL, { ...MODEL, 'fc.bias': [1, 10] }, [
      '1 of the wrong shape: "fc.bias" expected [10], got [1, 10]',
    ]);
  });

  it('cuts long lists after eight', () => {
    const model = Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`w${i}`, [1]]));
    const eight = Array.from({ length: 8 }, (_, i) => `"w${i}" [1]`).join(', ');
    expectError(model, {}, [`11 missing: ${eight}, ... and 3 more`]);
    expectError({}, model, [`11 unexpected: ${eight}, ... and 3 more`]);
    const wide = Object.fromEntries(Object.keys(model).map((name) => [name, [2]]));
    expect(() => check(model, wide)).toThrow(/^ {2}11 of the wrong shape: .* \.\.\. and 3 more$/m);
    const nine = Object.fromEntries(Object.entries(model).slice(0, 8));
    expectError(nine, {}, [`8 missing: ${eight}`]);
  });

  it.each(['module.', 'model.', 'model.module.'])('hints at the prefix %s', (prefix) => {
    const file = prefixed(prefix, { ...MODEL, 'bn1.num_batches_tracked': [] });
    expect(() => check(MODEL, file)).toThrow(
      `\n  every name in the file starts with "${prefix}"; save it without this prefix`,
    );
  });

  it('hints at fromInt8 where weights have scales beside them, which no other tensor is', () => {
    const hint = '\n  the file has int8 weights with their scales; read it by fromInt8(source)';
    const tensors = (dtype: string): WeightSource['tensors'] =>
      new Map([
        ...Object.entries(MODEL).map(([name, shape]) => [name, { shape, dtype }] as const),
        ['fc.weight_scale', { shape: [1], dtype: 'F32' }],
      ]);
    const reading = (dtype: string) => () =>
      checkWeights(graphOf(MODEL), {
        ...{ name: 'x', read: () => new Float32Array(), tensors: tensors(dtype) },
      });
    expect(reading('I8')).toThrow(hint);
    expect(reading('F32')).toThrow(/^weights "x" do not fit the model:\n {2}1 unexpected: .*$/);
  });

  it('hints at the prefix where a weight is missing besides', () => {
    expect(() => check({ ...MODEL, other: [1] }, prefixed('module.', MODEL))).toThrow(
      'every name in the file starts with "module."',
    );
  });

  it('refuses what is no source', () => {
    const graph = graphOf({});
    expect(() => checkWeights(graph, undefined as unknown as WeightSource)).toThrow(
      new WeightError('createSession: options.weights must be a WeightSource, got undefined'),
    );
    expect(() => checkWeights(graph, new Map() as unknown as WeightSource)).toThrow(
      new WeightError('createSession: options.weights must be a WeightSource, got Map'),
    );
  });

  it('hints at no prefix that is not the reason', () => {
    const partly = { ...prefixed('module.', MODEL), other: [1] };
    expect(() => check(MODEL, partly)).toThrow(/^(?!.*every name)/s);
    const head = { 'fc.weight': [10, 8], 'fc.bias': [10] };
    expect(() => check(MODEL, head)).toThrow(/^(?!.*every name)/s);
    expect(() => check(MODEL, {})).toThrow(/^(?!.*every name)/s);
  });
});

describe('nonFiniteWarning', () => {
  it.each([
    [[NaN], 'weight "w" holds 1 value(s) that are NaN or infinite'],
    [[1, -Infinity, Infinity], 'weight "w" holds 2 value(s) that are NaN or infinite'],
    [[0, 1, NaN, 2, Infinity, NaN, NaN], 'weight "w" holds 4 value(s) that are NaN or infinite'],
  ])('counts in %j', (values, warning) => {
    expect(nonFiniteWarning('w', Float32Array.from(values))).toBe(warning);
  });

  it('is silent for finite values, the extreme ones too', () => {
    const finite = [0, -0, 1e-45, 3.4028234663852886e38, -3.4028234663852886e38];
    expect(nonFiniteWarning('w', Float32Array.from(finite))).toBeUndefined();
    expect(nonFiniteWarning('w', new Float32Array(0))).toBeUndefined();
  });
});

describe('overflowWarning', () => {
  it('counts finite values beyond 65504, the largest f16', () => {
    const values = Float32Array.of(65504, -65504, 65505, -1e30, Infinity, -Infinity, NaN, 0);
    expect(overflowWarning('w', values)).toBe(
      'weight "w" holds 2 value(s) beyond the range of f16, which are stored as 65504',
    );
  });

  it('is silent where there are none', () => {
    expect(overflowWarning('w', Float32Array.of(65504, Infinity, NaN))).toBeUndefined();
  });
});
