import { describe, expect, it } from 'vitest';
import { graphOf } from '../../test/fixtures/build_one.ts';
import { limitBindings, useDevice, useDevices } from '../../test/fixtures/device.ts';
import { clip, relu } from '../layers/activations.ts';
import { add, mul } from '../layers/arithmetic.ts';
import { concat } from '../layers/concat.ts';
import { linear, linearOp } from '../layers/linear.ts';
import { softmax } from '../layers/softmax.ts';
import type { References } from '../reference.ts';
import type { OpDef } from '../runtime/graph.ts';
import { kernel, type NoConfig } from '../runtime/kernel.ts';
import { candidatesOf, inputDesc } from '../runtime/operator.ts';
import { syntheticTensor, syntheticWeights } from '../runtime/weights/synthetic.ts';
import type { WeightSource } from '../runtime/weights/weight_source.ts';
import { verify } from './verify.ts';

const openDevice = useDevices();
const device = useDevice(openDevice);
const weights = syntheticWeights([]);

const TWICE = `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < 6u) { y[id.x] = 2.0 * x[id.x]; }
}`;

const twice = kernel<object, NoConfig, string>({
  name: 'twice',
  configs: () => [{}],
  lower: () => ({
    dispatches: [
      {
        source: TWICE,
        bindings: [
          { slot: 0, value: 'x', access: 'read' },
          { slot: 1, value: 'y', access: 'read_write' },
        ],
        workgroups: [1, 1, 1],
      },
    ],
  }),
});

/** Twice its input, under any name. */
const doubling = (name: string): OpDef => ({
  name,
  inferShape: (call) => inputDesc(call, 'x'),
  candidates: candidatesOf(() => ({}), [twice]),
});

const doubled = (name = 'twice') =>
  graphOf((g) => g.at('layer').add(doubling(name), {}, { x: g.input('x', [2, 3]) }));

const x = Float32Array.of(1, 2, 3, 4, 5, 6);

describe('verify of an operator of the caller', () => {
  it('is by its reference', async () => {
    const references: References = {
      twice: (_, { x = new Float64Array() }) => x.map((v) => 2 * v),
    };
    const checks = await verify(device(), doubled(), { x }, { weights, references });
    expect(checks).toMatchObject([{ layer: 'layer', ok: true, error: 0 }]);
  });

  it.each([
    ['no values', new Float64Array(), 'Float64Array of 0'],
    ['one of six values', Float64Array.of(2), 'Float64Array of 1'],
    ['an array of another type', new Float32Array(6), 'Float32Array of 6'],
    ['nothing', undefined, 'undefined'],
  ])('fails where the reference returns %s', async (_, result, got) => {
    const references = { twice: () => result as Float64Array };
    await expect(verify(device(), doubled(), { x }, { weights, references })).rejects.toMatchObject(
      {
        name: 'ShapeError',
        message: `twice "layer": the reference must return a Float64Array of 6 values [2, 3], got ${got}`,
      },
    );
  });

  it.each(['twice', 'constructor', 'toString'])('fails where "%s" has none', async (name) => {
    await expect(verify(device(), doubled(name), { x }, { weights })).rejects.toMatchObject({
      name: 'UnsupportedError',
      message: `${name} "layer": the operator has no reference on the CPU; hand one in under the name "${name}"`,
    });
  });
});

describe('verify approves of', () => {
  it('an infinite mask', async () => {
    const graph = graphOf((g) =>
      softmax(g.at('s'), add(g.at('a'), g.input('x', [1, 4]), g.input('mask', [1, 4]))),
    );
    const inputs = { x: Float32Array.of(1, 2, 3, 4), mask: Float32Array.of(0, -Infinity, 0, 0) };
    const checks = await verify(device(), graph, inputs, { weights });
    expect(checks.map(({ layer, ok }) => [layer, ok])).toEqual([
      ['s', true],
      ['a', true],
    ]);
  });

  it('constants that are beyond f32', async () => {
    const graph = graphOf((g) => {
      const bounded = clip(g.at('clip'), g.input('x', [6]), { least: -1e300, most: 1e300 });
      return mul(g.at('tiny'), relu(g, bounded), 2 ** -1000);
    });
    const inputs = { x: Float32Array.of(3e38, -3e38, 1, 0, Infinity, -Infinity) };
    const options = { weights, optimize: false };
    const checks = await verify(device(), graph, inputs, options);
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  });

  it('layers and weights that are called as the parts of a layer that is split', async () => {
    const small = await openDevice();
    limitBindings(small, 10256);
    const graph = graphOf((g) => {
      const x = g.input('x', [1, 40]);
      const other = linear(g.at('fc 0..63'), x, { features: 5 });
      const weight = g.weight('fc.weight 0..63', [64, 40]);
      const product = g.at('third').add(linearOp, {}, { x, weight });
      const y = linear(g.at('fc'), x, { features: 100 });
      return concat(g.at('all'), [other, product, y], 1);
    });
    const inputs = { x: Float32Array.from({ length: 40 }, (_, i) => i / 40) };
    const named: WeightSource = { ...weights, read: (name, shape) => syntheticTensor(name, shape) };
    const checks = await verify(small, graph, inputs, { weights: named });
    expect(checks.map(({ layer }) => layer)).toContain('fc 0..63#2');
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  });
});
