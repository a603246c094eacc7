/** examples/own-kernel.ts: an operator with a kernel of its own, in everything that takes operators. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importers, maxBlurPool } from '../examples/own-kernel.ts';
import { packageFile } from '../node/package_file.ts';
import {
  conv2d,
  createSession,
  defineOperator,
  type Graph,
  GraphBuilder,
  type KernelDef,
  kernel,
  type OperatorDefinition,
  profile,
  relu,
  runReference,
  syntheticInput,
  syntheticWeights,
  tune,
  verify,
} from '../src/index.ts';
import { loadOnnx } from '../src/onnx/index.ts';
import { runCli, temporaryFolder } from './fixtures/cli.ts';
import { useDevice } from './fixtures/device.ts';
import { onnxFile, onnxInput, onnxNode } from './fixtures/onnx_model.ts';

const device = useDevice();
const weights = syntheticWeights([]);

/** The pool between two convolutions, on a map of these extents. */
function network(height: number, width: number): Graph {
  const g = GraphBuilder.create();
  const x = g.input('x', [2, 3, height, width]);
  const y = relu(g.at('relu'), conv2d(g.at('first'), x, { channels: 5, kernel: 1 }));
  const pooled = maxBlurPool(g.at('pool'), y);
  g.output('pooled', pooled);
  g.output('last', conv2d(g.at('last'), pooled, { channels: 4, kernel: 1 }));
  return g.build('network');
}

/** A file with a node of a domain of its own. */
function file(): Uint8Array {
  const pool = { ...onnxNode('MaxBlurPool', 'a', 'y'), domain: 'com.example', name: 'pool' };
  return onnxFile({
    node: [onnxNode('Relu', 'x', 'a'), pool],
    input: [onnxInput('x', [1, 3, 9, 6])],
    output: [onnxInput('y', [1, 3, 4, 3])],
  });
}

describe('an operator of its own', () => {
  it('is the formula', async () => {
    const g = GraphBuilder.create();
    g.output('y', maxBlurPool(g, g.input('x', [1, 1, 2, 5])));
    using session = await createSession(device(), g.build('line'), { weights });
    // The largest of neighbours are 7 2 3 9, and the column before the first is the first.
    const { y } = await session.run(Float32Array.of(7, 1, 2, 3, 9, 0, 0, 0, 0, 0));
    expect([...(y ?? [])]).toEqual([7 / 4 + 7 / 2 + 2 / 4, 2 / 4 + 3 / 2 + 9 / 4]);
  });

  it.each([
    [2, 2],
    [3, 8],
    [9, 6],
    [17, 33],
  ])('agrees with its reference on maps of %i x %i, in both precisions', async (height, width) => {
    const graph = network(height, width);
    const inputs = { x: syntheticInput([2, 3, height, width]) };
    const f16 = device().profile.shaderF16 ? (['f16'] as const) : [];
    for (const precision of ['f32', ...f16] as const) {
      const checks = await verify(device(), graph, inputs, { weights, precision });
      expect(checks.map(({ layer }) => layer)).toContain('pool');
      expect(checks.filter(({ ok }) => !ok)).toEqual([]);
    }
  });

  it('is tuned, and timed layer by layer', async () => {
    const graph = network(9, 6);
    const { tuning, results } = await tune(device(), graph, { candidates: 1 });
    expect(results.map(({ kernel }) => kernel)).toContain('max_blur_pool');
    using session = await createSession(device(), graph, { weights, tuning });
    const { layers } = await profile(session, syntheticInput([2, 3, 9, 6]), { runs: 1 });
    expect(layers.map(({ layer }) => layer)).toContain('pool');
  });

  it('is read from files that name it, and refused by name without', async () => {
    const { graph, weights: none } = loadOnnx(file(), { importers });
    const x = Float32Array.from({ length: 3 * 9 * 6 }, (_, i) => ((i * 37) % 19) - 9);
    using session = await createSession(device(), graph, { weights: none });
    const { y = new Float32Array() } = await session.run(x);
    const [, expected] = [...runReference(graph, none, { x }).values()].slice(-2);
    expect([...y]).toEqual([...(expected ?? [])].map(Math.fround));
    expect(() => loadOnnx(file())).toThrow('com.example.MaxBlurPool');
  });

  it.skipIf(process.env.TILEWISE_TEST_BUILT)('is taken by commands', async () => {
    const model = join(temporaryFolder(), 'own.onnx');
    writeFileSync(model, file());
    const operators = packageFile('examples', 'own-kernel.ts');
    const options = ['--model', model, '--operators', operators];
    const bench = await runCli(['bench', 'kernels', ...options, '--quick']);
    expect(bench.stdout).toContain('max_blur_pool 1,3,9,6');
    expect(bench.code).toBe(0);
    const missing = await runCli(['inspect', '--model', model, '--operators', `${operators}x`]);
    expect(missing.stderr).toContain('--operators: ');
    expect(missing.code).toBe(1);
  });
});

