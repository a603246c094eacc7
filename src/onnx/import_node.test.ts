import { describe, expect, it } from 'vitest';
import { float, int, ints, onnxNode, readNode, text } from '../../test/fixtures/onnx_model.ts';
import { AttributeProto_AttributeType } from '../../test/fixtures/onnx_schema/onnx_pb.ts';
import { GraphBuilder } from '../runtime/graph_builder.ts';
import type { Attribute } from './attribute.ts';
import { axisOf, ImportCall, numberOf, type Place } from './import_node.ts';
import { constant } from './tensor.ts';

function callWith(attribute: Attribute, place: Partial<Place> = {}, name = 'a'): ImportCall {
  return new ImportCall(readNode(onnxNode('Op', 'x', 'y', { [name]: attribute })), {
    opset: 17,
    name: 'node',
    g: GraphBuilder.create(),
    inputs: [],
    weight: () => {
      throw new Error('no attribute is a weight');
    },
    derived: (_, made) => made,
    tensor: () => constant([], [0], 'float32'),
    spend: () => true,
    ...place,
  });
}

describe('ImportCall', () => {
  it.each([0.1, 0.3, 1e-5, 1e-12, 0.75, 1, 16777216, 1.1754944e-38, 3.4028235e38, -0.2])(
    'reads the decimal that a float was meant to be: %d',
    (value) => {
      expect(callWith(float(Math.fround(value))).float('a', 5)).toBe(value);
    },
  );

  it('reads a float that no short decimal gives as it is', () => {
    // 2^-14 more than 1000, where decimals of eight digits are 10^-4 apart.
    const value = 1000 + 2 ** -14;
    expect(callWith(float(value)).float('a', 5)).toBe(value);
  });

  it('gives what is there of an attribute, or what is usual', () => {
    expect(callWith(int(3)).int('a', 5)).toBe(3);
    expect(callWith(int(3)).int('b', 5)).toBe(5);
    expect(callWith(float(3)).float('b', 0.5)).toBe(0.5);
    expect([0, 1, 2].map((i) => callWith(int(i)).flag('a'))).toEqual([false, true, false]);
    expect([callWith(int(0)).flag('b'), callWith(int(0)).flag('b', true)]).toEqual([false, true]);
    expect(callWith(ints(1, -2)).ints('a')).toEqual([1, -2]);
    expect(callWith(ints(1)).ints('b')).toBeUndefined();
    expect(callWith(ints(2 ** 62)).bounds('a')).toEqual([2 ** 62]);
    expect(callWith(text('ü')).text('a')).toBe('ü');
    expect(callWith(text('ü')).text('b')).toBe('');
    expect(callWith(text('two')).choice('a', 'one', 'two')).toBe('two');
    expect(callWith(text('two')).choice('b', 'one', 'two')).toBe('one');
    expect(callWith(int(-1), {}, 'axis').axis(0, 3)).toBe(2);
    expect(callWith(int(-1)).axis(1, 3)).toBe(1);
    expect([callWith(int(0)).has('a'), callWith(int(0)).has('b')]).toEqual([true, false]);
  });

  it('reads attributes of files that do not say their type', () => {
    const { node, place } = callWith(int(7));
    const attribute = node.attribute.map((one) => ({
      ...one,
      type: AttributeProto_AttributeType.UNDEFINED,
    }));
    expect(new ImportCall({ ...node, attribute }, place).int('a', 0)).toBe(7);
  });

  it.each<[what: string, read: (call: ImportCall) => unknown, given: Attribute, why: string]>([
    ['another type', (call) => call.int('a', 0), float(1), 'attribute a has another type than INT'],
    ['a list', (call) => call.float('a', 0), ints(1), 'attribute a has another type than FLOAT'],
    ['no list', (call) => call.ints('a'), int(1), 'attribute a has another type than INTS'],
    ['no text', (call) => call.text('a'), int(1), 'attribute a has another type than STRING'],
    ['no tensor', (call) => call.tensor('a'), int(1), 'attribute a has another type than TENSOR'],
    ['no floats', (call) => call.floats('a'), int(1), 'attribute a has another type than FLOATS'],
    [
      'a large number',
      (call) => call.int('a', 0),
      int(2 ** 53),
      'attribute a is 9007199254740992, beyond any size',
    ],
    [
      'large numbers',
      (call) => call.ints('a'),
      ints(0, -(2 ** 60)),
      'attribute a is -1152921504606846976, beyond any size',
    ],
    [
      'a word',
      (call) => call.choice('a', 'one', 'two'),
      text('x'.repeat(101)),
      `a is ${'x'.repeat(100)}...; one, two are read`,
    ],
  ])('refuses %s', (_, read, given, message) => {
    const error = expect.objectContaining({ name: 'UnsupportedError', message });
    expect(() => read(callWith(given))).toThrow(error);
  });

  it('reads inputs that are known, of as many numbers as there may be', () => {
    const g = GraphBuilder.create();
    const input = g.input('x', [2]);
    const made = g.at('node');
    const long = constant([65], Array(65).fill(1), 'int64');
    const call = callWith(int(1), {
      inputs: [
        { constant: constant([2], [4, 5], 'int64'), type: 'int64' },
        { value: input, type: 'float32' },
        undefined,
        { value: { ...input, kind: 'activation', name: made.named('x').name }, type: 'float32' },
        { constant: long, type: 'int64' },
      ],
    });
    expect([call.numbers(0, 'list'), call.shape(0), call.shape(1)]).toEqual([[4, 5], [2], [2]]);
    expect(call.numbersIfGiven(2, 'list')).toBeUndefined();
    expect(call.numbers(4, 'list', 65)).toHaveLength(65);
    const refusals = [
      () => call.operand(2),
      () => call.operand(9),
      () => call.known(1, 'the list'),
      () => call.known(3, 'the list'),
      () => call.numbers(4, 'list'),
    ].map((read) => {
      try {
        return read();
      } catch (error) {
        return error instanceof Error ? error.message : '';
      }
    });
    expect(refusals).toEqual([
      'input 2 is missing',
      'input 9 is missing',
      'the list "x" must be known when the model is loaded; it is an input of the model: give it once, as one of the constants',
      'the list "node" must be known when the model is loaded; it is computed',
      'expected at most 64 numbers, got [65]',
    ]);
  });

  it('does not read more at once than may be computed', () => {
    const spent: number[] = [];
    const spend = (count: number) => spent.push(count) === 1;
    const known = { ...constant([2, 3], [1, 2, 3, 4, 5, 6], 'float32'), work: 10 };
    const inputs = [{ constant: known, type: 'float32' as const }];
    const call = callWith(int(1), { inputs, spend });
    expect([...call.data(0, 'it')]).toEqual([1, 2, 3, 4, 5, 6]);
    expect(() => call.data(0, 'it')).toThrow('it of 6 elements would be computed');
    expect(spent).toEqual([16, 16]);
  });
});

describe('axisOf', () => {
  it.each([
    [0, 1, 0],
    [2, 3, 2],
    [-1, 3, 2],
    [-3, 3, 0],
    // A number has one axis, as ONNX counts.
    [0, 0, 0],
  ])('%i of %i is %i', (axis, rank, expected) => {
    expect(axisOf(axis, rank)).toBe(expected);
  });

  it.each([
    [3, 3],
    [-4, 3],
    [1, 0],
    [-1, 0],
    [0.5, 2],
  ])('refuses %d of %i', (axis, rank) => {
    expect(() => axisOf(axis, rank)).toThrow(`axis ${axis} is not an axis of ${rank}`);
  });
});

describe('numberOf', () => {
  it('is the number of a constant of one element, of any rank', () => {
    const of = (shape: readonly number[], ...values: number[]) =>
      numberOf({ constant: constant(shape, values, 'float32'), type: 'float32' });
    expect([of([], 7), of([1, 1], 8), of([2], 1, 2), of([0]), numberOf(undefined)]).toEqual([
      7,
      8,
      undefined,
      undefined,
      undefined,
    ]);
    const value = GraphBuilder.create().input('x', [1]);
    expect(numberOf({ value, type: 'float32' })).toBeUndefined();
  });
});
