/**
 * SqueezeNet: Iandola, Han, Moskewicz, Ashraf, Dally and Keutzer, "SqueezeNet: AlexNet-level accuracy with 50x fewer
 * parameters and < 0.5 MB model size" (2016); 1.1 pools earlier, for 2.4 times less computation.
 *
 * A fire module squeezes the channels by a 1x1 convolution and expands them by a 1x1 and a 3x3 side by side. There are
 * no linear layers: a 1x1 convolution makes a map of each class, of which the mean is taken.
 */
import { relu } from '../layers/activations.ts';
import { concat } from '../layers/concat.ts';
import { conv2d } from '../layers/conv2d.ts';
import { maxPool2d } from '../layers/pool2d.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { channelMeans } from './channel_means.ts';
import { IMAGENET_CLASSES, imagenetModel } from './imagenet_model.ts';
import type { ModelDef } from './model.ts';

export interface SqueezenetLayers {
  /** The first convolution, which has a stride of 2. */
  readonly stem: { readonly channels: number; readonly kernel: number };
  /** Fire modules by their squeezed channels, a quarter of what each of the two expands to; and poolings. */
  readonly modules: readonly (number | 'pool')[];
}

const V1_0: SqueezenetLayers = {
  stem: { channels: 96, kernel: 7 },
  modules: ['pool', 16, 16, 32, 'pool', 32, 48, 48, 64, 'pool', 64],
};

const V1_1: SqueezenetLayers = {
  stem: { channels: 64, kernel: 3 },
  modules: ['pool', 16, 16, 'pool', 32, 32, 'pool', 48, 48, 64, 64],
};

/** Adds a SqueezeNet: images [N, 3, H, W], 21 x 21 at least, to logits [N, classes]. */
export function squeezenet(
  g: GraphBuilder,
  x: Value,
  { stem, modules }: SqueezenetLayers,
  classes: number,
): Value {
  const f = g.at('features');
  let y: Value = relu(f.at(1), conv2d(f.at(0), x, { ...stem, stride: 2 }));
  for (const [i, module] of modules.entries()) {
    const at = f.at(i + 2);
    y =
      module === 'pool'
        ? maxPool2d(at, y, { kernel: 3, stride: 2, ceilMode: true })
        : fire(at, y, module);
  }
  // Dropout, which does nothing at inference, has the number 0.
  const c = g.at('classifier');
  const maps = relu(c.at(2), conv2d(c.at(1), y, { channels: classes, kernel: 1 }));
  return channelMeans(g, maps);
}

function fire(g: GraphBuilder, x: Value, squeezed: number): Value {
  const wide = 4 * squeezed;
  const narrow = conv2d(g.at('squeeze'), x, { channels: squeezed, kernel: 1 });
  const y = relu(g.at('squeeze_activation'), narrow);
  const small = conv2d(g.at('expand1x1'), y, { channels: wide, kernel: 1 });
  const large = conv2d(g.at('expand3x3'), y, { channels: wide, kernel: 3, padding: 1 });
  return concat(g.at('concat'), [
    relu(g.at('expand1x1_activation'), small),
    relu(g.at('expand3x3_activation'), large),
  ]);
}

function squeezenetModel(version: string, layers: SqueezenetLayers): ModelDef {
  const name = `squeezenet${version.replace('.', '_')}`;
  return imagenetModel(name, `SqueezeNet ${version}`, (g, x) => ({
    logits: squeezenet(g, x, layers, IMAGENET_CLASSES),
  }));
}

export const squeezenetModels: readonly ModelDef[] = [
  squeezenetModel('1.0', V1_0),
  squeezenetModel('1.1', V1_1),
];
