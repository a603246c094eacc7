import type { Command } from 'commander';
import { formatShape, type Shape } from '../../src/index.ts';
import { collect } from '../../terminal/option_values.ts';
import { formatMs, print, printJson, roundMs } from '../../terminal/output.ts';
import { formatTable } from '../../terminal/table.ts';
import { addModelFileOptions, type ModelFileOptions, readingOf } from '../model_file.ts';
import {
  addCommonOptions,
  addWeightsOptions,
  type CommonOptions,
  MODEL_OPTION,
  type WeightsOptions,
} from '../options.ts';
import { feedsOf, readRunInputs } from '../run_inputs.ts';
import { planOutputs } from '../run_outputs.ts';
import { openRunnable } from '../runnable.ts';
import { openSession, withDevice } from '../runner.ts';
import { type NamedTensor, writeTensors } from '../tensor_files.ts';
import { loadWeights } from '../weights.ts';

/** An input or output of a session. */
type Port = Pick<NamedTensor, 'name' | 'shape'>;

interface RunOptions extends CommonOptions, WeightsOptions, ModelFileOptions {
  readonly model: string;
  readonly input: readonly string[];
  readonly shape?: readonly string[];
  readonly output?: readonly string[];
}

export function addRunCommand(program: Command): void {
  const command = program
    .command('run')
    .description(
      'run a model on tensors in files: .npy, .npz, or raw little-endian f32 under any other name',
    )
    .requiredOption(...MODEL_OPTION)
    .requiredOption(
      '--input <[name=]file>',
      'what goes into an input, or "synthetic"; once for each input, or one .npz that has them by name',
      collect,
    )
    .option(
      '--shape <[name=]extents>',
      "shape of an input, such as 1,3,224,224; by default a .npy file's, or the model's own, of one image",
      collect,
    )
    .option(
      '--output <[name=]file>',
      'where to write an output, in f32; without a name the first one, or all into a .npz',
      collect,
    );
  addModelFileOptions(addWeightsOptions(command));
  addCommonOptions(command).action(run);
}

async function run(options: RunOptions): Promise<void> {
  const model = openRunnable(options.model, await readingOf(options));
  const inputs = readRunInputs(model, options.input, options.shape ?? []);
  const shapes = [...inputs].flatMap(([name, { shape }]) =>
    shape ? [[name, shape] as const] : [],
  );
  const { graph, weights: own } = model.build(Object.fromEntries(shapes));
  const feeds = feedsOf(graph, inputs);
  const files = planOutputs(options.output ?? [], [...graph.outputs.keys()]);
  const named = { name: model.name, ...(own && { weights: own }) };
  const weights = await loadWeights(named, graph, options);
  await withDevice(options, async ({ device }) => {
    using session = await openSession(device, graph, { ...options, weights });
    const begun = performance.now();
    const results = await session.run(feeds);
    const ms = performance.now() - begun;
    const outputs = session.outputs.map(({ name, shape }) => {
      return { name, shape, data: results[name] ?? new Float32Array() };
    });
    for (const [path, names] of files) {
      await writeTensors(
        path,
        outputs.filter(({ name }) => names.includes(name)),
      );
    }
    if (options.json) {
      const facts = { ms: roundMs(ms), adapter: device.adapter.name };
      const [fed, made] = [shapesOf(session.inputs), shapesOf(outputs)];
      printJson({ model: model.name, inputs: fed, outputs: made, ...facts });
      return;
    }
    print(`${model.name} on ${device.adapter.name} in ${formatMs(ms)}`);
    const rows = [
      ...session.inputs.map((input) => rowOf('in', input, inputs.get(input.name)?.from ?? '')),
      ...outputs.map((output) => rowOf('out', output, whereabouts(output, files))),
    ];
    print(formatTable(['', 'name', 'shape', 'file or values'], rows));
  });
}

function shapesOf(ports: readonly Port[]): Readonly<Record<string, Shape>> {
  return Object.fromEntries(ports.map(({ name, shape }) => [name, shape]));
}

function rowOf(way: string, { name, shape }: Port, rest: string): readonly string[] {
  return [way, name, formatShape(shape), rest];
}

/** The files that have an output, or else its first values. */
function whereabouts(
  { name, data }: NamedTensor,
  files: ReadonlyMap<string, readonly string[]>,
): string {
  const paths = [...files].flatMap(([path, names]) => (names.includes(name) ? [path] : []));
  return paths.join(', ') || preview(data);
}

function preview(values: Float32Array): string {
  const shown = [...values.subarray(0, 8)].map((value) => value.toFixed(4)).join(' ');
  return values.length > 8 ? `${shown} ...` : shown;
}
