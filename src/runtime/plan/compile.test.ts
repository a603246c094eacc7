import { describe, expect, it } from 'vitest';
import { graphOf } from '../../../test/fixtures/build_one.ts';
import { faultsOf } from '../../../test/fixtures/check_plan.ts';
import { profileOf } from '../../../test/fixtures/profiles.ts';
import { Random, seeds } from '../../../test/fixtures/random.ts';
import { randomGraph } from '../../../test/fixtures/random_graph.ts';
import { relu } from '../../layers/activations.ts';
import { add } from '../../layers/arithmetic.ts';
import { concat } from '../../layers/concat.ts';
import { conv2d } from '../../layers/conv2d.ts';
import { flatten } from '../../layers/flatten.ts';
import { linear } from '../../layers/linear.ts';
import { matmul } from '../../layers/matmul.ts';
import { maxPool2d } from '../../layers/pool2d.ts';
import { reshapeTo } from '../../layers/rearrange.ts';
import { findModel } from '../../models/index.ts';
import { buildModel } from '../../models/model.ts';
import type { DeviceProfile } from '../device_profile.ts';
import type { Graph, OpDef, Value } from '../graph.ts';
import { GraphBuilder } from '../graph_builder.ts';
import type { KernelDispatch, Lowering } from '../kernel.ts';
import { assignLayouts } from '../passes/assign_layouts.ts';
import { prepare } from '../prepare.ts';
import { byteLength } from '../tensor.ts';
import { compile, type ExecutionPlan, RUNS_IN_FLIGHT } from './compile.ts';
import { lowerBoundOf } from './memory_plan.ts';

const PROFILES = [profileOf('swiftshader'), profileOf('llvmpipe'), profileOf('gpu')];

function plan(graph: Graph, device: DeviceProfile = profileOf('gpu')): ExecutionPlan {
  return compile(graph, { device });
}

/** Everything that two plans can differ in, but for functions. */
function dump(of: ExecutionPlan): string {
  const { graph, ...rest } = of;
  return JSON.stringify([graph.nodes.map(({ name }) => name), rest]);
}

/** A node `name` for each lowering, of `x` of 4 elements: an operator whose only kernel does just that. */
function lowered(lowerings: Readonly<Record<string, Lowering>>): Graph {
  const g = GraphBuilder.create();
  for (const [name, lowering] of Object.entries(lowerings)) {
    const op: OpDef<object, 'x'> = {
      name: 'custom',
      inferShape: ({ inputs }) => inputs.x?.desc ?? expect.fail('no input'),
      candidates: () => [
        {
          kernel: 'a_kernel',
          config: {},
          prefers: undefined,
          cost: () => undefined,
          overwrites: [],
          lower: () => lowering,
        },
      ],
    };
    g.output(name, g.at(name).add(op, {}, { x: g.input(`x of ${name}`, [1, 4]) }));
  }
  return g.build('test');
}

/** A dispatch that reads these roles and writes the last. */
function dispatch(roles: readonly string[], words?: readonly number[]): KernelDispatch {
  return {
    source: '',
    workgroups: [1, 1, 1],
    bindings: roles.map((value, slot) => ({
      slot,
      value,
      access: slot === roles.length - 1 ? 'read_write' : 'read',
    })),
    dimensions: words && { slot: roles.length, words },
  };
}

