/** A process that holds one contender and does what it is told: `load`, or `run`. */
import { readFileSync } from 'node:fs';
import { openNodeGpu } from '../../node/index.ts';
import { findModel } from '../../src/index.ts';
import { loadOnnx } from '../../src/onnx/index.ts';
import { isFile } from '../results/peer_models.ts';
import type { Contender, Workload } from './contender.ts';
import { onnxruntime } from './contenders/onnxruntime.ts';
import { named, tilewise } from './contenders/tilewise.ts';

const [name = '', folder = '', adapter] = process.argv.slice(2);

const workload = JSON.parse(readFileSync(`${folder}/workload.json`, 'utf8')) as Workload;
const bytes = (file: string) => new Uint8Array(readFileSync(`${folder}/${file}`));
const pixels = new Float32Array(bytes('pixels.f32').buffer);

async function create(): Promise<Contender> {
  if (name === 'tilewise') {
    const file = isFile(workload.model);
    const read = file
      ? ({ onnx }: Workload) => loadOnnx(onnx, { name: workload.model })
      : named(findModel(workload.model));
    const onnx = file ? bytes('model.onnx') : new Uint8Array();
    const safetensors = file ? undefined : bytes('model.safetensors');
    return tilewise({ ...workload, onnx, safetensors }, read, async () => {
      const opened = await openNodeGpu(adapter);
      // Dawn lives as long as this is reachable.
      Object.assign(globalThis, { opened });
      return opened;
    });
  }
  const ort = await import('onnxruntime-node');
  const onnx = bytes('model.onnx');
  return onnxruntime(
    { ...workload, onnx, safetensors: undefined },
    ort,
    name === 'cpu' ? 'cpu' : 'webgpu',
  );
}

const contender = await create();

async function answer(request: unknown): Promise<object> {
  const cpu = process.cpuUsage();
  const begun = performance.now();
  const logits = request === 'load' ? await contender.load() : await contender.run(pixels);
  const ms = performance.now() - begun;
  const { user, system } = process.cpuUsage(cpu);
  return { ms, cpuMs: (user + system) / 1000, logits: logits && [...logits] };
}

process.on('message', (request) => {
  answer(request).then(
    (result) => process.send?.(result),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.send?.('ready');
