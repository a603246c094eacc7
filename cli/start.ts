/** `npm start`: a digit and a photo, classified on this machine's GPU. */
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Command } from 'commander';
import { decodeImage } from '../node/decode_image.ts';
import { packageFile } from '../node/package_file.ts';
import {
  buildClassifier,
  type Classification,
  type Classifier,
  type CreateSessionOptions,
  type Device,
  findModel,
} from '../src/index.ts';
import { runCommand } from '../terminal/failure.ts';
import { formatMs, print } from '../terminal/output.ts';
import { formatTable } from '../terminal/table.ts';
import {
  addCommonOptions,
  addWeightsOptions,
  type CommonOptions,
  type WeightsOptions,
} from './options.ts';
import { createClassifier, withDevice } from './runner.ts';
import { findWeights, loadWeights } from './weights.ts';

type StartOptions = CommonOptions & WeightsOptions;

/** How long the parts of one model took, in milliseconds. */
interface Times {
  readonly model: string;
  readonly loadMs: number;
  readonly firstMs: number;
  readonly nextMs: number;
}

async function start(options: StartOptions): Promise<void> {
  await withDevice(options, async ({ device }) => {
    const duration = device.adapter.software
      ? 'some 20 seconds on two free cores, a minute on busy ones'
      : 'some seconds';
    print(`Tilewise on ${device.adapter.name}: this takes ${duration}\n`);
    const times = [await classifyDigits(device, options), await classifyPhoto(device, options)];
    print('');
    print(
      formatTable(
        ['model', 'load and compile', 'first image', 'next image'],
        times.map(({ model, loadMs, firstMs, nextMs }) => [
          model,
          formatMs(loadMs),
          formatMs(firstMs),
          formatMs(nextMs),
        ]),
      ),
    );
  });
}

async function classifyDigits(device: Device, { precision }: StartOptions): Promise<Times> {
  const folder = packageFile('samples', 'digits');
  const files = readdirSync(folder).filter((name) => name.endsWith('.png'));
  print('LeNet reads ten digits and a photo of a seven (samples/digits):');
  const graph = buildClassifier(findModel('lenet'), { outputs: ['probabilities'] });
  const weights = await loadWeights(findModel('lenet'), graph, {});
  const { results, times } = await classifyAll(
    device,
    'lenet',
    { weights, precision },
    files.map((name) => join(folder, name)),
  );
  const rows = results.map(({ file, top: [best] }) => [
    basename(file),
    best?.label ?? '',
    best?.probability.toFixed(4) ?? '',
  ]);
  print(formatTable(['file', 'digit', 'probability'], rows));
  return times;
}

async function classifyPhoto(device: Device, options: StartOptions): Promise<Times> {
  const model = findModel('resnet50');
  const graph = buildClassifier(model, { outputs: ['probabilities'] });
  const wanted = options.weights ?? findWeights(model.name) ?? 'synthetic';
  const weights = await loadWeights(model, graph, { ...options, weights: wanted });
  print(`\nResNet-50 looks at samples/photos/chelsea.png, a cat, with weights "${weights.name}":`);
  const photo = packageFile('samples', 'photos', 'chelsea.png');
  const chosen = { weights, precision: options.precision };
  const { results, times } = await classifyAll(device, model.name, chosen, [photo, photo]);
  if (weights.tensors) {
    const rows = results[0]?.top.map(({ label, probability }) => [label, probability.toFixed(4)]);
    print(formatTable(['class', 'probability'], rows ?? []));
  } else {
    print(`  Synthetic weights know nothing of cats: this shows speed only. For real answers get
  torchvision's weights, 102 MB, by: npm run -s tilewise -- download resnet50`);
  }
  return times;
}

interface Classified {
  readonly file: string;
  readonly top: readonly Classification[];
}

async function classifyAll(
  device: Device,
  model: string,
  chosen: Pick<CreateSessionOptions, 'weights' | 'precision'>,
  files: readonly string[],
): Promise<{ readonly results: readonly Classified[]; readonly times: Times }> {
  const begun = performance.now();
  using classifier: Classifier = await createClassifier(device, findModel(model), chosen);
  const loadMs = performance.now() - begun;
  const results: Classified[] = [];
  const ms: number[] = [];
  for (const file of files) {
    const image = await decodeImage(file);
    const imageBegun = performance.now();
    results.push({ file, top: await classifier.classify(image) });
    ms.push(performance.now() - imageBegun);
  }
  const [firstMs = 0, ...rest] = ms;
  return { results, times: { model, loadMs, firstMs, nextMs: Math.min(...rest) } };
}

const command = addCommonOptions(addWeightsOptions(new Command('npm start --')))
  .description('Classifies the sample digits with LeNet and a sample photo with ResNet-50.')
  .action(start);

await runCommand(() => command.parseAsync());
