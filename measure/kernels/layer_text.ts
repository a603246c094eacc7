/**
 * A layer in one line, as tables show it and as `--shape` takes it:
 *
 *     conv2d 1,64,56,56 channels=64 kernel=3 padding=1 residual relu
 */
import {
  add,
  averagePool2d,
  batchNorm,
  conv2d,
  describeExpression,
  type Graph,
  GraphBuilder,
  globalAveragePool2d,
  isPointwise,
  isRearrange,
  linear,
  maxPool2d,
  type Node,
  type PaddingLike,
  type PairLike,
  softmax,
  UnsupportedError,
  type Value,
} from '../../src/index.ts';
import {
  ACTIVATIONS,
  epilogueWords,
  operatorText,
  pointwiseWords,
  RESIDUAL,
} from './operator_text.ts';

const NUMBERS = /^\d+(,\d+)*$/;

const EXAMPLE = 'conv2d 1,64,56,56 channels=64 kernel=3 padding=1 relu';

/** The words after operator and shape: `name=value` or, for `name=true`, the bare name. */
type Words = ReadonlyMap<string, string>;

type Build = (g: GraphBuilder, x: Value, words: Words) => Value;

interface Layer {
  readonly words: readonly string[];
  /** Those of the words that have no default. */
  readonly needed?: readonly string[];
  readonly build: Build;
}

const POOL = { words: ['kernel', 'stride', 'padding'], needed: ['kernel'] };

/** The operators that can be written down, with the words that each knows. */
const LAYERS: Readonly<Record<string, Layer>> = {
  conv2d: {
    needed: ['channels', 'kernel'],
    words: ['channels', 'kernel', 'stride', 'padding', 'dilation', 'groups', 'bias'],
    build: (g, x, words) =>
      conv2d(g, x, {
        channels: numberIn(words, 'channels'),
        kernel: pairIn(words, 'kernel'),
        stride: pairIn(words, 'stride', 1),
        padding: paddingIn(words),
        dilation: pairIn(words, 'dilation', 1),
        groups: numberIn(words, 'groups', 1),
        bias: words.get('bias') !== 'false',
      }),
  },
  linear: {
    needed: ['features'],
    words: ['features', 'bias'],
    build: (g, x, words) =>
      linear(g, x, {
        features: numberIn(words, 'features'),
        bias: words.get('bias') !== 'false',
      }),
  },
  max_pool2d: { ...POOL, build: pool(maxPool2d) },
  average_pool2d: { ...POOL, build: pool(averagePool2d) },
  global_average_pool2d: { words: [], build: globalAveragePool2d },
  batch_norm: { words: [], build: (g, x) => batchNorm(g, x) },
  softmax: { words: [], build: (g, x) => softmax(g, x) },
  add: { words: [], build: (g, x) => add(g, x, g.input('b', x.desc.shape)) },
  ...Object.fromEntries([...ACTIVATIONS].map(([name, build]) => [name, { words: [], build }])),
};

/** Words whose values are no numbers. */
const SWITCHES = new Set(['bias', RESIDUAL, ...ACTIVATIONS.keys()]);

/** Words that any operator takes: what is added to its output, and applied to it. */
const EPILOGUE = [RESIDUAL, ...ACTIVATIONS.keys()];

/** A graph of the layer that a line describes. Throws UnsupportedError, with an example, where it cannot be read. */
export function parseLayer(text: string): Graph {
  const [op = '', shape = '', ...rest] = text.trim().split(/\s+/);
  const layer = LAYERS[op];
  if (!layer) throw unreadable(text, `"${op}" is none of ${Object.keys(LAYERS).join(', ')}`);
  if (!NUMBERS.test(shape)) {
    throw unreadable(text, `"${op}" is followed by the shape of its input, not by "${shape}"`);
  }
  const words = parseWords(text, rest, [...layer.words, ...EPILOGUE]);
  const missing = (layer.needed ?? []).filter((name) => !words.has(name));
  if (missing.length > 0) throw unreadable(text, `${op} needs ${missing.join('=..., ')}=...`);
  const g = GraphBuilder.create();
  let y = layer.build(g.at(op), g.input('x', numbers(shape)), words);
  if (words.get(RESIDUAL) === 'true') y = add(g, y, g.input(RESIDUAL, y.desc.shape));
  for (const [name, activate] of ACTIVATIONS) {
    if (words.get(name) === 'true') y = activate(g, y);
  }
  g.output('y', y);
  return g.build(text);
}