const GOOD_KERNEL: KernelDef<object> = {
  name: 'way',
  configs: () => [{}],
  lower: () => ({ dispatches: [GOOD_DISPATCH] }),
};
const GOOD_BINDING = { slot: 1, value: 'y', access: 'read_write' } as const;
const GOOD_DISPATCH = {
  source: `
    @group(0) @binding(1) var<storage, read_write> y: array<f32>;
    @compute @workgroup_size(1) fn main() { y[0] = 1.0; }`,
  bindings: [GOOD_BINDING],
  workgroups: [1, 1, 1],
} as const;

function definition(
  change: object = {},
  way: object = {},
): OperatorDefinition<object, 'x', object> {
  return {
    name: 'mine',
    inferShape: () => ({ shape: [1], dtype: 'f32' }),
    reference: () => Float64Array.of(1),
    problemOf: () => ({}),
    kernels: [kernel({ ...GOOD_KERNEL, ...way })],
    ...change,
  };
}

describe('defineOperator', () => {
  it.each([
    [{ name: '' }, 'definition.name must be a text, and none of pointwise'],
    [{ name: 'concat' }, 'definition.name must be'],
    [{ inferShape: undefined }, 'definition.inferShape must be a function, got undefined'],
    [{ reference: 5 }, 'definition.reference must be a function, got 5'],
    [{ problemOf: {} }, 'definition.problemOf must be a function, got Object'],
    [{ kernels: [] }, 'definition.kernels must be an array of what kernel() made, not empty'],
    [{ kernels: [GOOD_KERNEL] }, 'definition.kernels must be an array of what kernel() made'],
    [{ views: { x: 'maps' } }, 'definition.views must be "any", or "map" or "any" by role'],
    [{ exact: 1 }, 'definition.exact must be true or false, or left out, got 1'],
    [{ infershape: () => {} }, 'definition has no field "infershape"; there are name, inferShape'],
  ])('names the field that is wrong: %o', (change, message) => {
    expect(() => defineOperator(definition(change))).toThrow(`defineOperator: ${message}`);
  });

  it.each([
    [{ name: 5 }, 'def.name must be a text that is not empty, got 5'],
    [{ configs: [{}] }, 'def.configs must be a function, got Array of 1'],
    [{ lower: undefined }, 'def.lower must be a function, got undefined'],
    [{ prefers: 'npu' }, 'def.prefers must be cpu or gpu, or left out, got npu'],
    [{ costs: () => 1 }, 'def has no field "costs"; there are name, configs'],
  ])('names the field of a kernel that is wrong: %o', (change, message) => {
    expect(() => definition({}, change)).toThrow(`kernel: ${message}`);
  });

  it.each([
    [{ source: 5 }, 'dispatches[0].source must be a text that is not empty, got 5'],
    [{ workgroups: [1, 1] }, 'dispatches[0].workgroups must be three integers of at least 1'],
    [{ workgroups: [1, 0.5, 1] }, 'dispatches[0].workgroups must be three integers'],
    [
      { bindings: [{ ...GOOD_BINDING, value: 'z' }] },
      'dispatches[0].bindings[0].value must be x or y, got z',
    ],
    [
      { bindings: [GOOD_BINDING, { ...GOOD_BINDING, access: 'write' }] },
      'dispatches[0].bindings[1].access must be read or read_write, got write',
    ],
    [{ workgroup: [1, 1, 1] }, 'dispatches[0] has no field "workgroup"; there are source'],
  ])('names the field of a dispatch that is wrong: %o', async (change, message) => {
    const lower = () => ({ dispatches: [{ ...GOOD_DISPATCH, ...change }] });
    const op = defineOperator(definition({}, { lower }));
    const g = GraphBuilder.create();
    g.output('y', g.at('here').add(op, {}, { x: g.input('x', [1]) }));
    await expect(createSession(device(), g.build('net'), { weights })).rejects.toThrow(
      `mine "here": kernel "way": lowering.${message}`,
    );
  });

  it('makes an operator of a good definition', async () => {
    const g = GraphBuilder.create();
    g.output('y', g.add(defineOperator(definition()), {}, { x: g.input('x', [1]) }));
    using session = await createSession(device(), g.build('net'), { weights });
    expect(await session.run(Float32Array.of(5))).toEqual({ y: Float32Array.of(1) });
  });
});
