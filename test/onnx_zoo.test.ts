/**
 * Networks that people export, small inputs that were faults once, and ONNX's own cases of operators: `npm run
 * test:onnx`, where TILEWISE_TEST_DATA names the folder that holds them. What is not read is refused when it is loaded,
 * and listed here with its reason.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { createSession, type Shape } from '../src/index.ts';
import { loadOnnx } from '../src/onnx/index.ts';
import { ModelProtoSchema, TensorProtoSchema } from '../src/onnx/schema/onnx_pb.ts';
import { constantOf } from '../src/onnx/tensor.ts';
import { UnsupportedError } from '../src/runtime/errors.ts';
import { largest } from './fixtures/compare_graphs.ts';
import { useDevice } from './fixtures/device.ts';
import { KNOWN } from './fixtures/onnx_known.ts';

const device = useDevice();
const data = process.env.TILEWISE_TEST_DATA;
const wanted = process.env.TILEWISE_ONNX_ZOO !== undefined;

interface Tensor {
  readonly name: string;
  readonly shape: Shape;
  readonly data: Float32Array;
}

interface Case {
  readonly bytes: Uint8Array;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Float32Array[];
  /** Of the largest value. */
  readonly tolerance: number;
}

interface Description {
  readonly name: string;
  readonly model: string;
  readonly inputs: readonly {
    readonly name: string;
    readonly shape: Shape;
    readonly file: string;
  }[];
  readonly outputs: readonly string[];
  readonly tolerance?: number;
}

function floats(path: string): Float32Array {
  return new Float32Array(Uint8Array.from(readFileSync(path)).buffer);
}

function described(folder: string, file: string): Case {
  const about = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Description;
  return {
    bytes: Uint8Array.from(readFileSync(join(folder, about.model))),
    inputs: about.inputs.map((input) => ({ ...input, data: floats(join(folder, input.file)) })),
    outputs: about.outputs.map((output) => floats(join(folder, output))),
    tolerance: about.tolerance ?? 1e-3,
  };
}

function tensorIn(path: string): Tensor {
  const tensor = fromBinary(TensorProtoSchema, readFileSync(path));
  const { shape, numbers } = constantOf(tensor, tensor.name, undefined);
  return { name: tensor.name, shape, data: Float32Array.from(numbers()) };
}

/** A case of ONNX's suite: `model.onnx`, and what goes in and comes out. */
function official(folder: string): Case {
  const bytes = Uint8Array.from(readFileSync(join(folder, 'model.onnx')));
  const { graph } = fromBinary(ModelProtoSchema, bytes);
  const initializers = new Set(graph?.initializer.map(({ name }) => name));
  const names = (graph?.input ?? [])
    .map(({ name }) => name)
    .filter((name) => !initializers.has(name));
  const set = join(folder, 'test_data_set_0');
  const numbered = (kind: string, i: number) => join(set, `${kind}_${i}.pb`);
  const given = names.filter((_, i) => existsSync(numbered('input', i)));
  const outputs = (graph?.output ?? []).filter((_, i) => existsSync(numbered('output', i)));
  return {
    bytes,
    inputs: given.map((name, i) => ({ ...tensorIn(numbered('input', i)), name })),
    outputs: outputs.map((_, i) => tensorIn(numbered('output', i)).data),
    tolerance: 1e-3,
  };
}

/**
 * With all inputs fed at each run; where one must be known, with all but the first known. Of numbers alone, such as the
 * bounds of a range, a shape may depend on each.
 */
async function run({ bytes, inputs }: Case): Promise<readonly Float32Array[]> {
  const fewest = inputs.every(({ shape }) => shape.length === 0) ? 0 : 1;
  try {
    return await runWith(bytes, inputs, inputs.length);
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    return runWith(bytes, inputs, Math.min(fewest, inputs.length - 1));
  }
}

async function runWith(
  bytes: Uint8Array,
  inputs: readonly Tensor[],
  fed: number,
): Promise<readonly Float32Array[]> {
  const feeds = inputs.slice(0, fed);
  const { graph, weights } = loadOnnx(bytes, {
    shapes: Object.fromEntries(feeds.map(({ name, shape }) => [name, shape])),
    constants: Object.fromEntries(inputs.slice(fed).map((tensor) => [tensor.name, tensor])),
  });
  using session = await createSession(device(), graph, { weights });
  const results = await session.run(
    Object.fromEntries(feeds.map(({ name, data }) => [name, data])),
  );
  return session.outputs.map(({ name }) => results[name] ?? new Float32Array());
}

async function check(one: Case): Promise<void> {
  const results = await run(one);
  for (const [i, expected] of one.outputs.entries()) {
    const actual = results[i] ?? new Float32Array();
    expect(actual.length, `elements of output ${i}`).toBe(expected.length);
    const finite = expected.filter(Number.isFinite);
    const most = one.tolerance * largest(Float64Array.from(finite)) + 1e-7;
    const wrong = expected.findIndex((value, at) => !agrees(actual[at] ?? Number.NaN, value, most));
    expect(wrong, `output ${i}: ${actual[wrong]} in place of ${expected[wrong]}`).toBe(-1);
  }
}

function agrees(actual: number, expected: number, most: number): boolean {
  return Object.is(actual, expected) || Math.abs(actual - expected) <= most || actual === expected;
}

if (data === undefined || !wanted) {
  it('ONNX’s suite and the zoo are not run: `npm run test:onnx` does, with TILEWISE_TEST_DATA', () => {
    console.log('ONNX’s suite and the zoo are not run: that takes `npm run test:onnx`');
  });
} else {
  const root = join(data, 'onnx');
  const cases = [
    ...['zoo', 'cases'].flatMap((kind) =>
      readdirSync(join(root, kind))
        .filter((file) => file.endsWith('.json'))
        .map((file) => ({
          name: `${kind}/${file.slice(0, -5)}`,
          open: () => described(join(root, kind), file),
        })),
    ),
    ...readdirSync(join(root, 'suite')).flatMap((kind) =>
      readdirSync(join(root, 'suite', kind)).map((name) => ({
        name: `suite/${kind}/${name}`,
        open: () => official(join(root, 'suite', kind, name)),
      })),
    ),
  ];
  describe('loadOnnx', () => {
    it.for(cases.map(({ name, open }) => [name, open] as const))(
      '%s',
      async ([name, open], { skip }) => {
        const known = KNOWN.find(({ names }) => names.includes(name));
        skip(known?.varies ?? false, known?.why);
        if (!known) await check(open());
        // Whoever mends one takes it off the list.
        else await expect(check(open()), known.why).rejects.toThrow();
      },
    );
  });
}
