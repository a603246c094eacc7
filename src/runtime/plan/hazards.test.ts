import { describe, expect, it } from 'vitest';
import { faultsOf } from '../../../test/fixtures/check_plan.ts';
import { profileOf } from '../../../test/fixtures/profiles.ts';
import { Random, seeds } from '../../../test/fixtures/random.ts';
import { randomGraph } from '../../../test/fixtures/random_graph.ts';
import { relu } from '../../layers/activations.ts';
import { add } from '../../layers/arithmetic.ts';
import { maxPool2d } from '../../layers/pool2d.ts';
import type { DeviceProfile } from '../device_profile.ts';
import type { Graph } from '../graph.ts';
import { GraphBuilder } from '../graph_builder.ts';
import { type PrepareOptions, prepare } from '../prepare.ts';
import type { ExecutionPlan } from './compile.ts';
import { lowerBoundOf } from './memory_plan.ts';

const DEVICES: readonly DeviceProfile[] = [
  profileOf('gpu'),
  profileOf('llvmpipe'),
  profileOf('swiftshader'),
];

const OPTIONS: readonly Omit<PrepareOptions, 'device'>[] = [
  { precision: 'f16' },
  { optimize: false },
  { observed: true },
  { kernels: () => 'conv2d_winograd' },
];

function planned(
  graph: Graph,
  device: DeviceProfile,
  options: Omit<PrepareOptions, 'device'> = {},
): ExecutionPlan {
  return prepare(graph, { ...options, device }).plan;
}

describe('a plan', () => {
  it.each(seeds(200))('loses nothing that is still read: random graph of seed %i', (seed) => {
    const random = new Random(3000 + seed);
    const graph = randomGraph(random, random.int(5, 35));
    const cases = [...DEVICES.map((device) => ({ device, options: {} }))];
    cases.push({ device: random.pick(DEVICES), options: random.pick(OPTIONS) });
    for (const { device, options } of cases) {
      const plan = planned(graph, device, options);
      const { bytes } = plan.activations;
      const lowerBound = lowerBoundOf(plan.activations);
      expect(faultsOf(plan, device), `${device.family} ${JSON.stringify(options)}`).toEqual([]);
      expect(bytes).toBeGreaterThanOrEqual(lowerBound);
    }
  });

  describe('of which something is wrong is found out:', () => {
    const device = profileOf('gpu');

    /** A sum whose first term waits while the other is computed. */
    function waiting(): ExecutionPlan {
      const g = GraphBuilder.create();
      const a = relu(g.at('a'), g.input('x', [1, 2, 4, 4]));
      const b = maxPool2d(g.at('b'), a, { kernel: 3, stride: 1, padding: 1 });
      const c = maxPool2d(g.at('c'), b, { kernel: 3, stride: 1, padding: 1 });
      g.output('y', add(g.at('sum'), c, a));
      return planned(g.build('test'), device, { optimize: false });
    }

    it('nothing as it stands', () => {
      expect(faultsOf(waiting(), device)).toEqual([]);
    });

    it('one buffer for all', () => {
      const plan = waiting();
      const dispatches = plan.dispatches.map((dispatch) => ({
        ...dispatch,
        bindings: dispatch.bindings.map((bound) => ({
          ...bound,
          buffer: { ...bound.buffer, index: 0 },
        })),
      }));
      const faults = faultsOf({ ...plan, dispatches }, device);
      expect(faults).toContain('b: binds activation 0 for reading and for writing');
      expect(faults).toContain('sum, dispatch 0: 32 of x1 are gone');
    });

    it('what is written where something waits', () => {
      const plan = waiting();
      const written = plan.dispatches[0]?.bindings.find(({ access }) => access === 'read_write');
      const home = written?.buffer.index ?? -1;
      const [, , third] = plan.dispatches;
      const spoilt = plan.dispatches.map((dispatch) => ({
        ...dispatch,
        bindings: dispatch.bindings.map((bound) =>
          dispatch === third && bound.access === 'read_write'
            ? { ...bound, buffer: { ...bound.buffer, index: home } }
            : bound,
        ),
      }));
      expect(faultsOf({ ...plan, dispatches: spoilt }, device)).toContain(
        'sum, dispatch 0: 32 of x1 are gone',
      );
    });

    it('dispatches in another order', () => {
      const plan = waiting();
      const dispatches = plan.dispatches.toReversed();
      expect(faultsOf({ ...plan, dispatches }, device)).toContain('out of order');
    });

    it('a buffer that is too small', () => {
      const plan = waiting();
      const activations = { ...plan.activations, buffers: plan.activations.buffers.map(() => 64) };
      expect(() => faultsOf({ ...plan, activations }, device)).toThrow('beyond its buffer');
    });
  });
});
