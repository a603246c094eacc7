/**
 * What documents and comments of the public API show runs as it stands, in Node with what a page has: a GPU, files to
 * fetch, pictures, a worker.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type NodeGpu, openNodeGpu } from '../node/gpu.ts';
import { packageFile } from '../node/package_file.ts';
import { buildModel, Device, findModel, openSafetensors, resnet50 } from '../src/index.ts';
import { writeNpz } from '../src/numpy/index.ts';
import { exportOnnx } from '../src/onnx/index.ts';
import { cellsDetector } from './fixtures/cells_detector.ts';
import { documentExamples, writeExamples } from './fixtures/document_examples.ts';
import { safetensorsOf } from './fixtures/safetensors_bytes.ts';
import { sourceExamples } from './fixtures/source_examples.ts';
import { tfliteFile } from './fixtures/tflite_file.ts';

/** Two run ResNet-50, on what may be a software adapter of a busy machine. */
const MOST_MS = 400_000;

const LENET = packageFile('weights', 'lenet-mnist.safetensors');

/** What a page would find at these addresses. */
const FILES: Readonly<Record<string, () => Uint8Array<ArrayBuffer>>> = {
  '/resnet50.safetensors': () => safetensorsOf(buildModel(resnet50)),
  '/lenet-mnist.safetensors': () => Uint8Array.from(readFileSync(LENET)),
  '/model.onnx': () =>
    exportOnnx(
      buildModel(findModel('lenet')),
      openSafetensors(Uint8Array.from(readFileSync(LENET)), 'lenet'),
    ),
  '/yolov8n.onnx': () => cellsDetector(),
  // A classifier of two classes, by the sum of a picture.
  '/flowers.tflite': () =>
    tfliteFile({
      tensors: [
        { name: 'picture', shape: [1, 2, 2, 3] },
        { name: 'logits', shape: [1, 2] },
        { shape: [2, 12], data: new Float32Array(24).fill(0.1) },
      ],
      operators: [{ code: 9, inputs: [0, 2], outputs: [1] }],
      inputs: [0],
      outputs: [1],
    }),
  '/inputs.npz': () =>
    Uint8Array.from(writeNpz({ x: { shape: [2], data: Float32Array.of(1, 2) } })),
  '/cat.jpg': () => Uint8Array.from(readFileSync(packageFile('samples', 'photos', 'chelsea.png'))),
};

/** Where examples in files are, and a package that is not installed, which they do not load where there is a GPU. */
const ELSEWHERE: readonly (readonly [string, string])[] = [
  ["'./fallback.ts'", `'${packageFile('examples', 'fallback.ts')}'`],
  ["'./own-kernel.ts'", `'${packageFile('examples', 'own-kernel.ts')}'`],
  ["'onnxruntime-web/wasm'", "'data:text/javascript,'"],
];

/** But for those that take what would have to be downloaded. */
const SOURCE_EXAMPLES = sourceExamples().filter(([, code]) => !code.includes('/fcn_resnet50.'));

const EXAMPLES = [...documentExamples(), ...SOURCE_EXAMPLES].map(([name, code]) => {
  const local = ELSEWHERE.reduce((text, [from, to]) => text.replaceAll(from, to), code);
  return [name, local] as const;
});

const folder = writeExamples(EXAMPLES);
/** What an example, as a worker, does with a message. */
const listeners: ((event: { readonly data: unknown }) => Promise<void>)[] = [];
const PICTURE = { width: 30, height: 20, data: new Uint8ClampedArray(4 * 30 * 20).fill(99) };
let node: NodeGpu | undefined;

beforeAll(async () => {
  node = await openNodeGpu(process.env.TILEWISE_ADAPTER);
  vi.stubGlobal('navigator', { gpu: node.gpu });
  vi.stubEnv('TILEWISE_TUNING_DIR', join(folder, 'tuning'));
  // Shared, so that kernels are compiled once.
  const device = await Device.open(node.gpu);
  vi.spyOn(Device, 'open').mockResolvedValue(device);
  vi.stubGlobal('fetch', async (address: string) => {
    const file = FILES[address];
    return file ? new Response(file()) : new Response(null, { status: 404 });
  });
  vi.stubGlobal('createImageBitmap', async () => PICTURE);
  vi.stubGlobal('addEventListener', (_: string, listener: (typeof listeners)[0]) => {
    listeners.push(listener);
  });
  vi.spyOn(console, 'log').mockImplementation(() => {});
});

afterAll(() => {
  vi.unstubAllGlobals();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
  node = undefined;
});

describe('examples of documents', () => {
  it.each(EXAMPLES)(
    '%s runs',
    async (name, code) => {
      await expect(import(join(folder, `${name}.ts`))).resolves.toBeDefined();
      const answers: unknown[] = [];
      vi.stubGlobal('postMessage', (answer: unknown) => answers.push(answer));
      for (const listener of listeners.splice(0)) await listener({ data: PICTURE });
      expect(answers).toHaveLength(
        /^ *postMessage\(/m.test(code) && !/^export/m.test(code) ? 1 : 0,
      );
    },
    MOST_MS,
  );
});