function parseWords(text: string, words: readonly string[], known: readonly string[]): Words {
  const pairs = words.map((word) => {
    const [name = '', value = 'true'] = word.split('=');
    if (!known.includes(name)) throw unreadable(text, `"${name}" is none of ${known.join(', ')}`);
    if (!SWITCHES.has(name) && !NUMBERS.test(value)) {
      throw unreadable(text, `"${word}" gives no whole numbers`);
    }
    return [name, value] as const;
  });
  return new Map(pairs);
}

function unreadable(text: string, reason: string): UnsupportedError {
  return new UnsupportedError(`layer "${text}": ${reason}; an example is "${EXAMPLE}"`);
}

function pool(build: typeof maxPool2d): Build {
  return (g, x, words) => {
    const kernel = pairIn(words, 'kernel');
    return build(g, x, {
      kernel,
      stride: pairIn(words, 'stride', kernel),
      padding: paddingIn(words),
    });
  };
}

/** Whether the numbers make sense is for the operator to say, which does so at length. */
function numbers(text: string): readonly number[] {
  return text.split(',').map(Number);
}

function numberIn(words: Words, name: string, otherwise = Number.NaN): number {
  const [value = otherwise] = words.has(name) ? numbers(words.get(name) ?? '') : [];
  return value;
}

function pairIn(words: Words, name: string, otherwise: PairLike = Number.NaN): PairLike {
  if (!words.has(name)) return otherwise;
  const [height = Number.NaN, width = height] = numbers(words.get(name) ?? '');
  return [height, width];
}

function paddingIn(words: Words): PaddingLike {
  const [top = 0, left = top, bottom = top, right = left] = numbers(words.get('padding') ?? '0');
  return { top, left, bottom, right };
}

/** The line that describes a node. What `--shape` has no words for stands in quotes. */
export function describeLayer(node: Node): string {
  const { op, inputs, attributes, output } = node;
  const shape = output.desc.shape.join(',');
  const [first, ...rest] = pointwiseWords(node) ?? [];
  if (first !== undefined) return [first, shape, ...rest].join(' ');
  if (isPointwise(node) || isRearrange(node)) {
    return `${op.name} ${shape} "${operatorText(node).replace(/^pointwise /, '')}"`;
  }
  const words = [op.name, (inputs.x ?? Object.values(inputs)[0])?.desc.shape.join(',') ?? ''];
  const weighted = op.name === 'conv2d' || op.name === 'linear';
  if (op.name === 'conv2d') words.push(`channels=${output.desc.shape[1]}`);
  if (op.name === 'linear') words.push(`features=${output.desc.shape.at(-1)}`);
  for (const name of DESCRIBED) words.push(...describe(name, attributes));
  if (weighted && !inputs.bias) words.push('bias=false');
  const { epilogue } = node;
  const epilogueText = epilogue && (epilogueWords(node) ?? [`"${describeExpression(epilogue)}"`]);
  return [...words, ...(epilogueText ?? [])].join(' ');
}

/** What goes without saying is not said. */
const DEFAULTS: Readonly<Record<string, string>> = {
  stride: '1',
  padding: '0',
  dilation: '1',
  groups: '1',
};

const DESCRIBED = ['kernel', 'stride', 'padding', 'dilation', 'groups'];

function describe(name: string, attributes: object): readonly string[] {
  const value: unknown = Object.entries(attributes).find(([key]) => key === name)?.[1];
  if (value === undefined) return [];
  const parts = typeof value === 'object' && value !== null ? Object.values(value) : [value];
  const alike = parts.every((part) => part === parts[0]);
  const text = alike ? String(parts[0]) : parts.join(',');
  return text === DEFAULTS[name] ? [] : [`${name}=${text}`];
}
