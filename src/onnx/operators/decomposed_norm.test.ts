import { describe, expect, it } from 'vitest';
import {
  onnxNode as node,
  onnxFile,
  onnxInput,
  onnxTensor as tensor,
} from '../../../test/fixtures/onnx_model.ts';
import { layerNorm } from '../../layers/normalize.ts';
import { prepare } from '../../prepare.ts';
import { runReference } from '../../reference.ts';
import { ANY_GPU } from '../../runtime/device_profile.ts';
import type { Graph } from '../../runtime/graph.ts';
import { GraphBuilder } from '../../runtime/graph_builder.ts';
import { syntheticWeights } from '../../runtime/weights/synthetic.ts';
import { exportOnnx } from '../export.ts';
import { loadOnnx } from '../import.ts';

const EPSILON = 0.25;
const SHAPE = [2, 2, 3, 2];
const X = Array.from({ length: 24 }, (_, i) => ((i * 7) % 11) - 4 + i / 8);

type Nodes = readonly ReturnType<typeof node>[];
const constants = [tensor('e', [], [EPSILON]), tensor('two', [], [2]), tensor('power', [], [-0.5])];

const mean = (x: string, y: string, ...axes: number[]) =>
  node('ReduceMean', x, y, { axes: { ints: axes } });
const centred = (...axes: number[]): Nodes => [mean('x', 'm', ...axes), node('Sub', 'x m', 'r')];
const root = [node('Add', 'v e', 's'), node('Sqrt', 's', 'd')];

function read(nodes: Nodes): { readonly graph: Graph; readonly y: readonly number[] } {
  const bytes = onnxFile({
    node: [...nodes],
    initializer: constants,
    input: [onnxInput('x', SHAPE)],
    output: [{ name: 'y' }],
  });
  const { graph, weights } = loadOnnx(bytes);
  const values = runReference(graph, weights, { x: Float32Array.from(X) });
  const output = graph.outputs.get('y');
  return { graph, y: [...((output && values.get(output)) ?? [])] };
}

/** By the definition, over all elements whose indices agree but for those along the axes. */
function expected(axes: readonly number[], isCentred = true, of = X): readonly number[] {
  const rowOf = (i: number) => {
    const index = [Math.floor(i / 12), Math.floor(i / 6) % 2, Math.floor(i / 2) % 3, i % 2];
    return index.map((at, axis) => (axes.includes(axis) ? 0 : at)).join();
  };
  const average = (values: readonly number[]) =>
    values.reduce((sum, v) => sum + v, 0) / values.length;
  return of.map((x, i) => {
    const row = of.filter((_, j) => rowOf(j) === rowOf(i));
    const centre = isCentred ? average(row) : 0;
    return (x - centre) / Math.sqrt(average(row.map((v) => (v - centre) ** 2)) + EPSILON);
  });
}

/** Both are f64, of inputs that f32 holds. */
function expectClose(y: readonly number[], wanted: readonly number[]): void {
  expect(y).toHaveLength(wanted.length);
  for (const [i, value] of wanted.entries()) expect(y[i]).toBeCloseTo(value, 9);
}

