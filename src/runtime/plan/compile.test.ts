import { describe, expect, it } from 'vitest';
import { graphOf } from '../../../test/fixtures/build_one.ts';
import { profileOf } from '../../../test/fixtures/profiles.ts';
import { Random, seeds } from '../../../test/fixtures/random.ts';
import { randomGraph } from '../../../test/fixtures/random_graph.ts';
import { add } from '../../layers/add.ts';
import { concat } from '../../layers/concat.ts';
import { conv2d } from '../../layers/conv2d.ts';
import { flatten } from '../../layers/flatten.ts';
import { operators } from '../../layers/index.ts';
import { linear } from '../../layers/linear.ts';
import { relu } from '../../layers/relu.ts';
import { findModel } from '../../models/index.ts';
import { buildModel } from '../../models/model.ts';
import type { Graph, Node } from '../graph.ts';
import { GraphBuilder } from '../graph_builder.ts';
import type { DeviceProfile } from '../operator.ts';
import { optimize } from '../passes/index.ts';
import { byteLength } from '../tensor.ts';
import { compile, type ExecutionPlan, RUNS_IN_FLIGHT } from './compile.ts';

const PROFILES = [profileOf('cpu'), profileOf('gpu')];

function plan(graph: Graph, device: DeviceProfile = profileOf('gpu')): ExecutionPlan {
  return compile(graph, { operators, device });
}

/** Everything that two plans can differ in, but for functions. */
function dump(of: ExecutionPlan): string {
  const { graph, ...rest } = of;
  return JSON.stringify([graph.nodes.map(({ name }) => name), rest]);
}

/** Dispatches that bind one buffer both for reading and for writing, which WebGPU refuses. */
function aliased(of: ExecutionPlan): readonly string[] {
  return of.dispatches.flatMap(({ node, bindings }) => {
    const keyOf = ({ buffer }: (typeof bindings)[number]): string =>
      `${buffer.pool} ${buffer.index}`;
    const written = bindings.filter(({ access }) => access === 'read_write').map(keyOf);
    const read = bindings.filter(({ access }) => access === 'read').map(keyOf);
    return written.some((key) => read.includes(key)) ? [node.name] : [];
  });
}

/** Runs the plan on a model of memory: which node's value each buffer holds. Lists values that are gone when read. */
function overwritten(of: ExecutionPlan, device: DeviceProfile): readonly string[] {
  const holds = new Map<number, string>();
  const viewed = new Map<string, string>();
  for (const node of of.graph.nodes) {
    const [source] = Object.values(node.inputs);
    if (operators.get(node.op)?.isView && source) {
      viewed.set(node.output.name, viewed.get(source.name) ?? source.name);
    }
  }
  const nameOf = (name: string): string => viewed.get(name) ?? name;
  for (const { name, buffer } of of.inputs) holds.set(buffer.index, name);
  const lost: string[] = [];
  const check = (index: number, name: string, reader: string): void => {
    if (holds.get(index) !== nameOf(name)) lost.push(`${reader} reads ${name}`);
  };
  const done = new Map<Node, number>();
  for (const { node, kernel, bindings, config } of of.dispatches) {
    const op = operators.get(node.op)?.kernels.find((candidate) => candidate.name === kernel);
    const index = done.get(node) ?? 0;
    done.set(node, index + 1);
    const lowered = op?.lower(node, config, device).dispatches ?? [];
    const roles = new Map(lowered[index]?.bindings.map(({ slot, value }) => [slot, value]));
    const tokenOf = (role: string): string =>
      role === 'y' ? node.output.name : (node.inputs[role]?.name ?? `${node.name} (${role})`);
    const written = bindings.filter(({ access }) => access === 'read_write');
    for (const { slot, buffer, access } of bindings) {
      if (buffer.pool !== 'activation' || access !== 'read') continue;
      check(buffer.index, tokenOf(roles.get(slot) ?? ''), node.name);
    }
    // What a dispatch writes over is what its node reads, and is not bound for that.
    const bound = new Set(bindings.map(({ slot }) => roles.get(slot)));
    for (const [role, value] of Object.entries(node.inputs)) {
      const [y] = written;
      const unbound = value.kind === 'activation' && !bound.has(role) && lowered.length === 1;
      if (unbound && y) check(y.buffer.index, value.name, node.name);
    }
    for (const { slot, buffer } of written) {
      holds.set(buffer.index, tokenOf(roles.get(slot) ?? ''));
    }
  }
  of.outputs.forEach(({ name, buffer }) => {
    check(buffer.index, of.graph.outputs.get(name)?.name ?? '', 'the caller');
  });
  return lost;
}

