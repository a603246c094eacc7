import type { ModelDef } from './model.ts';

/** What a pixel may belong to in Pascal VOC: 20 kinds of things, and the background. */
export const VOC_CLASSES = 21;

/** A network that says what each pixel belongs to. */
export function vocModel(name: string, summary: string, build: ModelDef['build']): ModelDef {
  return {
    name,
    summary: `${summary}: what each pixel belongs to, of ${VOC_CLASSES} classes of Pascal VOC`,
    domain: 'voc',
    channels: 3,
    size: [520, 520],
    classes: VOC_CLASSES,
    build,
  };
}
