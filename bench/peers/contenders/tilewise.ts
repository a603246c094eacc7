import { openNodeGpu } from '../../../cli/node.ts';
import {
  buildModel,
  createSession,
  Device,
  findModel,
  openSafetensors,
  type Session,
} from '../../../src/index.ts';
import type { Contender, Workload } from '../contender.ts';

/** Tilewise in Node, on the adapter whose name contains `adapter`. */
export function tilewise(workload: Workload, adapter: string | undefined): Contender {
  let session: Session;
  return {
    async load() {
      const node = await openNodeGpu(adapter);
      const device = await Device.open(node.gpu, { adapter: node.adapter });
      Object.assign(globalThis, { keepDawnAlive: node });
      const [batch = 1, , height = 1, width = 1] = workload.shape;
      const graph = buildModel(findModel(workload.model), { batch, size: [height, width] });
      session = await createSession(device, graph, {
        weights: openSafetensors(workload.safetensors, workload.model),
      });
    },
    async run(pixels) {
      const { logits } = await session.run(pixels);
      if (!logits) throw new Error('the model has no logits');
      return logits;
    },
  };
}