describe('a normalisation that is written step by step', () => {
  it.each<[string, Nodes, readonly number[], boolean?]>([
    [
      'by pow, as PyTorch writes layer norm',
      [
        ...centred(-1),
        node('Pow', 'r two', 'q'),
        mean('q', 'v', -1),
        ...root,
        node('Div', 'r d', 'y'),
      ],
      [3],
    ],
    [
      'of channels, with a product',
      [...centred(1), node('Mul', 'r r', 'q'), mean('q', 'v', 1), ...root, node('Div', 'r d', 'y')],
      [1],
    ],
    [
      'of planes, whose means are pooled',
      [
        ...centred(2, 3),
        node('Mul', 'r r', 'q'),
        mean('q', 'v', 2, 3),
        ...root,
        node('Div', 'r d', 'y'),
      ],
      [2, 3],
    ],
    [
      'by a reciprocal, on the left',
      [
        ...centred(1, 2, 3),
        node('Mul', 'r r', 'q'),
        mean('q', 'v', 1, 2, 3),
        node('Add', 'e v', 's'),
        node('Sqrt', 's', 'd'),
        node('Reciprocal', 'd', 'i'),
        node('Mul', 'i r', 'y'),
      ],
      [1, 2, 3],
    ],
    [
      'by powers of a half',
      [
        ...centred(3),
        node('Pow', 'r two', 'q'),
        mean('q', 'v', 3),
        node('Add', 'v e', 's'),
        node('Pow', 's power', 'i'),
        node('Mul', 'r i', 'y'),
      ],
      [3],
    ],
    [
      'by the root mean square',
      [node('Mul', 'x x', 'q'), mean('q', 'v', 3), ...root, node('Div', 'x d', 'y')],
      [3],
      false,
    ],
  ])('%s is one node', (_, nodes, axes, isCentred = true) => {
    const { graph, y } = read(nodes);
    expect(graph.nodes.map(({ op }) => op.name)).toEqual(['normalize']);
    expectClose(y, expected(axes, isCentred));
  });

  it('leaves what others read of it', () => {
    const nodes = [
      ...centred(3),
      node('Mul', 'r r', 'q'),
      mean('q', 'v', 3),
      ...root,
      node('Div', 'r d', 'n'),
    ];
    const { graph } = read([...nodes, node('Add', 'n m', 'y')]);
    expect(graph.nodes.map(({ op }) => op.name).sort()).toEqual([
      'normalize',
      'pointwise',
      'reduce',
    ]);
  });

  it.each<[string, Nodes]>([
    [
      'an epsilon after the root',
      [
        ...centred(3),
        node('Mul', 'r r', 'q'),
        mean('q', 'v', 3),
        node('Sqrt', 'v', 's'),
        node('Add', 's e', 'd'),
        node('Div', 'r d', 'y'),
      ],
    ],
    [
      'squares of something else',
      [...centred(3), node('Mul', 'r x', 'q'), mean('q', 'v', 3), ...root, node('Div', 'r d', 'y')],
    ],
    [
      'means of other axes of what is not centred there',
      [...centred(3), node('Mul', 'r r', 'q'), mean('q', 'v', 3), ...root, node('Div', 'x d', 'y')],
    ],
    [
      'axes that lie apart',
      [
        ...centred(1, 3),
        node('Mul', 'r r', 'q'),
        mean('q', 'v', 1, 3),
        ...root,
        node('Div', 'r d', 'y'),
      ],
    ],
    [
      'cubes',
      [...centred(3), node('Pow', 'r e', 'q'), mean('q', 'v', 3), ...root, node('Div', 'r d', 'y')],
    ],
  ])('of %s is not one', (_, nodes) => {
    expect(read(nodes).graph.nodes.map(({ op }) => op.name)).not.toContain('normalize');
  });

  it('over other axes than those of the mean is that of the root mean square', () => {
    const { graph, y } = read([
      ...centred(3),
      node('Mul', 'r r', 'q'),
      mean('q', 'v', 1),
      ...root,
      node('Div', 'r d', 'y'),
    ]);
    const apart = graph.nodes.map(({ attributes }) => attributes);
    expect(apart).toContainEqual(expect.objectContaining({ from: 1, to: 2, centred: false }));
    const rest = X.map((x, i) => x - ((X[i - (i % 2)] ?? 0) + (X[i - (i % 2) + 1] ?? 0)) / 2);
    expectClose(y, expected([1], false, rest));
  });
});

it('a layer norm of channels takes as many dispatches when it was written and read', () => {
  const g = GraphBuilder.create();
  const x = g.input('x', [1, 8, 4, 4]);
  g.output('y', layerNorm(g.at('norm'), x, { from: 1, to: 2 }));
  const built = g.build('norm');
  const { graph } = loadOnnx(exportOnnx(built, syntheticWeights([])));
  const dispatches = (of: Graph): number => prepare(of, { device: ANY_GPU }).plan.dispatches.length;
  expect(dispatches(graph)).toBe(dispatches(built));
});
