/** Weights files of timm, the PyTorch library, whose names differ from torchvision's for some models. */
import { elementCount, type Shape, shapesEqual } from '../runtime/tensor.ts';
import type { TensorInfo, WeightSource } from '../runtime/weights/weight_source.ts';

/**
 * What timm calls the classifier of a VGG. It computes the first two layers as convolutions on the 7 x 7 map, with
 * the same weights in the same order: [4096, 512, 7, 7] is the linear layer's [4096, 25088].
 */
const VGG: ReadonlyMap<string, string> = new Map([
  ['pre_logits.fc1', 'classifier.0'],
  ['pre_logits.fc2', 'classifier.3'],
  ['head.fc', 'classifier.6'],
]);

/**
 * A weight source with torchvision's names, made of one that may have timm's: VGGs are renamed; ResNets, which have
 * the same names in both, and all others stay as they are.
 */
export function fromTimm(source: WeightSource): WeightSource {
  if (!source.tensors?.has('pre_logits.fc1.weight')) return source;
  const tensors = new Map<string, TensorInfo>();
  const timmNames = new Map<string, string>();
  for (const [name, info] of source.tensors) {
    const renamed = torchvisionName(name);
    timmNames.set(renamed, name);
    tensors.set(renamed, renamed === name ? info : { ...info, shape: asLinear(info.shape) });
  }
  return {
    name: source.name,
    tensors,
    read(name, shape) {
      const original = timmNames.get(name) ?? name;
      const fits = shapesEqual(tensors.get(name)?.shape ?? [], shape);
      return source.read(original, (fits && source.tensors?.get(original)?.shape) || shape);
    },
  };
}

function torchvisionName(name: string): string {
  const [, layer = '', kind = ''] = /^(.*)\.(weight|bias)$/.exec(name) ?? [];
  const renamed = VGG.get(layer);
  return renamed === undefined ? name : `${renamed}.${kind}`;
}

/** [F, C, H, W] as [F, C * H * W]; a bias stays [F]. */
function asLinear([features = 0, ...rest]: Shape): Shape {
  return rest.length === 0 ? [features] : [features, elementCount(rest)];
}
