import { describe, expect, it } from 'vitest';
import * as f from '../../../shaders/lib/expression_functions.ts';
import { Random, seeds } from '../../../test/fixtures/random.ts';
import { randomGraph } from '../../../test/fixtures/random_graph.ts';
import { relu } from '../../layers/activations.ts';
import { add, binary } from '../../layers/arithmetic.ts';
import { concat } from '../../layers/concat.ts';
import { flatten } from '../../layers/flatten.ts';
import { slice } from '../../layers/rearrange.ts';
import { ANY_GPU } from '../device_profile.ts';
import type { Node, Value } from '../graph.ts';
import { GraphBuilder } from '../graph_builder.ts';
import { assignLayouts } from '../passes/assign_layouts.ts';
import type { TensorDesc } from '../tensor.ts';
import { compile } from './compile.ts';
import { lowerBoundOf, planMemory } from './memory_plan.ts';
import { overwrittenInputs } from './overwriting.ts';
import { selectKernel } from './select_kernels.ts';
import { liveness } from './storage.ts';

const SHAPE = [1, 2, 3, 4];

function overwritable(node: Node): readonly string[] {
  return selectKernel(node, ANY_GPU).overwrites;
}

/** `{ layer: role }` of what is written over in a graph whose outputs are what `build` returns. */
function chosen(build: (g: GraphBuilder, x: Value) => readonly Value[]): object {
  const g = GraphBuilder.create();
  build(g, g.input('x', SHAPE)).forEach((value, i) => {
    g.output(`y${i}`, value);
  });
  const graph = assignLayouts(g.build('test'), ANY_GPU);
  const found = [...overwrittenInputs(graph, overwritable)];
  return Object.fromEntries(found.map(([{ name }, role]) => [name, role]));
}

describe('overwrittenInputs', () => {
  it('has a chain work in the memory of its first result', () => {
    expect(chosen((g, x) => [relu(g.at('c'), relu(g.at('b'), relu(g.at('a'), x)))])).toEqual({
      b: 'x0',
      c: 'x0',
    });
  });

  it('takes the side of a sum that dies there', () => {
    const sum = (first: boolean) =>
      chosen((g, x) => {
        const a = relu(g.at('a'), x);
        const b = relu(g.at('b'), x);
        const y = add(g.at('sum'), first ? a : b, first ? b : a);
        return [y, a];
      });
    expect(sum(true)).toEqual({ sum: 'x1' });
    expect(sum(false)).toEqual({ sum: 'x0' });
  });

  it('leaves inputs and outputs of the graph alone', () => {
    expect(
      chosen((g, x) => {
        const middle = relu(g.at('middle'), x);
        return [relu(g.at('last'), middle), middle];
      }),
    ).toEqual({});
  });

  it('leaves what is read later alone, also under another shape', () => {
    expect(
      chosen((g, x) => {
        const a = relu(g.at('a'), x);
        const flat = flatten(g.at('flat'), a);
        const b = relu(g.at('b'), a);
        return [b, relu(g.at('c'), flat)];
      }),
    ).toEqual({ c: 'x0' });
  });

  it('leaves what an input of the graph is seen as alone', () => {
    expect(chosen((g, x) => [relu(g.at('a'), flatten(g.at('flat'), x))])).toEqual({});
  });

  it('writes over what an expression names twice, and not over what is bound twice', () => {
    expect(
      chosen((g, x) => {
        const a = relu(g.at('a'), x);
        return [add(g.at('sum'), a, a)];
      }),
    ).toEqual({ sum: 'x0' });
    const g = GraphBuilder.create();
    const x = g.input('x', SHAPE);
    const a = relu(g.at('a'), x);
    g.output('y', add(g.at('sum'), a, x));
    const graph = g.build('test');
    const nodes = graph.nodes.map((node) =>
      node.name === 'sum' ? { ...node, inputs: { x0: a, x1: a } } : node,
    );
    expect([...overwrittenInputs({ ...graph, nodes }, overwritable)]).toEqual([]);
  });

  it('does not write over what is repeated', () => {
    const repeated = (swap: boolean) =>
      chosen((g, x) => {
        const [batch = 1] = SHAPE;
        const scale = relu(g.at('scale'), g.input('scale', [batch, 2, 1, 1]));
        const map = relu(g.at('map'), x);
        return [binary(g.at('y'), f.mul, swap ? scale : map, swap ? map : scale)];
      });
    expect(repeated(false)).toEqual({ y: 'x0' });
    expect(repeated(true)).toEqual({ y: 'x1' });
  });

  it('does not write over part of something larger, nor from there', () => {
    expect(
      chosen((g, x) => {
        const a = relu(g.at('a'), x);
        const part = slice(g.at('part'), a, 1, 1);
        return [relu(g.at('b'), part)];
      }),
    ).toEqual({});
    expect(
      chosen((g, x) => {
        const [a, b] = [relu(g.at('a'), x), relu(g.at('b'), x)];
        return [concat(g.at('cat'), [relu(g.at('c'), a), relu(g.at('d'), b)])];
      }),
    ).toEqual({});
  });

  it('does not write over another type, or what is of another size', () => {
    const found = (change: Partial<TensorDesc>) => {
      const g = GraphBuilder.create();
      g.output('y', relu(g.at('b'), relu(g.at('a'), g.input('x', SHAPE))));
      const graph = g.build('test');
      const nodes = graph.nodes.map((node) => {
        if (node.name !== 'b') return node;
        return { ...node, output: { ...node.output, desc: { ...node.output.desc, ...change } } };
      });
      return overwrittenInputs({ ...graph, nodes }, () => ['x0']).size;
    };
    expect(found({})).toBe(1);
    expect(found({ shape: [24] })).toBe(1);
    expect(found({ shape: [1, 2, 3, 2] })).toBe(0);
    // As many bytes, of half the size each.
    expect(found({ dtype: 'f16', shape: [1, 2, 3, 8] })).toBe(0);
  });

  it('writes over the whole under another shape', () => {
    expect(
      chosen((g, x) => {
        const flat = flatten(g.at('flat'), relu(g.at('a'), x));
        return [relu(g.at('b'), flat)];
      }),
    ).toEqual({ b: 'x0' });
  });

  it('never needs more memory at once, and often less (random graphs)', () => {
    let less = 0;
    for (const seed of seeds(50)) {
      const graph = assignLayouts(randomGraph(new Random(seed), 25), ANY_GPU);
      const apart = planMemory(liveness(graph).storages);
      const plan = compile(graph, { device: ANY_GPU });
      const written = overwrittenInputs(graph, overwritable);
      const shared = liveness(graph, () => undefined, written);
      expect(lowerBoundOf(shared)).toBeLessThanOrEqual(lowerBoundOf(apart));
      expect(plan.activations.storages.some(({ overwrittenBy }) => overwrittenBy)).toBe(
        written.size > 0,
      );
      if (planMemory(shared.storages).bytes < apart.bytes) less++;
    }
    expect(less).toBeGreaterThan(10);
  });
});
