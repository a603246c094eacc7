/**
 * Says what is in pictures, without a browser: `node node-script.mjs 7.png 4.png`. Install beside it what Node lacks, a
 * GPU and a reader of pictures: `npm install tilewise webgpu sharp`.
 *
 * The weights of LeNet, which reads digits, come with the package. Other models are given with theirs:
 * `node node-script.mjs cat.jpg --model resnet50 --weights model.safetensors`.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { BatchClassifier, Device, findModel, openSafetensors } from 'tilewise';
import { openNodeGpu } from 'tilewise/node';

const { values, positionals: files } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: 'lenet' },
    weights: {
      type: 'string',
      default: fileURLToPath(import.meta.resolve('tilewise/lenet.safetensors')),
    },
    // A part of its name, such as SwiftShader, which computes on the CPU.
    adapter: { type: 'string' },
  },
});

const { gpu, adapter } = await openNodeGpu(values.adapter);
const device = await Device.open(gpu, { adapter });
const weights = openSafetensors(await readFile(values.weights), values.weights);
const classifier = await BatchClassifier.create(device, findModel(values.model), {
  weights,
  batch: 4,
});
// Pictures are decoded while others are classified.
for await (const [file, [best]] of classifier.classify(decoded(files))) {
  console.log(`${file}: ${best.label}, ${(100 * best.probability).toFixed(1)} %`);
}
classifier.dispose();
device.dispose();

async function* decoded(names) {
  for (const name of names) {
    // Upright, as cameras mean it, and RGBA.
    const picture = sharp(name).rotate().toColourspace('srgb').ensureAlpha().raw();
    const { data, info } = await picture.toBuffer({ resolveWithObject: true });
    yield [name, { data, width: info.width, height: info.height }];
  }
}
