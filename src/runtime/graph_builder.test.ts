import { describe, expect, it } from 'vitest';
import { relu } from '../layers/activations.ts';
import { add } from '../layers/arithmetic.ts';
import { conv2d } from '../layers/conv2d.ts';
import { ShapeError } from './errors.ts';
import { GraphBuilder } from './graph_builder.ts';

describe('GraphBuilder', () => {
  it('names nodes and weights by its path', () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [1, 3, 4, 4]);
    const y = conv2d(g.at('layer1').at(0).at('conv2'), x, { channels: 2, kernel: 1 });
    g.output('y', y);
    const [node] = g.build('test').nodes;
    expect(node?.name).toBe('layer1.0.conv2');
    expect(node?.output.name).toBe('layer1.0.conv2');
    expect(node?.inputs.weight?.name).toBe('layer1.0.conv2.weight');
  });

  it('names nodes without a path by their operator, and counts those of one name', () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [1, 3]);
    g.output('y', relu(g, relu(g, relu(g, x))));
    expect(g.build('test').nodes.map(({ name }) => name)).toEqual([
      'pointwise',
      'pointwise#2',
      'pointwise#3',
    ]);
  });

  it('gives the same weight for the same name, so that layers can share', () => {
    const g = GraphBuilder.create();
    expect(g.at('a').weight('w', [2])).toBe(g.at('a').weight('w', [2]));
    expect(g.at('a').weight('w', [2])).not.toBe(g.at('b').weight('w', [2]));
  });

  it('refuses a shared weight where it does not fit, with the name of the layer', () => {
    const g = GraphBuilder.create();
    const shared = g.at('layer1').at(0).at('conv2');
    const options = { channels: 64, kernel: 3, padding: 1 };
    conv2d(shared, g.input('small', [1, 64, 56, 56]), options);
    expect(() => conv2d(shared, g.input('large', [1, 128, 56, 56]), options)).toThrow(
      expect.objectContaining({
        name: 'ShapeError',
        message:
          'weight "layer1.0.conv2.weight" is [64, 64, 3, 3] already, got [64, 128, 3, 3]; give the layer a path of its own',
      }),
    );
  });

  it('takes an operator that leaves out how its output is stored', () => {
    const g = GraphBuilder.create();
    const op = { name: 'half', inferShape: () => ({ shape: [2] }) as never, candidates: () => [] };
    expect(g.add(op, {}, {}).desc).toEqual({ shape: [2], dtype: 'f32' });
    const none = { ...op, inferShape: () => undefined as never };
    expect(() => g.at('layer').add(none, {}, {})).toThrow(
      `the output of half "layer"'s extents must be positive integers, got undefined`,
    );
  });

  it('builds nodes in the order in which they were added, and outputs by name', () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [1, 3]);
    const a = relu(g.at('a'), x);
    const b = add(g.at('b'), a, x);
    g.output('sum', b);
    g.output('rectified', a);
    const graph = g.build('test');
    expect(graph.name).toBe('test');
    expect(graph.inputs).toEqual([x]);
    expect(graph.nodes.map(({ name }) => name)).toEqual(['a', 'b']);
    expect([...graph.outputs]).toEqual([
      ['sum', b],
      ['rectified', a],
    ]);
  });

  it('keeps a graph that was built as it is', () => {
    const g = GraphBuilder.create();
    const y = relu(g, g.input('x', [1, 3]));
    g.output('y', y);
    const graph = g.build('test');
    g.output('z', relu(g, y));
    g.input('other', [1]);
    expect(graph.nodes).toHaveLength(1);
    expect(graph.outputs.size).toBe(1);
    expect(graph.inputs).toHaveLength(1);
  });

  it('refuses a graph without outputs', () => {
    const g = GraphBuilder.create();
    relu(g, g.input('x', [1, 3]));
    expect(() => g.build('test')).toThrow(new ShapeError('graph "test" has no output'));
  });

  it('refuses an output that no node computes', () => {
    const g = GraphBuilder.create();
    expect(() => g.output('y', g.input('x', [1, 3]))).toThrow(
      'output "y" must be a value of this GraphBuilder that a node makes, got Object',
    );
    expect(() => g.output('y', g.weight('w', [1, 3]))).toThrow(
      'must be a value of this GraphBuilder that a node makes',
    );
  });

  it('refuses two outputs of one name', () => {
    const g = GraphBuilder.create();
    const y = relu(g, g.input('x', [1, 3]));
    g.output('y', y);
    expect(() => g.output('y', y)).toThrow('output "y" was named twice');
  });
});
