/** Weights files of timm, the PyTorch library, whose names differ from torchvision's for some models. */
import { checkKinds } from '../runtime/kinds.ts';
import { shapesEqual } from '../runtime/tensor.ts';
import type { TensorInfo, WeightSource } from '../runtime/weights/weight_source.ts';
import { timmFamilies } from './timm_names.ts';

/**
 * A weight source with torchvision's names and shapes, made of one that may have timm's: those of VGG, RegNet,
 * ConvNeXt, EfficientNet, MobileNetV2 and MobileNetV3 are renamed; ResNets and DenseNets, which have the same names in
 * both, and all others stay as they are.
 *
 * @param source - Of a file.
 * @throws TilewiseError for what is no weight source.
 *
 * @example
 * const converted = fromTimm(await fetchSafetensors('/lenet-mnist.safetensors'));
 */
export function fromTimm(source: WeightSource): WeightSource {
  checkKinds('fromTimm', { source });
  const has = (name: string): boolean => source.tensors?.has(name) ?? false;
  const family = timmFamilies.find(({ matches }) => matches(has));
  if (!source.tensors || !family) return source;
  const tensors = new Map<string, TensorInfo>();
  const timmNames = new Map<string, string>();
  for (const [name, info] of source.tensors) {
    const renamed = family.rename(name, has);
    timmNames.set(renamed, name);
    const shape = family.reshape?.(info.shape, renamed) ?? info.shape;
    tensors.set(renamed, { ...info, shape });
  }
  return {
    name: source.name,
    tensors,
    read(name, shape) {
      const original = timmNames.get(name) ?? name;
      const fits = shapesEqual(tensors.get(name)?.shape ?? [], shape);
      const data = source.read(original, (fits && source.tensors?.get(original)?.shape) || shape);
      const shift = family.shift?.(name) ?? 0;
      return shift === 0 ? data : data.map((value) => value + shift);
    },
  };
}
