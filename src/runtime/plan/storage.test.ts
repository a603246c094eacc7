import { describe, expect, it } from 'vitest';
import { Random, seeds } from '../../../test/fixtures/random.ts';
import { randomGraph } from '../../../test/fixtures/random_graph.ts';
import { add } from '../../layers/add.ts';
import { flatten } from '../../layers/flatten.ts';
import { operators } from '../../layers/index.ts';
import { relu } from '../../layers/relu.ts';
import type { Value } from '../graph.ts';
import { GraphBuilder } from '../graph_builder.ts';
import { byteLength } from '../tensor.ts';
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
    const table = liveness(g.build('test'), operators);
    expect(table.storages).toEqual([
      { name: 'x', bytes: 32, firstStep: -1, lastStep: 0 },
      { name: 'a', bytes: 32, firstStep: 0, lastStep: 2 },
      { name: 'b', bytes: 32, firstStep: 1, lastStep: 2 },
      { name: 'c', bytes: 32, firstStep: 2, lastStep: 3 },
      { name: 'd', bytes: 32, firstStep: 3, lastStep: 4 },
    ]);
  });

  it('keeps every output behind the last step, however early it is written', () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [1, 8]);
    const a = relu(g.at('a'), x);
    g.output('a', a);
    g.output('b', relu(g.at('b'), relu(g.at('c'), a)));
    const table = liveness(g.build('test'), operators);
    expect(storageOf(table, a)).toMatchObject({ firstStep: 0, lastStep: 3 });
  });

  it('gives a view the storage of what it views, for as long as either is read', () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [1, 2, 2, 2]);
    const a = relu(g.at('a'), x);
    const flat = flatten(g, a);
    const b = relu(g.at('b'), x);
    g.output('y', relu(g.at('c'), flat));
    g.output('b', b);
    const table = liveness(g.build('test'), operators);
    expect(table.indexOf.get(flat)).toBe(table.indexOf.get(a));
    expect(storageOf(table, a)).toMatchObject({ firstStep: 0, lastStep: 3 });
    expect(table.storages).toHaveLength(4);
  });

  it('gives a view of an input the storage of the input, to the end if it is an output', () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [1, 2, 2, 2]);
    g.output('flat', flatten(g, x));
    const table = liveness(g.build('test'), operators);
    expect(table.storages).toEqual([{ name: 'x', bytes: 32, firstStep: -1, lastStep: 1 }]);
  });

  it('refuses a view of a weight, which no kernel would fill', () => {
    const g = GraphBuilder.create();
    const flat = flatten(g.at('flat'), g.weight('table', [2, 2]));
    g.output('y', relu(g.at('y'), flat));
    expect(() => liveness(g.build('test'), operators)).toThrow(
      expect.objectContaining({
        name: 'UnsupportedError',
        message: expect.stringContaining('flatten "flat": only inputs and results of other layers'),
      }),
    );
  });

  it('keeps a value that nothing reads for the step that writes it', () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [1, 8]);
    const unread = relu(g.at('unread'), x);
    g.output('y', relu(g.at('y'), x));
    expect(storageOf(liveness(g.build('test'), operators), unread)).toMatchObject({
      firstStep: 0,
      lastStep: 0,
    });
  });

  it.each(seeds(10))('covers every use in the random graph of seed %i', (seed) => {
    const graph = randomGraph(new Random(seed), 20);
    const table = liveness(graph, operators);
    graph.nodes.forEach((node, step) => {
      for (const value of [...Object.values(node.inputs), node.output]) {
        if (value.kind === 'weight' || value.kind === 'derived') continue;
        const { firstStep, lastStep, bytes } = storageOf(table, value);
        expect(firstStep).toBeLessThanOrEqual(step);
        expect(lastStep).toBeGreaterThanOrEqual(step);
        expect(bytes).toBe(byteLength(value.desc));
      }
    });
    for (const output of graph.outputs.values()) {
      expect(storageOf(table, output).lastStep).toBe(graph.nodes.length);
    }
  });
});
