import { describe, expect, it } from 'vitest';
import { apply, type Expression, operand } from '../../shaders/lib/expression.ts';
import { add } from '../../shaders/lib/expression_functions.ts';
import { expectInOrder, expectSameOutputs, opsOf } from '../../test/fixtures/compare_graphs.ts';
import { countedVisits } from '../../test/fixtures/counted_visits.ts';
import { optimized, profileOf } from '../../test/fixtures/profiles.ts';
import { Random, seeds } from '../../test/fixtures/random.ts';
import { randomGraph } from '../../test/fixtures/random_graph.ts';
import { conversions } from '../conversions.ts';
import { relu } from '../layers/activations.ts';
import { concat } from '../layers/concat.ts';
import { conv2d } from '../layers/conv2d.ts';
import { flatten } from '../layers/flatten.ts';
import { linear } from '../layers/linear.ts';
import { matmul } from '../layers/matmul.ts';
import { pointwise } from '../layers/pointwise.ts';
import { reshapeTo, transpose } from '../layers/rearrange.ts';
import { findModel } from '../models/index.ts';
import { buildModel } from '../models/model.ts';
import { ANY_GPU } from './device_profile.ts';
import { type Graph, type Node, type Value, weightsOf } from './graph.ts';
import { GraphBuilder } from './graph_builder.ts';
import { assignLayouts } from './passes/assign_layouts.ts';
import { foldBatchNorm } from './passes/fold_batch_norm.ts';
import { fuseEpilogue } from './passes/fuse_epilogue.ts';
import { mergeMovements } from './passes/merge_movements.ts';
import { mergePointwise } from './passes/merge_pointwise.ts';
import { removeUnread } from './passes/remove_unread.ts';
import { describeStages } from './passes/report.ts';
import { type Prepared, type PrepareOptions, prepare } from './prepare.ts';

const FAMILIES = ['gpu', 'llvmpipe', 'swiftshader'] as const;

function prepared(graph: Graph, options: Partial<PrepareOptions> = {}): Prepared {
  return prepare(graph, { device: ANY_GPU, ...options });
}

/** The names of the model's nodes that some node of the plan computes, each once. */
function computed({ origin }: Prepared): readonly string[] {
  return [...new Set([...origin.values()].flat().map(({ name }) => name))].sort();
}

function namesOf({ nodes }: Graph): readonly string[] {
  return nodes.map(({ name }) => name).sort();
}

function messageOf(work: () => unknown): string {
  try {
    return `no error, but ${work()}`;
  } catch (error) {
    return String(error);
  }
}

