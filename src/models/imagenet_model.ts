import type { ModelDef } from './model.ts';

/** Classes of ImageNet's challenge. */
export const IMAGENET_CLASSES = 1000;

/** A network for ImageNet, for pictures of `size` x `size`; 224 by default. */
export function imagenetModel(
  name: string,
  summary: string,
  build: ModelDef['build'],
  size = 224,
): ModelDef {
  return {
    name,
    summary: `${summary} for ImageNet`,
    domain: 'imagenet',
    channels: 3,
    size: [size, size],
    classes: IMAGENET_CLASSES,
    build,
  };
}
