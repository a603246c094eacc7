/** What every page offers to the comparison. */
import type { Contender, Workload } from '../contender.ts';

declare global {
  interface Window {
    load(): Promise<{ ms: number }>;
    run(): Promise<{ ms: number; logits: readonly number[] }>;
    ready: Promise<void>;
  }
}

/** Fetches the model, which is not timed, and waits for orders. */
export function serve(create: (workload: Workload) => Promise<Contender> | Contender): void {
  const prepared = fetchWorkload().then(async (workload) => ({
    workload,
    contender: await create(workload),
  }));
  window.ready = prepared.then(() => {});
  window.load = async () => {
    const { contender } = await prepared;
    const begun = performance.now();
    await contender.load();
    return { ms: performance.now() - begun };
  };
  window.run = async () => {
    const { contender, workload } = await prepared;
    const begun = performance.now();
    const logits = await contender.run(workload.pixels);
    return { ms: performance.now() - begun, logits: [...logits] };
  };
}

async function fetchWorkload(): Promise<Workload> {
  const bytes = async (file: string) => new Uint8Array(await (await fetch(file)).arrayBuffer());
  const facts = (await (await fetch('/workload.json')).json()) as Workload;
  return {
    ...facts,
    pixels: new Float32Array((await bytes('/pixels.f32')).buffer),
    safetensors: await bytes('/model.safetensors'),
    onnx: await bytes('/model.onnx'),
    tflite: await bytes('/model.tflite'),
  };
}