describe('compile', () => {
  it.each(seeds(20))(
    'keeps every value until it is read, with any kernel: random graph of seed %i',
    (seed) => {
      const random = new Random(seed);
      const graph = randomGraph(random, random.int(5, 30));
      for (const device of PROFILES) {
        for (const version of [graph, assignLayouts(graph, device)]) {
          for (const kernel of [undefined, 'conv2d_winograd']) {
            const compiled = compile(version, { device, kernels: () => kernel });
            expect(faultsOf(compiled, device)).toEqual([]);
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

  it('finds a ResNet-50 without faults, and needs no more memory than its buffers must', () => {
    const graph = buildModel(findModel('resnet50'), { size: [64, 64] });
    for (const device of PROFILES) {
      const { plan: compiled } = prepare(graph, { device });
      expect(faultsOf(compiled, device)).toEqual([]);
      const { activations } = compiled;
      expect(activations.bytes).toBe(lowerBoundOf(activations));
    }
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

  it('stores a constant once that passes have read under another shape for several nodes', () => {
    const graph = graphOf((g) => {
      const shape = [2, 3, 4];
      const position = g.weight('position', shape);
      let x: Value = g.input('x', shape);
      for (let i = 0; i < 3; i++) {
        const rows = reshapeTo(g.at(`rows${i}`), x, [6, 4]);
        const product = linear(g.at(`product${i}`), rows, { features: 4, bias: false });
        x = add(g.at(`sum${i}`), reshapeTo(g.at(`tokens${i}`), product, shape), position);
      }
      return matmul(g, x, g.input('brings the passes', [4, 4]));
    });
    const weights = (optimize: boolean) => {
      const { plan: prepared } = prepare(graph, { device: profileOf('gpu'), optimize });
      return prepared.memory.weights;
    };
    expect(weights(true)).toBe(weights(false));
  });

  it('stores a constant again for a kernel that reads it in another arrangement', () => {
    const g = GraphBuilder.create();
    const options = { channels: 4, kernel: 3, padding: 1, bias: false };
    const y = conv2d(g.at('shared'), g.input('x', [1, 4, 6, 6]), options);
    g.output('y', conv2d(g.at('shared'), y, options));
    const { weights, dispatches } = compile(g.build('test'), {
      device: profileOf('gpu'),
      kernels: ({ name }) => (name === 'shared' ? 'conv2d_tiled' : 'conv2d_direct'),
    });
    expect(weights.map(({ constant }) => constant.name)).toEqual([
      'shared.weight',
      'shared.weight',
    ]);
    // Weights are also in the place of what a kernel may have, and has not.
    const read = dispatches.map(({ bindings }) => {
      const weightsRead = bindings.filter(({ buffer }) => buffer.pool === 'weight');
      return [...new Set(weightsRead.map(({ buffer }) => buffer.index))];
    });
    expect(read).toEqual([[0], [1]]);
  });

  it('plans no dispatch for a view, and one for each part of a concatenation that lies elsewhere', () => {
    const graph = graphOf((g) => {
      const x = g.input('x', [1, 3, 2, 2]);
      return flatten(g.at('flat'), concat(g.at('cat'), [x, relu(g.at('relu'), x), x]));
    });
    const dispatched = (of: Graph) => plan(of).dispatches.map(({ node }) => node.name);
    expect(dispatched(graph)).toEqual(['relu', 'cat', 'cat', 'cat', 'flat']);
    expect(dispatched(assignLayouts(graph, profileOf('gpu')))).toEqual(['relu', 'cat', 'cat']);
  });

  it('refuses to plan a dispatch that binds one buffer for reading and for writing', () => {
    const graph = graphOf((g) => {
      const y = maxPool2d(g.at('a'), g.input('x', [1, 2, 4, 4]), { kernel: 1 });
      return maxPool2d(g.at('b'), y, { kernel: 1 });
    });
    const [a, b] = graph.nodes;
    if (!a || !b) throw new Error('the graph is empty');
    const output = { ...b.output, within: a.output };
    const spoilt = { ...graph, nodes: [a, { ...b, output }], outputs: new Map([['y', output]]) };
    expect(() => plan(spoilt)).toThrow('max_pool2d "b": reads what it writes');
  });

  it('counts its memory: weights as arranged, shared activations, staging for the runs in flight', () => {
    const graph = graphOf((g) => linear(g.at('fc'), g.input('x', [2, 5]), { features: 4 }));
    expect(plan(graph).memory).toEqual({
      weights: 4 * (20 + 4),
      activations: 4 * (10 + 8),
      dimensions: 4 * 64,
      staging: RUNS_IN_FLIGHT * 4 * 8,
      total: 4 * (24 + 18 + 64 + RUNS_IN_FLIGHT * 8),
    });
  });

  it('gives dispatches of the same dimensions one slot of 64 words', () => {
    const compiled = plan(
      lowered({
        a: { dispatches: [dispatch(['x', 'y'], [3, 4])] },
        b: { dispatches: [dispatch(['x', 'y'], [5])] },
        c: { dispatches: [dispatch(['x', 'y'], [3, 4])] },
      }),
    );
    const zeros = (count: number) => Array<number>(count).fill(0);
    expect([...compiled.dimensions]).toEqual([3, 4, ...zeros(62), 5, ...zeros(63)]);
    const last = compiled.dispatches.map(({ bindings }) => bindings.at(-1));
    expect(last).toEqual(
      [0, 1, 0].map((index) => ({
        slot: 2,
        buffer: { pool: 'dimensions', index },
        access: 'uniform',
      })),
    );
    const { dimensions, total, activations, staging } = compiled.memory;
    expect(dimensions).toBe(4 * 2 * 64);
    expect(total).toBe(dimensions + activations + staging);
  });

  it('takes 64 dimensions, and no more', () => {
    const of = (count: number) =>
      plan(lowered({ a: { dispatches: [dispatch(['x', 'y'], Array(count).fill(7))] } }));
    expect([...of(64).dimensions]).toEqual(Array(64).fill(7));
    expect(() => of(65)).toThrow('65 dimensions, at most 64 fit');
  });

  it('estimates what dispatches cost: multiply-adds and elements written, in equal shares', () => {
    const graph = graphOf((g) => linear(g.at('fc'), g.input('x', [2, 5]), { features: 4 }));
    expect(plan(graph).dispatches.map(({ cost }) => cost)).toEqual([2 * 5 * 4 + 2 * 4]);
    const halves = [dispatch(['x', 'part']), dispatch(['part', 'y'])];
    const twice = plan(lowered({ a: { dispatches: halves, scratch: { part: 16 } } }));
    expect(twice.dispatches.map(({ cost }) => cost)).toEqual([2, 2]);
  });

  it('reads one buffer in several slots of a dispatch', () => {
    const [read] = plan(lowered({ a: { dispatches: [dispatch(['x', 'x', 'y'])] } })).dispatches;
    expect(read?.bindings.map(({ buffer }) => buffer.index)).toEqual([0, 0, 1]);
  });

  it('tells a kernel that binds what its node lacks', () => {
    expect(() => plan(lowered({ a: { dispatches: [dispatch(['weight', 'y'])] } }))).toThrow(
      'there is no "weight" for a_kernel of custom "a"',
    );
  });

  it('refuses dispatches that bind more buffers than the device allows', () => {
    const graph = lowered({ a: { dispatches: [dispatch(['x', 'x', 'y'], [1])] } });
    const allowing = (maxStorageBuffersPerShaderStage: number) =>
      plan(graph, profileOf('gpu', { maxStorageBuffersPerShaderStage }));
    expect(allowing(3).dispatches).toHaveLength(1);
    expect(() => allowing(2)).toThrow(
      'custom "a": a_kernel binds 3 buffers, this device allows 2; use fewer values',
    );
  });

  it('says what fits where the plan takes more memory than is allowed', () => {
    const of = (batch: number, maxMemory: number) => {
      const graph = graphOf((g) => linear(g.at('fc'), g.input('x', [batch, 5]), { features: 4 }));
      return compile(graph, { device: { ...profileOf('gpu'), vendor: 'nvidia' }, maxMemory });
    };
    // Weights take 96 bytes, dimensions 256; each image 4 * (5 + 4), and 2 * 4 * 4 to travel back.
    const [fixed, image] = [96 + 256, 36 + 32];
    expect(of(3, fixed + 3 * image).memory.total).toBe(fixed + 3 * image);
    expect(() => of(3, fixed + 3 * image - 1)).toThrow(
      '"test" takes 556 bytes on the device (weights 96, activations 108, staging 96), maxMemory allows 555; a batch of 2 should fit',
    );
    expect(() => of(3, fixed + image)).toThrow('a batch of 1 should fit');
    expect(() => of(3, fixed + image - 1)).toThrow('even one image takes 420');
    // 256 bytes of dimensions; 16 in, 16 out, 2 * 16 to travel back.
    const read = lowered({ a: { dispatches: [dispatch(['x', 'y'], [1])] } });
    expect(() => compile(read, { device: profileOf('gpu'), maxMemory: 319 })).toThrow(
      'even one image takes 320',
    );
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

  describe('refuses what is larger than a buffer of the device:', () => {
    const device = profileOf('gpu', { maxBufferSize: 4096, maxStorageBufferBindingSize: 1024 });

    it.each<[string, string, (g: GraphBuilder) => Graph]>([
      [
        'an input',
        'input "x" takes 1028 bytes, a buffer of this device holds at most 1024; use a smaller batch, image or model',
        (g) => {
          g.output('y', relu(g.at('act'), g.input('x', [1, 257])));
          return g.build('test');
        },
      ],
      [
        'an activation, by the name of its layer',
        'the output of concat "layer1.cat" takes 1600 bytes, a buffer of this device holds at most 1024; use a smaller batch, image or model',
        (g) => {
          const x = g.input('x', [1, 1, 10, 10]);
          g.output('y', concat(g.at('layer1').at('cat'), [x, x, x, x]));
          return g.build('test');
        },
      ],
      [
        'a weight',
        'weight "fc.weight" takes 1600 bytes, a buffer of this device holds at most 1024; use a smaller batch, image or model',
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

    it('scratch, by the names of the layer and of it', () => {
      const dispatches = [dispatch(['x', 'part']), dispatch(['part', 'y'])];
      const of = (part: number) => lowered({ a: { dispatches, scratch: { part } } });
      expect(plan(of(1024), device).dispatches).toHaveLength(2);
      expect(() => plan(of(1028), device)).toThrow('"a (part)" takes 1028 bytes');
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
