import { type Constant, type DerivedWeight, isConstant, type Node, type Value } from '../graph.ts';
import { elementCount } from '../tensor.ts';

/** What the output channels of a layer are multiplied by and added to after it, made of constants of that many. */
export interface ChannelAffine {
  /** Of what it is part of, for messages. */
  readonly name: string;
  readonly constants: readonly Constant[];
  /** The factor of a channel; left out where nothing is multiplied. */
  readonly scale?: (data: readonly Float32Array[], channel: number) => number;
  /** What is left of a number that was added to a channel before. */
  readonly moved: (data: readonly Float32Array[], channel: number, bias: number) => number;
}

/**
 * The inputs of a layer whose weight and bias do that as well; undefined where these are not known. The new constants
 * are computed at load time, in f64, and rounded once.
 */
export function foldIntoLayer(
  { name: layer, op, inputs, output }: Node,
  { name, constants, scale, moved }: ChannelAffine,
): Readonly<Record<string, Value>> | undefined {
  const axis = op.channelAxis;
  const { weight, bias } = inputs;
  if (axis === undefined || !weight || (scale && !isConstant(weight))) return undefined;
  if (bias && !isConstant(bias)) return undefined;
  // Names tell constants apart wherever buffers are kept by name, and a weight may be folded twice.
  const nameOf = (role: string): string => `${role} of ${layer} with ${name}`;
  const channels = output.desc.shape[1] ?? 1;
  const shifted: DerivedWeight = {
    kind: 'derived',
    name: nameOf('bias'),
    desc: bias?.desc ?? { ...weight.desc, shape: [channels] },
    sources: [...constants, ...(bias ? [bias] : [])],
    compute: (data) =>
      Float32Array.from({ length: channels }, (_, o) =>
        moved(data, o, data[constants.length]?.[o] ?? 0),
      ),
  };
  if (!scale || !isConstant(weight)) return { ...inputs, bias: shifted };
  const { shape } = weight.desc;
  const perGroup = shape[axis] ?? 1;
  const run = elementCount(shape.slice(axis + 1));
  const scaled: DerivedWeight = {
    kind: 'derived',
    name: nameOf('weight'),
    desc: weight.desc,
    sources: [weight, ...constants],
    compute([weights = new Float32Array(), ...data]) {
      // Every channel has a run in each row; the rows of all groups follow one another.
      const group = (weights.length / run / channels) * perGroup;
      const folded = new Float32Array(weights.length);
      for (let k = 0; k * run < weights.length; k++) {
        const factor = scale(data, Math.floor(k / group) * perGroup + (k % perGroup));
        for (let i = k * run; i < (k + 1) * run; i++) folded[i] = (weights[i] ?? 0) * factor;
      }
      return folded;
    },
  };
  return { ...inputs, weight: scaled, bias: shifted };
}
