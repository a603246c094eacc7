/** A network of somebody's own in the place of a built-in model: what it takes and gives is told by its shapes. */
import { endsInSigmoid, sigmoid } from '../layers/activations.ts';
import { transpose } from '../layers/rearrange.ts';
import { isRearrange } from '../runtime/builtins.ts';
import type { Node, Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import type { ModelDef } from './model.ts';

/** Where a file leaves the size of its images open. */
const USUAL_SIZE = 224;

/** What a network takes. */
export interface ImageInput extends Pick<ModelDef, 'channels' | 'size'> {
  /** The order of its axes. */
  readonly layout: 'nchw' | 'nhwc';
}

/**
 * The images of an input, of which extents of 0 are open, or undefined. Channels come last where only that fits. `open`
 * is the size where the file leaves that open.
 */
export function imageInputOf(
  extents: readonly number[],
  open: ImageInput['size'] = [USUAL_SIZE, USUAL_SIZE],
): ImageInput | undefined {
  const [, first = 0, second = 0, last = 0] = extents;
  const layout = channelsAxis(extents) === 3 ? 'nhwc' : 'nchw';
  const [channels, height, width] =
    layout === 'nhwc' ? [last, first, second] : [first, second, last];
  const size = [height || open[0], width || open[1]] as const;
  return extents.length === 4 && channels >= 1 ? { channels, size, layout } : undefined;
}

/** Which axis of an input has its channels: the last where only that has as many as colours. */
export function channelsAxis(extents: readonly (number | undefined)[]): number {
  const isColour = (channels: number | undefined): boolean => channels === 1 || channels === 3;
  return extents.length === 4 && isColour(extents[3]) && !isColour(extents[1]) ? 3 : 1;
}

type Values = ReturnType<ModelDef['build']>;

/** Images [N, C, H, W] in the order that the network takes. */
export function inOrder(g: GraphBuilder, x: Value, { layout }: ImageInput): Value {
  return layout === 'nhwc' ? transpose(g.at('input_nhwc'), x, [0, 2, 3, 1]) : x;
}

/**
 * A model's values, of what a network gives: its output `logits`, or else the first one, are the logits, [N, C, H, W]
 * where they are a map, and `probabilities`, too, where a softmax or a sigmoid makes them. One number alone is a logit
 * for a sigmoid: a softmax would make 1 of it. Undefined where there is no output.
 */
export function valuesOf(
  g: GraphBuilder,
  outputs: ReadonlyMap<string, Value>,
  { layout }: ImageInput,
): Values | undefined {
  const made = outputs.get('logits') ?? [...outputs.values()][0];
  if (!made) return undefined;
  const isMap = layout === 'nhwc' && made.desc.shape.length === 4;
  const logits = isMap ? transpose(g.at('logits_nchw'), made, [0, 3, 1, 2]) : made;
  const last = computing(g, made);
  const given = last && (last.op.name === 'softmax' || endsInSigmoid(last));
  const [, classes, ...plane] = logits.desc.shape;
  const isOne = classes === 1 && plane.length === 0;
  const probabilities = isOne && !given ? sigmoid(g.at('probabilities'), logits) : logits;
  return { ...Object.fromEntries(outputs), logits, ...((isOne || given) && { probabilities }) };
}

/** The node that computes what others only move, or interpolate. */
function computing(g: GraphBuilder, value: Value): Node | undefined {
  const node = g.nodeOf(value);
  const { x } = node?.inputs ?? {};
  const passes = node && (isRearrange(node) || node.op.name === 'resize2d');
  return passes && x ? computing(g, x) : node;
}

/** What can be told of the pictures and the classes: of a map, each pixel has a class. */
export function traitsOf(
  { channels }: ImageInput,
  { logits }: Values,
): Pick<ModelDef, 'domain' | 'classes'> {
  const [, classes = 1, height = 1, width = 1] = logits.desc.shape;
  const pictures = channels === 1 ? 'digits' : 'imagenet';
  return { domain: height * width > 1 ? 'masks' : pictures, classes };
}
