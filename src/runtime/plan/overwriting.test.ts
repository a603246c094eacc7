import { describe, expect, it } from 'vitest';
import { profileOf } from '../../../test/fixtures/profiles.ts';
import { Random, seeds } from '../../../test/fixtures/random.ts';
import { randomGraph } from '../../../test/fixtures/random_graph.ts';
import { add } from '../../layers/add.ts';
import { binary } from '../../layers/binary.ts';
import { concat } from '../../layers/concat.ts';
import { flatten } from '../../layers/flatten.ts';
import { operators } from '../../layers/index.ts';
import { relu } from '../../layers/relu.ts';
import type { Graph, Value } from '../graph.ts';
import { GraphBuilder } from '../graph_builder.ts';
import { compile } from './compile.ts';
import { planMemory } from './memory_plan.ts';
import { overwrittenInputs } from './overwriting.ts';
import { liveness } from './storage.ts';

const SHAPE = [1, 2, 3, 4];

function overwritable(node: Graph['nodes'][number]): readonly string[] {
  return operators.get(node.op)?.kernels[0]?.overwrites?.(node) ?? [];
}

/** `{ layer: role }` of what is written over in a graph whose outputs are what `build` returns. */
function chosen(build: (g: GraphBuilder, x: Value) => readonly Value[]): object {
  const g = GraphBuilder.create();
  build(g, g.input('x', SHAPE)).forEach((value, i) => {
    g.output(`y${i}`, value);
  });
  const graph = g.build('test');
  const found = [...overwrittenInputs(graph, operators, overwritable)];
  return Object.fromEntries(found.map(([{ name }, role]) => [name, role]));
}

describe('overwrittenInputs', () => {
  it('has a chain work in the memory of its first result', () => {
    expect(chosen((g, x) => [relu(g.at('c'), relu(g.at('b'), relu(g.at('a'), x)))])).toEqual({
      b: 'x',
      c: 'x',
    });
  });

  it('takes the side of a sum that dies there', () => {
    const sum = (first: boolean) =>
      chosen((g, x) => {
        const a = relu(g.at('a'), x);
        const b = relu(g.at('b'), x);
        const y = add(g.at('sum'), first ? a : b, first ? b : a);
        return [concat(g.at('join'), [y, a])];
      });
    expect(sum(true)).toEqual({ sum: 'b' });
    expect(sum(false)).toEqual({ sum: 'a' });
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
    ).toEqual({ c: 'x' });
  });

  it('leaves what an input of the graph is seen as alone', () => {
    expect(chosen((g, x) => [relu(g.at('a'), flatten(g.at('flat'), x))])).toEqual({});
  });

  it('does not write over what the node reads twice', () => {
    expect(
      chosen((g, x) => {
        const a = relu(g.at('a'), x);
        return [add(g.at('sum'), a, a)];
      }),
    ).toEqual({});
  });

  it('does not write over what is repeated', () => {
    const repeated = (swap: boolean) =>
      chosen((g, x) => {
        const [batch = 1] = SHAPE;
        const scale = relu(g.at('scale'), g.input('scale', [batch, 2, 1, 1]));
        const map = relu(g.at('map'), x);
        return [binary(g.at('y'), 'mul', swap ? scale : map, swap ? map : scale)];
      });
    expect(repeated(false)).toEqual({ y: 'a' });
    expect(repeated(true)).toEqual({ y: 'b' });
  });

  it('never needs more memory at once, and often less (random graphs)', () => {
    let less = 0;
    for (const seed of seeds(50)) {
      const graph = randomGraph(new Random(seed), 25);
      const apart = planMemory(liveness(graph, operators).storages);
      const plan = compile(graph, { operators, device: profileOf('gpu') });
      const written = overwrittenInputs(graph, operators, overwritable);
      const shared = liveness(graph, operators, () => undefined, written);
      expect(planMemory(shared.storages).lowerBound).toBeLessThanOrEqual(apart.lowerBound);
      expect(plan.activations.storages.some(({ overwrittenBy }) => overwrittenBy)).toBe(
        written.size > 0,
      );
      if (planMemory(shared.storages).bytes < apart.bytes) less++;
    }
    expect(less).toBeGreaterThan(10);
  });
});