describe('prepare', () => {
  it('tells its own nodes from those of the model that are called as they are', () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [1, 40]);
    g.output('y', linear(g.at('fc'), x, { features: 100 }));
    for (const name of ['x as f16', 'fc 0..63', 'fc joined']) {
      g.output(name, linear(g.at(name), x, { features: 5 }));
    }
    const graph = g.build('names');
    const device = profileOf('gpu', { maxStorageBufferBindingSize: 5128 });
    const { plan, origin } = prepared(graph, {
      device,
      precision: 'f16',
      observed: true,
      passes: conversions,
    });
    const names = namesOf(plan.graph);
    expect(names).toEqual(
      expect.arrayContaining(['x as f16#2', 'fc 0..63#2', 'fc 64..99', 'fc joined#2']),
    );
    expect(plan.outputs.map(({ name }) => name).sort()).toEqual(names);
    for (const [node, sources] of origin) {
      if (graph.nodes.some(({ name }) => name === node.name))
        expect(sources).toMatchObject([{ name: node.name }]);
    }
  });

  it('says that a device cannot bind all that a layer reads', () => {
    const g = GraphBuilder.create();
    const inputs = ['a', 'b', 'c', 'd'].map((name) => g.input(name, [2]));
    g.output(
      'y',
      pointwise(g.at('sum'), inputs, (...all) =>
        all.reduce<Expression>((p, q) => apply(add, p, q), operand('x0')),
      ),
    );
    const device = profileOf('gpu', { maxStorageBuffersPerShaderStage: 4 });
    expect(() => prepared(g.build('four'), { device })).toThrow(
      'pointwise "sum": pointwise binds 5 buffers, this device allows 4; use fewer values',
    );
  });

  it.each([1, 4, 8])('says how large a batch fits into maxMemory, of %i', (batch) => {
    const graph = (images: number) => {
      const g = GraphBuilder.create();
      g.output('y', relu(g, g.input('x', [images, 3])));
      return g.build('vectors');
    };
    const { memory } = prepared(graph(batch)).plan;
    for (let maxMemory = memory.dimensions; maxMemory < memory.total; maxMemory += 4) {
      const [, fits, least] =
        messageOf(() => prepared(graph(batch), { maxMemory })).match(
          /a batch of (\d+) should fit|even one image takes (\d+)/,
        ) ?? [];
      const remedy = fits
        ? { images: Number(fits), maxMemory }
        : { images: 1, maxMemory: Number(least) };
      expect(
        prepared(graph(remedy.images), { maxMemory: remedy.maxMemory }).plan.memory.total,
      ).toBeLessThanOrEqual(remedy.maxMemory);
    }
  });

  it.each(seeds(20))('keeps the outputs of the random graph of seed %i, on all devices', (seed) => {
    const random = new Random(seed);
    const graph = randomGraph(random, random.int(5, 30));
    for (const family of FAMILIES) {
      const { plan } = prepared(graph, { device: profileOf(family) });
      expect(expectInOrder(plan.graph)).toBeLessThanOrEqual(graph.nodes.length);
      expectSameOutputs(plan.graph, graph);
    }
  });

  it.each(seeds(20))('knows what became of the random graph of seed %i', (seed) => {
    const graph = randomGraph(new Random(800 + seed), 25);
    for (const precision of ['f32', 'f16'] as const) {
      const result = prepared(graph, { precision });
      expect([...result.origin.keys()]).toEqual(result.plan.graph.nodes);
      expect(computed(result)).toEqual(namesOf(removeUnread(graph)));
      // Each node of the model is computed by one of the plan, and is the object that the caller gave.
      const all = [...result.origin.values()].flat();
      expect(all).toHaveLength(new Set(all).size);
      expect(all.every((node) => graph.nodes.includes(node))).toBe(true);
    }
  });

  it('logs every stage, in order, and none twice', () => {
    const stages = (of: Prepared) => of.log.map(({ stage }) => stage);
    expect(stages(prepared(randomGraph(new Random(1), 20)))).toEqual([
      'cut batch',
      'remove unread nodes',
      'fold batch norm',
      'merge movements',
      'sink transposes',
      'absorb padding',
      'merge pointwise',
      'sink reshapes',
      'fold factors',
      'absorb affine',
      'fuse epilogue',
      'inline scalars',
      'one pixel as linear',
      'store as f32',
      'split large weights',
      'assign layouts',
    ]);
    expect(stages(prepared(randomGraph(new Random(1), 20), { optimize: false }))).toEqual([
      'cut batch',
      'store as f32',
      'split large weights',
      'assign layouts',
    ]);
  });

  it.each(seeds(10))('logs what adds up: random graph of seed %i', (seed) => {
    const graph = randomGraph(new Random(900 + seed), 25);
    const { log, plan } = prepared(graph, { precision: 'f16' });
    let nodes = graph.nodes.length;
    for (const { nodesBefore, nodesAfter, added = [], removed } of describeStages(log)) {
      expect(nodesBefore).toBe(nodes);
      expect(nodesAfter).toBe(nodes + added.length - removed.length);
      nodes = nodesAfter;
    }
    expect(plan.graph.nodes).toHaveLength(nodes);
  });

  it('says of a split weight and of an observed layer what they compute', () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [1, 3, 4, 4]);
    const y = relu(g.at('relu'), conv2d(g.at('conv'), x, { channels: 2, kernel: 1 }));
    g.output('y', linear(g.at('fc'), flatten(g.at('flat'), y), { features: 200 }));
    const limits = { maxStorageBufferBindingSize: 4 * 32 * 128 };
    const { plan, origin } = prepared(g.build('test'), {
      device: profileOf('gpu', limits),
      observed: true,
    });
    const described = [...origin].map(([{ name }, nodes]) => [
      name,
      nodes.map((node) => node.name),
    ]);
    expect(described).toEqual([
      ['conv', ['conv', 'relu']],
      ['flat', ['flat']],
      ['fc 0..127', ['fc']],
      ['fc 128..199', ['fc']],
      ['fc joined', ['fc']],
    ]);
    expect([...plan.graph.outputs.keys()]).toEqual(described.map(([name]) => name));
  });

  it('goes through 152 layers as often, for each, as through 50', () => {
    const visitsALayer = (model: string) => {
      const graph = buildModel(findModel(model));
      const visits = countedVisits(() => {
        const merged = mergePointwise(mergeMovements(foldBatchNorm(removeUnread(graph))), ANY_GPU);
        assignLayouts(fuseEpilogue(merged, ANY_GPU), profileOf('llvmpipe'));
      });
      return visits / graph.nodes.length;
    };
    expect(visitsALayer('resnet152')).toBeLessThan(1.1 * visitsALayer('resnet50'));
  });

  it('finds nothing more to do in its own result', () => {
    for (const seed of seeds(20)) {
      const once = optimized(randomGraph(new Random(seed), 20));
      const again = prepared({ ...once, nodes: once.nodes });
      expect(opsOf(again.plan.graph), `seed ${seed}`).toBe(opsOf(once));
    }
  });

  it('leaves of a ResNet-50 its 53 convolutions, the two pools and the classifier', () => {
    const result = optimized(buildModel(findModel('resnet50')));
    const count = (op: string): number =>
      result.nodes.filter((node: Node) => node.op.name === op).length;
    expect(count('conv2d')).toBe(53);
    expect(count('batch_norm') + count('pointwise')).toBe(0);
    // And a flattening, which takes no dispatch.
    expect(result.nodes.length).toBeLessThanOrEqual(57);
    expect(prepared(buildModel(findModel('resnet50'))).plan.dispatches.length).toBeLessThan(80);
  });

  it('reads every weight of a ResNet-50 that the model names', () => {
    const graph = buildModel(findModel('resnet50'));
    const names = (of: Graph): readonly string[] =>
      weightsOf(of)
        .map(({ name }) => name)
        .sort();
    expect(names(optimized(graph))).toEqual(names(graph));
  });

  it('keeps a stage of a ResNet-50 that is an output', () => {
    const outputs = ['conv1', 'stem', 'maxpool', 'layer1', 'logits'];
    const result = optimized(buildModel(findModel('resnet50'), { outputs }));
    expect([...result.outputs.keys()]).toEqual(outputs);
    expect(opsOf(result).startsWith('conv2d batch_norm max_pool2d conv2d')).toBe(true);
    expectInOrder(result);
  });
});

