/**
 * Weights by a formula, so that every architecture can be run and checked without a weights file.
 *
 * Element i (row-major) of the tensor named s: h = fmix32(fnv1a32(s) XOR (i * 0x9E3779B9 mod 2^32)) and
 * u = (h >>> 8) * 2^-24, uniform in [0, 1). The rules below map u to a value, in f64, rounded to f32.
 * They keep activations of the order of 1 through the depth of a ResNet.
 */

import { checkArgument } from '../arguments.ts';
import { WeightError } from '../errors.ts';
import { checkKinds } from '../kinds.ts';
import { elementCount, type Shape } from '../tensor.ts';
import type { WeightSource } from './weight_source.ts';

/** A value uniform in [from, from + by), or in (-by, by) about 0 where it is centred: (2u - 1) * by. */
interface Rule {
  readonly from: number | 'centred';
  readonly by: number;
}

/**
 * A source that makes any weight asked for. The last batch norm of a residual block gets a smaller weight than others;
 * the names of the model's weights show which one that is: `bn3` if there is one, else `bn2`.
 *
 * Its `read` throws WeightError for a name that ends in none of `weight`, `layer_scale`, `bias`, `running_mean` and
 * `running_var`.
 *
 * @param tensorNames - Of all weights of the model.
 * @throws TilewiseError for what are no names.
 *
 * @example
 * const source = syntheticWeights(weightsOf(graph).map(({ name }) => name));
 * using timed = await createSession(device, graph, { weights: source }); // to be timed without a download
 */
export function syntheticWeights(tensorNames: Iterable<string>): WeightSource {
  checkKinds('syntheticWeights', { tensorNames });
  const names = [...tensorNames];
  const fits = names.every((name) => typeof name === 'string');
  checkArgument(fits, 'syntheticWeights: tensorNames', 'strings', names);
  const blocksEndInBn3 = names.some((name) => layerOf(name) === 'bn3');
  const lastNorm = blocksEndInBn3 ? 'bn3' : 'bn2';
  return {
    name: 'synthetic',
    tensors: undefined,
    read: (name, shape) => generate(name, shape, weightRule(name, shape, lastNorm)),
  };
}

/**
 * A tensor of values in [-2, 2), by the formula for inputs; the name is the seed.
 *
 * @param name - The seed.
 * @param shape - Of the tensor.
 * @throws TilewiseError for what is no name or no shape.
 *
 * @example
 * const values = syntheticTensor('conv1.weight', [64, 3, 7, 7]);
 */
export function syntheticTensor(name: string, shape: Shape): Float32Array {
  checkKinds('syntheticTensor', { name, shape });
  return generate(name, shape, centred(2));
}

/**
 * The input that goes with synthetic weights.
 *
 * @param shape - Of the input.
 * @throws TilewiseError for what is no shape.
 *
 * @example
 * const { logits } = await session.run(syntheticInput([1, 1, 28, 28]));
 */
export function syntheticInput(shape: Shape): Float32Array {
  checkKinds('syntheticInput', { shape });
  return syntheticTensor('input', shape);
}

function weightRule(name: string, shape: Shape, lastNorm: string): Rule {
  switch (name.split('.').at(-1)) {
    case 'weight':
      if (shape.length !== 1) return filterRule(shape);
      return layerOf(name) === lastNorm ? { from: 0.15, by: 0.15 } : { from: 0.5, by: 0.5 };
    case 'layer_scale':
      return { from: 0.5, by: 0.5 };
    case 'running_var':
      return { from: 0.5, by: 1 };
    case 'running_mean':
    case 'bias':
      return centred(0.1);
    default:
      throw new WeightError(
        `synthetic weights: no rule for "${name}"; names must end in weight, layer_scale, bias, running_mean or running_var`,
      );
  }
}

/** Convolutions and linear layers: He initialisation, uniform (https://arxiv.org/abs/1502.01852). */
function filterRule(shape: Shape): Rule {
  const fanIn = elementCount(shape.slice(1));
  return centred(Math.sqrt(6 / fanIn));
}

function centred(by: number): Rule {
  return { from: 'centred', by };
}

/** The last segment but one of a path: `bn3` of `layer1.0.bn3.weight`. */
function layerOf(name: string): string | undefined {
  return name.split('.').at(-2);
}

/** One loop without calls of closures: models have up to 140 million weights. */
function generate(name: string, shape: Shape, { from, by }: Rule): Float32Array {
  const seed = fnv1a32(name);
  const values = new Float32Array(elementCount(shape));
  // u in steps of 2^-24, or 2u - 1 in steps of 2^-23: either is exact in f64.
  const [offset, start] = from === 'centred' ? [-(2 ** 23), 0] : [0, from];
  const step = from === 'centred' ? 2 ** -23 : 2 ** -24;
  for (let i = 0; i < values.length; i++) {
    const hash = fmix32(seed ^ Math.imul(i, 0x9e3779b9));
    values[i] = start + ((hash >>> 8) + offset) * step * by;
  }
  return values;
}

/** FNV-1a over UTF-8 (http://www.isthe.com/chongo/tech/comp/fnv/). */
function fnv1a32(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}

/** MurmurHash3's 32-bit finaliser (https://github.com/aappleby/smhasher). */
function fmix32(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
