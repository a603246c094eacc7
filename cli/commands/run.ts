import { readFileSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import {
  buildModel,
  elementCount,
  formatShape,
  type ModelDef,
  type Shape,
  ShapeError,
  syntheticInput,
  TilewiseError,
} from '../../src/index.ts';
import { parseShape } from '../../terminal/option_values.ts';
import { formatMs, print, printJson, roundMs } from '../../terminal/output.ts';
import { openModel } from '../open_model.ts';
import {
  addCommonOptions,
  addWeightsOptions,
  type CommonOptions,
  MODEL_OPTION,
  type WeightsOptions,
} from '../options.ts';
import { openSession, withDevice } from '../runner.ts';
import { loadWeights } from '../weights.ts';

interface RunOptions extends CommonOptions, WeightsOptions {
  readonly model: string;
  readonly input: string;
  readonly shape?: Shape;
  readonly output?: string;
}

export function addRunCommand(program: Command): void {
  const command = program
    .command('run')
    .description('run a model on a raw tensor: little-endian f32 in, little-endian f32 out')
    .requiredOption(...MODEL_OPTION)
    .requiredOption('--input <file>', 'a file of f32 values in NCHW order, or "synthetic"')
    .option(
      '--shape <N,C,H,W>',
      "shape of the input; the model's own, one image, by default",
      parseShape,
    )
    .option('--output <file>', 'where to write the logits');
  addWeightsOptions(command);
  addCommonOptions(command).action(run);
}

async function run(options: RunOptions): Promise<void> {
  const model = openModel(options.model);
  const shape = options.shape ?? [1, model.channels, ...model.size];
  const graph = buildModel(model, sizesOf(model, shape));
  const input =
    options.input === 'synthetic' ? syntheticInput(shape) : readInput(options.input, shape);
  const weights = await loadWeights(model, graph, options);
  await withDevice(options, async ({ device }) => {
    using session = await openSession(device, graph, { ...options, weights });
    const begun = performance.now();
    const { logits = new Float32Array() } = await session.run(input);
    const ms = performance.now() - begun;
    if (options.output) writeOutput(options.output, logits);
    const outputShape = session.outputs[0]?.shape ?? [];
    if (options.json) {
      const adapter = device.adapter.name;
      const facts = { inputShape: shape, outputShape, ms: roundMs(ms), adapter };
      printJson({ model: model.name, ...facts });
      return;
    }
    print(`${model.name} on ${device.adapter.name}`);
    print(`${formatShape(shape)} -> ${formatShape(outputShape)} in ${formatMs(ms)}`);
    print(options.output ? `written to ${options.output}` : preview(logits));
  });
}

function sizesOf(
  model: ModelDef,
  shape: Shape,
): { batch: number; size: readonly [number, number] } {
  const [batch = 1, channels, height = 1, width = 1] = shape;
  if (channels !== model.channels) {
    throw new ShapeError(
      `model "${model.name}" takes ${model.channels} channels, --shape has ${channels} ${formatShape(shape)}`,
    );
  }
  return { batch, size: [height, width] };
}

function readInput(path: string, shape: Shape): Float32Array {
  const bytes = readBytes(path);
  const expected = elementCount(shape) * Float32Array.BYTES_PER_ELEMENT;
  if (bytes.byteLength !== expected) {
    throw new ShapeError(
      `input file "${path}" has ${bytes.byteLength} bytes, a tensor ${formatShape(shape)} of f32 takes ${expected}; give the right --shape`,
    );
  }
  // Copied, since a small file's buffer may begin at any offset.
  return new Float32Array(Uint8Array.from(bytes).buffer);
}

function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TilewiseError(`input file "${path}" cannot be read: ${reason}`, { cause });
  }
}

function writeOutput(path: string, values: Float32Array): void {
  try {
    writeFileSync(path, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TilewiseError(`output file "${path}" cannot be written: ${reason}`, { cause });
  }
}

function preview(values: Float32Array): string {
  const shown = [...values.subarray(0, 8)].map((value) => value.toFixed(4)).join(' ');
  return values.length > 8 ? `${shown} ...` : shown;
}