describe('a graph of thousands of nodes', () => {
  const chain = (count: number, next: (g: GraphBuilder, x: Value) => Value): Graph => {
    const g = GraphBuilder.create();
    let y: Value = g.input('x', [1, 2, 2, 2]);
    for (let i = 0; i < count; i++) y = next(g.at(i), y);
    g.output('y', relu(g.at('last'), y));
    return g.build('chain');
  };

  it.each<[string, (g: GraphBuilder, x: Value) => Value]>([
    ['activations', relu],
    ['movements', (g, x) => transpose(g, x, [0, 1, 3, 2])],
    [
      'reshapes after a product',
      (g, x) => {
        const first = x.kind === 'input' ? matmul(g.at('product'), x, x) : x;
        const rows = x.desc.shape.length === 2 ? [1, 2, 2, 2] : [4, 2];
        return relu(g, reshapeTo(g.at('shape'), first, rows));
      },
    ],
  ])('is planned by work that grows with them: %s', (_, next) => {
    const visits = (count: number) => {
      const graph = chain(count, next);
      return countedVisits(() => prepared(graph));
    };
    // Of twice as many it is twice as much, and four times where each node looks at all others.
    expect(visits(2000)).toBeLessThan(2.4 * visits(1000));
  });

  it('is planned by a few looks of each part at the others of its concats', () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [1, 2, 2, 2]);
    const parts = Array.from({ length: 1000 }, (_, i) => relu(g.at(i), x));
    g.output('y', concat(g.at('joined'), parts));
    g.output('again', concat(g.at('again'), parts));
    const graph = g.build('parts');
    expect(countedVisits(() => prepared(graph))).toBeLessThan(5 * parts.length ** 2);
  });
});
