import {
  buildModel,
  createSession,
  Device,
  type ModelDef,
  type OpenDeviceOptions,
  openSafetensors,
  type Session,
} from '../../../src/index.ts';
import type { Contender, Workload } from '../contender.ts';

/** Tilewise on the GPU that `open` gives, which is part of loading. */
export function tilewise(
  { shape, precision, safetensors }: Workload,
  model: ModelDef,
  open: () => Promise<OpenDeviceOptions & { readonly gpu: GPU }>,
): Contender {
  let session: Session | undefined;
  return {
    async load() {
      const { gpu, ...options } = await open();
      const device = await Device.open(gpu, options);
      const [batch = 1, , height = 1, width = 1] = shape;
      const graph = buildModel(model, { batch, size: [height, width] });
      const weights = openSafetensors(safetensors, model.name);
      session = await createSession(device, graph, { weights, precision });
    },
    async run(pixels) {
      const outputs = await session?.run(pixels);
      if (!outputs?.logits) throw new Error('the model gave no logits');
      return outputs.logits;
    },
  };
}
