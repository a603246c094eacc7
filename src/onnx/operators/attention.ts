/**
 * Attention in one node: ONNX's, of operator sets from 23 on, and what onnxruntime's optimiser of transformers writes,
 * without the keys and values of earlier tokens.
 * (Vaswani et al., "Attention Is All You Need", 2017; https://onnx.ai/onnx/operators/onnx__Attention.html)
 */
import { apply, type Expression } from '../../../shaders/lib/expression.ts';
import * as f from '../../../shaders/lib/expression_functions.ts';
import { add } from '../../layers/arithmetic.ts';
import { matmul } from '../../layers/matmul.ts';
import { pointwise } from '../../layers/pointwise.ts';
import { rearrange, reshapeTo, split, transpose } from '../../layers/rearrange.ts';
import { softmax } from '../../layers/softmax.ts';
import type { Value } from '../../runtime/graph.ts';
import type { GraphBuilder } from '../../runtime/graph_builder.ts';
import { Expand, Reshape } from '../../runtime/movement/index.ts';
import { elementCount } from '../../runtime/tensor.ts';
import { tabulated } from '../computed.ts';
import { demand } from '../errors.ts';
import type { ImportCall, Importers, Operand } from '../import_node.ts';
import { linearWeight, ofRows } from './linear.ts';

type Part = Expression | number;

/** The score of a key that does not count, in f32, and the least of one that does: powers of the former are 0. */
const [APART, LEAST] = [-3.4028234663852886e38, -1.7e38];
const HEADS_AND_TOKENS = [0, 2, 1, 3];

interface Factors {
  /** Each [images, heads, tokens, features]; keys and values may have fewer heads. */
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
}

/** Broadcast to [images, heads, queries, keys]. */
interface Mask {
  readonly value: Value;
  /** Whether it is added to scores. */
  readonly isTerm: boolean;
  /** 1 where a key counts and else 0, of what the mask holds; missing where all count. */
  readonly counts?: (held: Part) => Part;
  /** Whether there may be a query for which no key counts. */
  readonly leavesNone: boolean;
}

interface AttentionOptions {
  /** By default 1 / sqrt(features). */
  readonly scale: number | undefined;
  readonly masks: readonly Mask[];
}

/** softmax(scale Q K' + masks) V, of each head; 0 of a query for which no key counts. */
function attention(
  g: GraphBuilder,
  { q, k, v }: Factors,
  { scale, masks }: AttentionOptions,
): Value {
  const [, heads = 1, , features = 1] = q.desc.shape;
  const [keys, values] = [k, v].map((x, i) =>
    repeated(g.at(['keys', 'values'][i] ?? ''), x, heads),
  );
  const options = { transposeB: true, scale: scale ?? features ** -0.5 };
  const scores = matmul(g.at('scores'), q, keys ?? k, options);
  const shares = softmax(g.at('softmax'), masked(g.at('masked'), scores, masks), 3);
  const conditions = masks.filter(({ counts }) => counts);
  // What is added may make a score of a key that counts as low as that of one that does not.
  const mayMix =
    conditions.some(({ leavesNone }) => leavesNone) || masks.some(({ isTerm }) => isTerm);
  const counted =
    conditions.length > 0 && mayMix
      ? pointwise(g.at('counted'), [shares, ...valuesOf(conditions)], (share = 0, ...held) =>
          apply(f.mul, share, countsOf(conditions, held)),
        )
      : shares;
  return matmul(g.at('product'), counted, values ?? v);
}

function masked(g: GraphBuilder, scores: Value, masks: readonly Mask[]): Value {
  const terms = masks.filter(({ isTerm }) => isTerm);
  const sum = terms.reduce((x, { value }, i) => add(g.at(`term${i}`), x, value), scores);
  const conditions = masks.filter(({ counts }) => counts);
  if (conditions.length === 0) return sum;
  return pointwise(g, [sum, ...valuesOf(conditions)], (score = 0, ...held) =>
    apply(f.select, countsOf(conditions, held), apply(f.max, score, LEAST), APART),
  );
}

/** 1 where a key counts by all masks, else 0. */
function countsOf(masks: readonly Mask[], held: readonly Part[]): Part {
  return held
    .flatMap((value, i) => masks[i]?.counts?.(value) ?? [])
    .reduce((a, b) => apply(f.mul, a, b));
}

function valuesOf(masks: readonly Mask[]): readonly Value[] {
  return masks.map(({ value }) => value);
}

/** Heads that several heads of queries share, once for each of these. */
function repeated(g: GraphBuilder, x: Value, heads: number): Value {
  const [images = 1, own = 1, tokens = 1, features = 1] = x.desc.shape;
  if (own === heads) return x;
  demand(heads % own === 0, `${heads} heads of queries do not share ${own} of keys`);
  return rearrange(g, x, [
    new Reshape({ extents: [images, own, 1, tokens, features] }),
    new Expand({ shape: [images, own, heads / own, tokens, features] }),
    new Reshape({ extents: [images, heads, tokens, features] }),
  ]);
}

/** [images, tokens, heads * features] as [images, heads, tokens, features]. */
function inHeads(g: GraphBuilder, x: Value, heads: number): Value {
  const [images = 1, tokens = 1, features = 1] = x.desc.shape;
  demand(
    heads > 0 && features % heads === 0,
    `${features} features are not those of ${heads} heads`,
  );
  const apart = reshapeTo(g.at('heads'), x, [images, tokens, heads, features / heads]);
  return transpose(g, apart, HEADS_AND_TOKENS);
}

/** The other way. */
function joined(g: GraphBuilder, y: Value): Value {
  const [images = 1, heads = 1, tokens = 1, features = 1] = y.desc.shape;
  const together = transpose(g.at('tokens'), y, HEADS_AND_TOKENS);
  return reshapeTo(g, together, [images, tokens, heads * features]);
}

