import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import {
  type GraphInit,
  onnxInput as input,
  onnxFile as model,
  onnxNode as node,
  onnxTensor as tensor,
} from '../../test/fixtures/onnx_model.ts';
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  TensorProtoSchema,
} from '../../test/fixtures/onnx_schema/onnx_pb.ts';
import { findOnnxRuntime, runOnnxRuntime } from '../../test/fixtures/onnxruntime.ts';
import { runReference } from '../reference.ts';
import { ANY_GPU } from '../runtime/device_profile.ts';
import { prepare } from '../runtime/prepare.ts';
import type { Shape } from '../runtime/tensor.ts';
import { loadOnnx } from './import.ts';

const X = Float32Array.of(-1, 3);

interface LoopCase {
  readonly what: string;
  readonly body: GraphInit;
  /** Of the loop; `n` turns, `on`, and `x`, [2], are there. */
  readonly inputs: string;
  readonly outputs?: readonly string[];
  readonly after?: GraphInit['node'];
  readonly turns?: number;
  readonly expected: readonly number[];
  readonly shape: Shape;
}

const NUMBER = 7;
const TRUTH = 9;
const keep = node('Identity', 'going', 'goes');
const turn = [input('i', [], NUMBER), input('going', [], TRUTH)];
const named = (names: readonly string[]) => names.map((name) => ({ name }));
/** i and what is given, to the condition and what is given on. */
const body = (
  nodes: NonNullable<GraphInit['node']>,
  carried: readonly string[],
  outputs: readonly string[],
  initializer: NonNullable<GraphInit['initializer']> = [],
): GraphInit => ({
  node: nodes.some(({ output }) => output?.includes('goes')) ? nodes : [keep, ...nodes],
  input: [...turn, ...named(carried)],
  output: [input('goes', [], TRUTH), ...named(outputs)],
  initializer,
});

const count = node('Cast', 'i', 'f', { to: { int: 1 } });
const CASES: readonly LoopCase[] = [
  {
    what: 'a value that goes round, with what is around it',
    body: body(
      [node('Add', 'v x', 'u'), node('Mul', 'u half', 'w')],
      ['v'],
      ['w'],
      [tensor('half', [], [0.5])],
    ),
    inputs: 'n on x',
    expected: [-1, 3],
    shape: [2],
  },
  {
    what: 'rows of values',
    body: body(
      [count, node('Mul', 'v f', 'w'), node('Identity', 'v', 'same')],
      ['v'],
      ['same', 'w'],
    ),
    inputs: 'n on x',
    outputs: ['last', 'y'],
    expected: [0, 0, -1, 3, -2, 6],
    shape: [3, 2],
  },
  {
    what: 'rows of constants, some of which are values at other turns',
    body: body(
      [node('Identity', 'x', 'next'), node('Identity', 'v', 'row')],
      ['v'],
      ['next', 'row'],
    ),
    inputs: 'n on first',
    outputs: ['last', 'y'],
    expected: [5, 6, -1, 3, -1, 3],
    shape: [3, 2],
  },
  {
    what: 'a range, as it is written out',
    body: body(
      [node('Add', 'v two', 'next'), node('Identity', 'v', 'row')],
      ['v'],
      ['next', 'row'],
    ),
    inputs: 'n on two',
    outputs: ['last', 'rows'],
    after: [node('Reshape', 'rows column', 'r'), node('Add', 'x r', 'y')],
    expected: [1, 5, 3, 7, 5, 9],
    shape: [3, 2],
  },
  {
    what: 'a condition that ends',
    body: body([node('Less', 'i one', 'goes'), node('Add', 'v x', 'w')], ['v'], ['w']),
    inputs: '_ on x',
    expected: [-3, 9],
    shape: [2],
  },
  {
    what: 'no turn',
    body: body([node('Add', 'v x', 'w')], ['v'], ['w']),
    inputs: 'n on x',
    turns: 0,
    expected: [-1, 3],
    shape: [2],
  },
];

/** onnxruntime wants all outputs named. */
const UNREAD: readonly LoopCase[] = [0, 2].map((turns) => ({
  what: `${turns} turns, and rows that nothing reads`,
  body: body(
    [node('Identity', 'x', 'next'), node('Range', 'zero i step', 'row')],
    ['v'],
    ['next', 'row'],
    [tensor('zero', [], [0], 'integer'), tensor('step', [], [1], 'integer')],
  ),
  inputs: 'n on first',
  outputs: ['last'],
  after: [node('Add', 'last x', 'y')],
  turns,
  expected: turns === 0 ? [4, 9] : [-2, 6],
  shape: [2],
}));

/** A node that holds a matrix, [2, 2]. */
const held = {
  ...node('Constant', '', 'held'),
  input: [],
  attribute: [
    create(AttributeProtoSchema, {
      name: 'value',
      type: AttributeProto_AttributeType.TENSOR,
      t: create(TensorProtoSchema, tensor('', [2, 2], [1, 2, 3, 4])),
    }),
  ],
};

type LoopFile = Pick<LoopCase, 'body' | 'inputs'> & Partial<LoopCase>;

