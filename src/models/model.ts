import { checkArgument, checkOptions, ownValue } from '../runtime/arguments.ts';
import { UnsupportedError } from '../runtime/errors.ts';
import type { Graph, Value } from '../runtime/graph.ts';
import { GraphBuilder } from '../runtime/graph_builder.ts';
import type { WeightSource } from '../runtime/weights/weight_source.ts';

/**
 * What a model's pictures show, which decides how they are prepared and what the classes are called. For `digits` and
 * `imagenet` a model says what is in the picture, for `voc` what is in each pixel, and for `masks`, too, but of classes
 * without names.
 */
export type ImageDomain = 'digits' | 'imagenet' | 'voc' | 'masks';

/**
 * A model by name, as the registry knows it.
 *
 * @example
 * const model: ModelDef = {
 *   name: 'tiny',
 *   summary: 'one convolution, for 8 x 8 pictures',
 *   domain: 'imagenet',
 *   channels: 3,
 *   size: [8, 8],
 *   classes: 10,
 *   build: (g, x) => ({ logits: flatten(g, conv2d(g.at('conv'), x, { channels: 10, kernel: 8 })) }),
 * };
 */
export interface ModelDef {
  /** By which `findModel` knows it. */
  readonly name: string;
  /** One line for help texts. */
  readonly summary: string;
  /** What its pictures are, and how they are prepared. */
  readonly domain: ImageDomain;
  /** Channels of the input image. */
  readonly channels: number;
  /** [height, width] of the input that it was made for. */
  readonly size: readonly [number, number];
  /** Whether its file says that size, so that it may not be right for others. */
  readonly fixedSize?: boolean;
  /** How values of 0 .. 1 become what it takes, (v - mean) / std by channel, as its file says, or such files do. */
  readonly normalization?: {
    /** One for each channel. */
    readonly mean: readonly number[];
    /** One for each channel. */
    readonly std: readonly number[];
  };
  /** Whether a detector's boxes are in shares of the input's width and height, as its file says, and not in pixels. */
  readonly boxUnit?: 'input';
  /** What its logits tell apart; where that is one, whether something is there. */
  readonly classes: number;
  /** Names of the classes in index order, if its file says them. */
  readonly labels?: readonly string[];
  /** The weights that come with it, if the model is from a file. */
  readonly weights?: WeightSource;
  /**
   * Adds the model to a graph. Returns values by name: `logits`; `probabilities` where it ends in a softmax of its own;
   * and the stages of the network that are worth looking at.
   *
   * @param g - Of the graph that it becomes part of.
   * @param x - Images, [N, channels, H, W].
   */
  build(
    g: GraphBuilder,
    x: Value,
  ): Readonly<Record<string, Value>> & {
    /** Before any softmax: [N, classes], or [N, classes, H, W] of models that segment. */
    readonly logits: Value;
  };
}

/** How `buildModel` builds. */
export interface BuildOptions {
  /** Images at a time; 1 by default. */
  readonly batch?: number;
  /** [height, width] of the input; the model's own by default. */
  readonly size?: readonly [number, number];
  /** Which of the model's values to output; `['logits']` by default. `buildClassifier` has more. */
  readonly outputs?: readonly string[];
}

/**
 * The graph of a model, with the input `input` [batch, channels, height, width].
 *
 * @param model - Of `findModel`, imported by name, of a file, or your own.
 * @param options - Batch, size, and which values to output.
 * @throws ShapeError for sizes that the model cannot take.
 * @throws UnsupportedError for outputs that it does not have.
 *
 * @example
 * const net = buildModel(findModel('resnet50'), { batch: 8, size: [160, 160] });
 */
export function buildModel(model: ModelDef, options: BuildOptions = {}): Graph {
  checkArgument(model?.size, 'buildModel: model', 'a model, as findModel gives', model);
  checkOptions('buildModel', options);
  const { batch = 1, size = model.size, outputs = ['logits'] } = options;
  const g = GraphBuilder.create();
  const x = g.input('input', [batch, model.channels, ...size]);
  const values: Readonly<Record<string, Value>> = model.build(g, x);
  for (const name of outputs) {
    const value = ownValue(values, name);
    if (!value) {
      const known = Object.keys(values).join(', ');
      throw new UnsupportedError(`model "${model.name}" has no value "${name}"; it has ${known}`);
    }
    g.output(name, value);
  }
  return g.build(model.name);
}