describe('compile', () => {
  it.each(seeds(20))(
    'keeps every value until it is read, for the random graph of seed %i',
    (seed) => {
      const random = new Random(seed);
      const graph = randomGraph(random, random.int(5, 30));
      for (const version of [graph, optimize(graph, operators)]) {
        for (const device of PROFILES) {
          for (const kernel of [undefined, 'conv2d_winograd', 'conv2d_split_k']) {
            const compiled = compile(version, { operators, device, kernels: () => kernel });
            expect(overwritten(compiled, device)).toEqual([]);
            expect(aliased(compiled)).toEqual([]);
            const { bytes, lowerBound } = compiled.activations;
            expect(bytes).toBeGreaterThanOrEqual(lowerBound);
          }
        }
      }
    },
  );

  it('gives the same plan for the same graph, and for one built again', () => {
    for (const seed of seeds(5)) {
      const graph = randomGraph(new Random(seed), 20);
      const again = randomGraph(new Random(seed), 20);
      for (const device of PROFILES) {
        expect(dump(plan(graph, device))).toBe(dump(plan(graph, device)));
        expect(dump(plan(again, device))).toBe(dump(plan(graph, device)));
      }
    }
  });

  it('never binds one buffer for reading and writing in a ResNet-50', () => {
    const graph = optimize(buildModel(findModel('resnet50')), operators);
    for (const device of PROFILES) expect(aliased(plan(graph, device))).toEqual([]);
  });

  it('needs little more memory for a ResNet-50 than is alive at once', () => {
    const graph = optimize(buildModel(findModel('resnet50')), operators);
    const { bytes, lowerBound } = plan(graph).activations;
    expect(bytes / lowerBound).toBeLessThanOrEqual(1.15);
  });

  it('stores a constant once for each arrangement that it is read in', () => {
    const g = GraphBuilder.create();
    const shared = g.at('shared');
    const options = { channels: 4, kernel: 3, padding: 1 };
    const x = g.input('x', [1, 4, 6, 6]);
    g.output('y', conv2d(shared, conv2d(shared, conv2d(shared, x, options), options), options));
    const { weights } = plan(g.build('test'));
    expect(weights.map(({ constant }) => constant.name)).toEqual(['shared.weight', 'shared.bias']);
  });

  it('stores a constant again for a kernel that reads it in another arrangement', () => {
    const g = GraphBuilder.create();
    const options = { channels: 4, kernel: 3, padding: 1, bias: false };
    const y = conv2d(g.at('shared'), g.input('x', [1, 4, 6, 6]), options);
    g.output('y', conv2d(g.at('shared'), y, options));
    const { weights, dispatches } = compile(g.build('test'), {
      operators,
      device: profileOf('gpu'),
      kernels: ({ name }) => (name === 'shared' ? 'conv2d_tiled' : 'conv2d_direct'),
    });
    expect(weights.map(({ constant }) => constant.name)).toEqual([
      'shared.weight',
      'shared.weight',
    ]);
    const read = dispatches.map(({ bindings }) =>
      bindings.filter(({ buffer }) => buffer.pool === 'weight').map(({ buffer }) => buffer.index),
    );
    expect(read).toEqual([[0], [1]]);
  });

  it('plans no dispatch for a view, and one a part for a concatenation', () => {
    const graph = graphOf((g) => {
      const x = g.input('x', [1, 3, 2, 2]);
      return flatten(g, concat(g.at('cat'), [x, relu(g.at('relu'), x), x]));
    });
    expect(plan(graph).dispatches.map(({ node }) => node.name)).toEqual([
      'relu',
      'cat',
      'cat',
      'cat',
    ]);
  });

  it('counts its memory: weights as arranged, shared activations, staging for the runs in flight', () => {
    const graph = graphOf((g) => linear(g.at('fc'), g.input('x', [2, 5]), { features: 4 }));
    expect(plan(graph).memory).toEqual({
      weights: 4 * (20 + 4),
      activations: 4 * (10 + 8),
      dimensions: 0,
      staging: RUNS_IN_FLIGHT * 4 * 8,
      total: 4 * (24 + 18 + RUNS_IN_FLIGHT * 8),
    });
  });

  it('lists inputs and outputs by name with their buffers', () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [1, 4]);
    const y = relu(g.at('relu'), x);
    g.output('first', y);
    g.output('second', y);
    const { inputs, outputs } = plan(g.build('test'));
    expect(inputs.map(({ name }) => name)).toEqual(['x']);
    expect(outputs.map(({ name }) => name)).toEqual(['first', 'second']);
    expect(outputs[0]?.buffer).toEqual(outputs[1]?.buffer);
  });

  it('refuses an operator that it was not given', () => {
    const graph = graphOf((g) => relu(g.at('act'), g.input('x', [1, 4])));
    const few = new Map([...operators].filter(([name]) => name === 'add'));
    expect(() => compile(graph, { operators: few, device: profileOf('gpu') })).toThrow(
      expect.objectContaining({
        name: 'ShapeError',
        message: 'relu "act": unknown operator; known are add',
      }),
    );
  });

  describe('refuses what is larger than a buffer of the device:', () => {
    const device = profileOf('gpu', { maxBufferSize: 4096, maxStorageBufferBindingSize: 1024 });

    it.each<[string, string, (g: GraphBuilder) => Graph]>([
      [
        'an input',
        'input "x" takes 1028 bytes, a buffer of this device holds at most 1024; use a smaller batch or image',
        (g) => {
          g.output('y', relu(g.at('act'), g.input('x', [1, 257])));
          return g.build('test');
        },
      ],
      [
        'an activation, by the name of its layer',
        'the output of concat "layer1.cat" takes 1600 bytes, a buffer of this device holds at most 1024; use a smaller batch or image',
        (g) => {
          const x = g.input('x', [1, 1, 10, 10]);
          g.output('y', concat(g.at('layer1').at('cat'), [x, x, x, x]));
          return g.build('test');
        },
      ],
      [
        'a weight',
        'weight "fc.weight" takes 1600 bytes',
        (g) => {
          const x = g.input('x', [1, 100]);
          g.output('y', linear(g.at('fc'), x, { features: 4 }));
          return g.build('test');
        },
      ],
    ])('%s', (_, message, build) => {
      const graph = build(GraphBuilder.create());
      expect(() => plan(graph, device)).toThrow(
        expect.objectContaining({
          name: 'UnsupportedError',
          message: expect.stringContaining(message),
        }),
      );
    });

    it('and takes what just fits', () => {
      const graph = graphOf((g) => relu(g, g.input('x', [1, 256])));
      expect(plan(graph, device).dispatches).toHaveLength(1);
    });
  });

  it('lays out dispatches within the limits of the device', () => {
    const device = profileOf('gpu', { maxComputeWorkgroupsPerDimension: 20 });
    const graph = graphOf((g) => {
      const x = g.input('x', [1, 9, 40, 41]);
      return add(g, conv2d(g.at('c'), x, { channels: 9, kernel: 1 }), x);
    });
    for (const { workgroups } of plan(graph, device).dispatches) {
      for (const count of workgroups)
        expect(count).toBeLessThanOrEqual(device.limits.maxComputeWorkgroupsPerDimension);
    }
  });

  it('knows the size of every output in bytes', () => {
    const graph = graphOf((g) => relu(g, g.input('x', [3, 7])));
    expect(plan(graph).outputs.map(({ desc }) => byteLength(desc))).toEqual([84]);
  });
});