/** What a query may see: itself and what comes before it. */
function causal(call: ImportCall, q: Value, k: Value): Mask {
  const [rows = 1, columns = 1] = [q, k].map(({ desc }) => desc.shape[2] ?? 1);
  const mask = tabulated(
    [rows, columns],
    'bool',
    [],
    () => (i) => Number(i % columns <= Math.floor(i / columns)),
  );
  const value = call.place.weight({ ...mask, name: `${call.name}.causal` });
  return { value, isTerm: false, counts: (held) => held, leavesNone: false };
}

/** The mask that an input is, if it is given: conditions, or what is added. */
function maskOf(call: ImportCall, index: number): readonly Mask[] {
  const given = call.inputs[index];
  if (!given) return [];
  const value = call.value(index);
  if (given.type === 'bool') {
    return [{ value, isTerm: false, counts: (held) => held, leavesNone: true }];
  }
  if (isFiniteConstant(call, given)) return [{ value, isTerm: true, leavesNone: false }];
  const counts = (held: Part) =>
    apply(f.select, apply(f.mul, apply(f.is_inf, held), apply(f.less, held, 0)), 0, 1);
  return [{ value, isTerm: true, counts, leavesNone: true }];
}

/** Whether an input is known to be finite: many nodes may read one that is large, and are not all looked at. */
function isFiniteConstant({ place }: ImportCall, { constant }: Operand): boolean {
  const affordable = constant && place.spend(elementCount(constant.shape) + (constant.work ?? 0));
  return affordable === true && constant.numbers().every(Number.isFinite);
}

function scaleOf(call: ImportCall): number | undefined {
  const scale = call.float('scale', 0);
  return scale === 0 ? undefined : scale;
}

function refuse(call: ImportCall, first: number, last: number, what: string): void {
  const given = call.inputs.slice(first, last + 1).some((input) => input);
  demand(!given, `${what} are given; attention over the tokens of one run is read`);
}

/** ONNX's own. */
function ofOnnx(call: ImportCall): Value {
  refuse(call, 4, 6, 'keys and values of earlier tokens');
  demand(!call.node.output.slice(1).some((name) => name), 'more than the result is an output');
  demand(call.float('softcap', 0) === 0, 'softcap is not 0');
  const [q, k, v] = ['queries', 'keys', 'values'].map((what, i) => {
    const x = call.value(i);
    const heads = call.int(i === 0 ? 'q_num_heads' : 'kv_num_heads', 0);
    return x.desc.shape.length === 4 ? x : inHeads(call.g.at(what), x, heads);
  }) as [Value, Value, Value];
  const masks = [...maskOf(call, 3), ...(call.flag('is_causal') ? [causal(call, q, k)] : [])];
  const whole = call.shape(0).length === 4;
  const y = attention(call.g.at('heads'), { q, k, v }, { scale: scaleOf(call), masks });
  return whole ? y : joined(call.g, y);
}

/** Of tokens [images, tokens, heads * features], as com.microsoft has it. */
function ofTokens(call: ImportCall, tokens: readonly Value[], bias: number): Value {
  const heads = call.int('num_heads', 0);
  const [q, k, v] = tokens.map((x, i) =>
    inHeads(call.g.at(['queries', 'keys', 'values'][i] ?? ''), x, heads),
  ) as [Value, Value, Value];
  const isCausal = call.flag('unidirectional');
  const [queries = 1, keys = 1] = [q, k].map(({ desc }) => desc.shape[2]);
  demand(
    !isCausal || keys <= queries,
    `unidirectional is 1, of ${queries} queries and ${keys} keys`,
  );
  const masks = [...maskOf(call, bias), ...(isCausal ? [causal(call, q, k)] : [])];
  const y = attention(call.g.at('heads'), { q, k, v }, { scale: scaleOf(call), masks });
  return joined(call.g, y);
}

/** Of queries, keys and values, to which a bias of all three may be added. */
function multiHead(call: ImportCall): Value {
  refuse(call, 4, 4, 'lengths or a mask of keys');
  refuse(call, 6, 9, 'keys and values of earlier tokens');
  const tokens = [0, 1, 2].map((i) => call.value(i));
  const flat = tokens.every(({ desc }) => desc.shape.length === 3);
  demand(flat, 'keys or values are packed; [images, tokens, features] are read');
  if (!call.inputs[3]) return ofTokens(call, tokens, 5);
  const widths = tokens.map(({ desc }) => desc.shape[2] ?? 1);
  const biases = split(call.g.at('biases'), call.value(3), widths, 0);
  const biased = tokens.map((x, i) => add(call.g.at(`biased${i}`), x, biases[i] ?? x));
  return ofTokens(call, biased, 5);
}

/** Of x, of which one linear layer makes queries, keys and values. */
function ofOneLayer(call: ImportCall): Value {
  refuse(call, 3, 4, 'lengths, a mask of keys, or keys and values of earlier tokens');
  refuse(call, 6, 6, 'keys and values of earlier tokens');
  demand(!call.has('qkv_hidden_sizes'), 'qkv_hidden_sizes are given');
  const weight = linearWeight(call, call.known(1, 'the weights'), false, 1);
  const features = (weight.desc.shape[0] ?? 3) / 3;
  const bias = call.inputs[2] && call.value(2);
  const all = ofRows(call.with({ g: call.g.at('all') }), call.value(0), weight, bias);
  return ofTokens(call, split(call.g.at('parts'), all, [features, features, features], 2), 5);
}

export const importers: Importers = {
  Attention: ofOnnx,
  'com.microsoft.MultiHeadAttention': multiHead,
  'com.microsoft.Attention': ofOneLayer,
};
