import { describe, expect, it } from 'vitest';
import { expectSameOutputs, opsOf } from '../../../test/fixtures/compare_graphs.ts';
import { profileOf } from '../../../test/fixtures/profiles.ts';
import { Random, seeds } from '../../../test/fixtures/random.ts';
import { randomGraph } from '../../../test/fixtures/random_graph.ts';
import { operators } from '../../layers/index.ts';
import { findModel } from '../../models/index.ts';
import { buildModel } from '../../models/model.ts';
import { type Graph, weightsOf } from '../graph.ts';
import { optimize, passesTo } from './index.ts';

/** Every value is read behind the node that computes it, and no node is there twice. */
function expectInOrder(graph: Graph): void {
  const known = new Set<unknown>(graph.inputs);
  for (const node of graph.nodes) {
    for (const value of Object.values(node.inputs)) {
      if (value.kind === 'activation')
        expect(known, `${node.name} reads ${value.name}`).toContain(value);
    }
    expect(known, node.name).not.toContain(node.output);
    known.add(node.output);
  }
  for (const output of graph.outputs.values()) expect(known).toContain(output);
}

describe('optimize', () => {
  it.each(seeds(20))('computes the same outputs of the random graph of seed %i', (seed) => {
    const random = new Random(seed);
    const graph = randomGraph(random, random.int(5, 30));
    const optimized = optimize(graph, operators);
    expectInOrder(optimized);
    expect(optimized.nodes.length).toBeLessThanOrEqual(graph.nodes.length);
    expectSameOutputs(optimized, graph);
  });

  it.each(seeds(20))('computes the same after each pass of the random graph of seed %i', (seed) => {
    let before = randomGraph(new Random(100 + seed), 20);
    for (const pass of passesTo('f32', profileOf('cpu'))) {
      const after = pass.apply(before, operators);
      expectInOrder(after);
      expectSameOutputs(after, before);
      before = after;
    }
  });

  it('takes less than 100 ms for 152 layers', () => {
    const graph = buildModel(findModel('resnet152'));
    const begun = performance.now();
    optimize(graph, operators);
    expect(performance.now() - begun).toBeLessThan(100);
  });

  it('finds nothing more to do in its own result', () => {
    for (const seed of seeds(20)) {
      const once = optimize(randomGraph(new Random(seed), 20), operators);
      expect(opsOf(optimize(once, operators)), `seed ${seed}`).toBe(opsOf(once));
    }
  });

  it('leaves of a ResNet-50 its 53 convolutions, the two pools and the classifier', () => {
    const graph = buildModel(findModel('resnet50'));
    const optimized = optimize(graph, operators);
    const count = (op: string): number => optimized.nodes.filter((node) => node.op === op).length;
    expect(count('conv2d')).toBe(53);
    expect(count('batch_norm') + count('relu') + count('add')).toBe(0);
    expect(optimized.nodes.length).toBeLessThanOrEqual(56);
  });

  it('reads every weight of a ResNet-50 that the model names', () => {
    const graph = buildModel(findModel('resnet50'));
    const names = (of: Graph): readonly string[] =>
      weightsOf(of)
        .map(({ name }) => name)
        .sort();
    expect(names(optimize(graph, operators))).toEqual(names(graph));
  });

  it('keeps a stage of a ResNet-50 that is an output', () => {
    const outputs = ['conv1', 'stem', 'maxpool', 'layer1', 'logits'];
    const optimized = optimize(buildModel(findModel('resnet50'), { outputs }), operators);
    expect([...optimized.outputs.keys()]).toEqual(outputs);
    expect(opsOf(optimized).startsWith('conv2d batch_norm max_pool2d conv2d')).toBe(true);
    expectInOrder(optimized);
  });
});