function fileOf({ body, inputs, outputs = ['y'], after = [], turns = 3 }: LoopFile): Uint8Array {
  const attribute = [
    create(AttributeProtoSchema, {
      name: 'body',
      type: AttributeProto_AttributeType.GRAPH,
      g: create(GraphProtoSchema, { name: 'body', ...body }),
    }),
  ];
  const loop = { ...node('Loop', inputs, ''), output: [...outputs], attribute };
  // A graph gives back what nodes compute.
  const last = after.length > 0 ? after : [node('Identity', outputs.at(-1) ?? '', 'result')];
  return model({
    node: [loop, ...last],
    initializer: [
      ...[tensor('n', [], [turns], 'integer'), tensor('on', [], [1], 'bool')],
      ...[tensor('one', [], [1], 'integer'), tensor('two', [], [2])],
      ...[tensor('first', [2], [5, 6]), tensor('column', [2], [3, 1], 'integer')],
    ],
    input: [input('x', [2])],
    output: named([after.length > 0 ? 'y' : 'result']),
  });
}

describe('a loop whose turns are known', () => {
  const onnxruntime = findOnnxRuntime();

  it.each([...CASES, ...UNREAD])('is read turn by turn: $what', async (one) => {
    const bytes = fileOf(one);
    const { graph, weights } = loadOnnx(bytes);
    const [output] = graph.outputs.values();
    expect(output?.desc.shape).toEqual(one.shape);
    const values = runReference(graph, weights, { x: X });
    // + 0, since -0 is another to the test.
    expect(Array.from((output && values.get(output)) ?? [], (v) => v + 0)).toEqual(one.expected);
    if (!onnxruntime || UNREAD.includes(one)) return;
    const results = await runOnnxRuntime(onnxruntime, bytes, { x: { data: X, shape: [2] } });
    const [y] = Object.values(results);
    expect(y?.dims).toEqual(one.shape);
    expect(Array.from(y?.data ?? [], (v) => v + 0)).toEqual(one.expected);
  });
});

describe('a constant of the body of a loop', () => {
  const product = [node('MatMul', 'u matrix', 'p'), node('Add', 'p row', 'w')];
  const nodes = [held, node('Transpose', 'held', 'matrix'), ...product];
  const inner = body(nodes, ['u'], ['w'], [tensor('row', [2], [1, 2])]);
  const attribute = [
    create(AttributeProtoSchema, {
      name: 'body',
      type: AttributeProto_AttributeType.GRAPH,
      g: create(GraphProtoSchema, inner),
    }),
  ];
  const loop = { ...node('Loop', 'n on v', 't'), attribute };

  it.each([
    ['in it', inner],
    ['in a loop in it', body([loop], ['v'], ['t'])],
  ])('is one weight, whatever the turns: %s', (_, of) => {
    const weightsOf = (turns: number) => {
      const bytes = fileOf({ body: of, inputs: 'n on x', turns });
      const { graph, weights } = loadOnnx(bytes);
      const { plan } = prepare(graph, { device: ANY_GPU });
      return { names: [...(weights.tensors?.keys() ?? [])], bytes: plan.memory.weights };
    };
    const once = weightsOf(1);
    expect(once.names).toHaveLength(2);
    expect(weightsOf(7)).toEqual(once);
  });
});

describe('a loop', () => {
  const refusal = (one: LoopFile) => () => loadOnnx(fileOf(one));

  it('is refused where its turns are computed', () => {
    const turning = body([node('Add', 'v x', 'w')], ['v'], ['w']);
    expect(refusal({ body: turning, inputs: 'x on x' })).toThrow(/how often it turns is computed/);
    const most = node('ReduceMax', 'w', 'most');
    const nodes = [node('Add', 'v x', 'w'), most, node('Less', 'most two', 'goes')];
    const asked = body(nodes, ['v'], ['w']);
    expect(refusal({ body: asked, inputs: 'n on x' })).toThrow(/how often it turns is computed/);
  });

  it('is refused where it does not end, also in another', () => {
    const message = /the turns of loops have more than 16384 nodes/;
    expect(refusal({ body: body([], [], []), inputs: '_ on' })).toThrow(message);
    const inner = create(AttributeProtoSchema, {
      name: 'body',
      type: AttributeProto_AttributeType.GRAPH,
      g: create(GraphProtoSchema, body([node('Identity', 'v', 'w')], ['v'], ['w'])),
    });
    const loop = { ...node('Loop', 'n on u', 't'), attribute: [inner] };
    const outer = body([loop], ['u'], ['t']);
    expect(refusal({ body: outer, inputs: 'n on x', turns: 200 })).toThrow(message);
  });

  it('says once what its body cannot', () => {
    const magic = body([node('Magic', 'v', 'w')], ['v'], ['w']);
    expect(refusal({ body: magic, inputs: 'n on x' })).toThrow(
      /: 1 of its parts .*\n {2}Magic \(1\)/,
    );
  });

  it('is refused where rows are not of one shape, or where there is none', () => {
    const growing = body(
      [node('Concat', 'v x', 'w', { axis: { int: 0 } }), node('Identity', 'v', 'row')],
      ['v'],
      ['w', 'row'],
    );
    const outputs = ['last', 'y'];
    expect(refusal({ body: growing, inputs: 'n on x', outputs })).toThrow(
      /stacks what is not of one shape: \[2\], \[4\], \[6\]/,
    );
    expect(refusal({ body: growing, inputs: 'n on x', outputs, turns: 0 })).toThrow(
      /stacks what no turn gives/,
    );
  });
});
