import { describe, expect, it } from 'vitest';
import { profileOf } from '../../../test/fixtures/profiles.ts';
import { Random, seeds } from '../../../test/fixtures/random.ts';
import { randomGraph } from '../../../test/fixtures/random_graph.ts';
import { relu } from '../../layers/activations.ts';
import { add } from '../../layers/arithmetic.ts';
import { concat } from '../../layers/concat.ts';
import { flatten } from '../../layers/flatten.ts';
import { maxPool2d } from '../../layers/pool2d.ts';
import { ANY_GPU } from '../device_profile.ts';
import { type Activation, isConstant, rootOf, type Value } from '../graph.ts';
import { GraphBuilder } from '../graph_builder.ts';
import { assignLayouts } from '../passes/assign_layouts.ts';
import { elementSpan, tensorDesc, viewOfDesc, withView } from '../tensor.ts';
import { liveness, type Storage, type StorageTable } from './storage.ts';

function storageOf(table: StorageTable, value: Value): Storage {
  const found = table.storages[table.indexOf.get(value) ?? -1];
  if (!found) throw new Error(`"${value.name}" has no storage`);
  return found;
}

describe('liveness', () => {
  it('keeps a value from the step that writes it to the last that reads it', () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [1, 8]);
    const a = relu(g.at('a'), x);
    const b = relu(g.at('b'), a);
    const c = add(g.at('c'), b, a);
    g.output('y', relu(g.at('d'), c));
    const table = liveness(g.build('test'));
    expect(table.storages).toEqual([
      { name: 'x', bytes: 32, firstStep: -1, lastStep: 0 },
      { name: 'a', bytes: 32, firstStep: 0, lastStep: 2 },
      { name: 'b', bytes: 32, firstStep: 1, lastStep: 2 },
      { name: 'c', bytes: 32, firstStep: 2, lastStep: 3 },
      { name: 'd', bytes: 32, firstStep: 3, lastStep: 4 },
    ]);
  });

  it('keeps every output after the last step, however early it is written', () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [1, 8]);
    const a = relu(g.at('a'), x);
    g.output('a', a);
    g.output('b', relu(g.at('b'), relu(g.at('c'), a)));
    const table = liveness(g.build('test'));
    expect(storageOf(table, a)).toMatchObject({ firstStep: 0, lastStep: 3 });
  });

  /** The value under its own shape in the memory of another. */
  const within = (value: Value, root: Value): Activation => {
    if (value.kind !== 'activation' || root.kind === 'weight' || root.kind === 'derived') {
      throw new Error('only activations lie in the memory of others');
    }
    return { ...value, within: root };
  };

  it('gives a view the storage of what it views, for as long as either is read', () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [1, 2, 2, 2]);
    const a = relu(g.at('a'), x);
    const flat = flatten(g, a);
    const b = relu(g.at('b'), x);
    g.output('y', relu(g.at('c'), flat));
    g.output('b', b);
    const graph = assignLayouts(g.build('test'), ANY_GPU);
    const table = liveness(graph);
    const [first, second] = graph.nodes;
    expect(second && table.indexOf.get(second.output)).toBe(
      first && table.indexOf.get(first.output),
    );
    expect(storageOf(table, a)).toMatchObject({ firstStep: 0, lastStep: 3 });
    expect(table.storages).toHaveLength(4);
  });

  it('gives a view of an input the storage of the input, to the end if it is an output', () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [1, 2, 2, 2]);
    g.output('flat', flatten(g, x));
    const table = liveness(assignLayouts(g.build('test'), ANY_GPU));
    expect(table.storages).toEqual([{ name: 'x', bytes: 32, firstStep: -1, lastStep: 1 }]);
  });

  it('gives parts the storage of the whole, from the first that is written on', () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [1, 2, 2, 2]);
    const a = maxPool2d(g.at('a'), x, { kernel: 1 });
    const b = maxPool2d(g.at('b'), a, { kernel: 1 });
    const c = maxPool2d(g.at('c'), x, { kernel: 1 });
    const cat = concat(g.at('cat'), [b, c]);
    g.output('y', relu(g.at('y'), cat));
    const graph = assignLayouts(g.build('test'), ANY_GPU);
    const table = liveness(graph);
    expect(table.storages).toEqual([
      { name: 'x', bytes: 32, firstStep: -1, lastStep: 2 },
      { name: 'a', bytes: 32, firstStep: 0, lastStep: 1 },
      { name: 'cat', bytes: 64, firstStep: 1, lastStep: 4 },
      { name: 'y', bytes: 64, firstStep: 4, lastStep: 5 },
    ]);
  });

  it('keeps a whole that nothing reads for as long as its parts are', () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [1, 4]);
    const whole = relu(g.at('whole'), x);
    const part = relu(g.at('part'), x);
    const last = relu(g.at('last'), part);
    g.output('y', last);
    const [first, second, third] = g.build('test').nodes;
    if (!first || !second || !third) throw new Error('the graph is empty');
    const placed = within(second.output, whole);
    const nodes = [first, { ...second, output: placed }, { ...third, inputs: { x0: placed } }];
    const table = liveness({ ...g.build('test'), nodes });
    expect(storageOf(table, placed)).toBe(storageOf(table, whole));
    expect(storageOf(table, whole)).toMatchObject({ firstStep: 0, lastStep: 2 });
  });

  it('holds a view by itself from the first element of its memory on', () => {
    const desc = withView(tensorDesc([1, 2, 2, 2]), { offset: 64, strides: [16, 8, 2, 1] });
    const g = GraphBuilder.create();
    g.output('y', relu(g.at('y'), g.input('x', [1, 2, 2, 2])));
    const [node] = g.build('test').nodes;
    if (!node) throw new Error('the graph is empty');
    const output = { ...node.output, desc };
    const table = liveness({
      ...g.build('test'),
      nodes: [{ ...node, output }],
      outputs: new Map(),
    });
    expect(storageOf(table, output).bytes).toBe(4 * (64 + 12));
  });

  it('keeps a value that nothing reads for the step that writes it', () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [1, 8]);
    const unread = relu(g.at('unread'), x);
    g.output('y', relu(g.at('y'), x));
    expect(storageOf(liveness(g.build('test')), unread)).toMatchObject({
      firstStep: 0,
      lastStep: 0,
    });
  });

  describe('of a node of several dispatches', () => {
    const bindings = (...roles: string[]) => ({
      source: '',
      workgroups: [1, 1, 1] as const,
      bindings: roles.map((value, slot) => ({ slot, value, access: 'read' as const })),
    });
    const graph = () => {
      const g = GraphBuilder.create();
      g.output('y', add(g.at('sum'), relu(g.at('a'), g.input('x', [1, 8])), g.input('z', [1, 8])));
      return g.build('test');
    };

    it('lets each value live from the first that binds it to the last', () => {
      const table = liveness(graph(), ({ name }) =>
        name === 'sum'
          ? {
              dispatches: [
                bindings('x0', 'first'),
                bindings('x1', 'first', 'second'),
                bindings('second', 'y'),
              ],
              scratch: { first: 12, second: 20, unbound: 4 },
            }
          : { dispatches: [bindings('x0', 'y'), bindings('y')] },
      );
      expect(table.storages).toEqual([
        { name: 'x', bytes: 32, firstStep: -1, lastStep: 0 },
        { name: 'z', bytes: 32, firstStep: -1, lastStep: 3 },
        { name: 'a', bytes: 32, firstStep: 0, lastStep: 2 },
        { name: 'sum', bytes: 32, firstStep: 4, lastStep: 5 },
        { name: 'sum (first)', bytes: 12, firstStep: 2, lastStep: 3 },
        { name: 'sum (second)', bytes: 20, firstStep: 3, lastStep: 4 },
        { name: 'sum (unbound)', bytes: 4, firstStep: 2, lastStep: 4 },
      ]);
      const scratch = [...table.scratchOf].map(([{ name }, of]) => [name, Object.fromEntries(of)]);
      expect(scratch).toEqual([
        ['a', {}],
        ['sum', { first: 4, second: 5, unbound: 6 }],
      ]);
    });

    it('has the layers that write over a value in its storage, in order', () => {
      const g = GraphBuilder.create();
      const a = relu(g.at('a'), g.input('x', [1, 8]));
      g.output('y', relu(g.at('c'), relu(g.at('b'), a)));
      const built = g.build('test');
      const overwritten = new Map(built.nodes.slice(1).map((node) => [node, 'x0']));
      const table = liveness(built, undefined, overwritten);
      expect(table.storages).toEqual([
        { name: 'x', bytes: 32, firstStep: -1, lastStep: 0 },
        { name: 'a', bytes: 32, firstStep: 0, lastStep: 3, overwrittenBy: ['b', 'c'] },
      ]);
      const wrong = new Map(built.nodes.map((node) => [node, 'x7']));
      expect(() => liveness(built, undefined, wrong)).toThrow('there is no "x7" for pointwise "a"');
    });
  });

  it.each(seeds(20))('covers every use in the random graph of seed %i', (seed) => {
    const graph = assignLayouts(randomGraph(new Random(seed), 20), profileOf('llvmpipe'));
    const table = liveness(graph);
    graph.nodes.forEach((node, step) => {
      for (const value of [...Object.values(node.inputs), node.output]) {
        if (isConstant(value)) continue;
        const { firstStep, lastStep, bytes } = storageOf(table, value);
        expect(firstStep).toBeLessThanOrEqual(step);
        expect(lastStep).toBeGreaterThanOrEqual(step);
        const { offset } = viewOfDesc(value.desc);
        expect(bytes).toBeGreaterThanOrEqual(4 * (offset + elementSpan(value.desc)));
        expect(storageOf(table, rootOf(value))).toBe(storageOf(table, value));
      }
    });
    for (const output of graph.outputs.values()) {
      expect(storageOf(table, output).lastStep).toBe(graph.nodes.length);
    }
  });
});
