import {
  buildModel,
  createSession,
  Device,
  type Graph,
  type ModelDef,
  type OpenDeviceOptions,
  openSafetensors,
  type Session,
  type WeightSource,
} from '../../../src/index.ts';
import type { Contender, Workload } from '../contender.ts';

interface Model {
  readonly graph: Graph;
  readonly weights: WeightSource;
}

/** A model that Tilewise names, with weights from safetensors. */
export function named(model: ModelDef): (workload: Workload) => Model {
  return ({ shape, safetensors = new Uint8Array() }) => {
    const [batch = 1, , height = 1, width = 1] = shape;
    const graph = buildModel(model, { batch, size: [height, width] });
    return { graph, weights: openSafetensors(safetensors, model.name) };
  };
}

/** Tilewise on the GPU that `open` gives, which is part of loading, as is reading the model. */
export function tilewise(
  workload: Workload,
  read: (workload: Workload) => Model | Promise<Model>,
  open: () => Promise<OpenDeviceOptions & { readonly gpu: GPU }>,
): Contender {
  const { precision } = workload;
  let session: Session | undefined;
  return {
    async load() {
      const { gpu, ...options } = await open();
      const device = await Device.open(gpu, options);
      const { graph, weights } = await read(workload);
      session = await createSession(device, graph, { weights, precision });
    },
    async run(pixels) {
      const [output = ''] = session?.outputs.map(({ name }) => name) ?? [];
      const values = (await session?.run(pixels))?.[output];
      if (!values) throw new Error('the model gave nothing');
      return values;
    },
  };
}
