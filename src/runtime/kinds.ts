/** What arguments of the public API must be, by the names that they have everywhere. */
import { checkArgument, isObject } from './arguments.ts';
import { present } from './errors.ts';

type Kind = readonly [expected: string, fits: (value: unknown) => boolean];

function has(...members: readonly string[]): Kind[1] {
  return (value) => members.every((member) => member in Object(value));
}

function is(type: string): Kind[1] {
  return (value) => typeof value === type;
}

const TEXT: Kind = ['a string', is('string')];
const FUNCTION: Kind = ['a function', is('function')];
const OBJECT: Kind = ['an object', isObject];
const GPU_TENSOR: Kind = ['a GpuTensor', has('buffer', 'shape')];
const BUFFER: Kind = ['a GPUBuffer', has('mapAsync', 'size')];
const NUMBER: Kind = ['a number', is('number')];
const SOURCE: Kind = ['a WeightSource', (value) => is('function')(Object(value).read)];
const LIST: Kind = ['an array', Array.isArray];
const CHOICE: Kind = ['true or false', is('boolean')];

function listOf(expected: string, fits: Kind[1]): Kind {
  return [expected, (value) => Array.isArray(value) && value.every(fits)];
}

const KINDS: Readonly<Record<string, Kind>> = {
  actual: ['a Float32Array', (value) => value instanceof Float32Array],
  adapter: ['a GPUAdapter', (value) => has('features')(value) && isObject(Object(value).info)],
  array: ['a NumpyArray', has('shape', 'data')],
  arrays: OBJECT,
  buffer: BUFFER,
  change: FUNCTION,
  config: OBJECT,
  count: NUMBER,
  counts: FUNCTION,
  desc: ['a TensorDesc', has('shape', 'dtype')],
  device: ['a Device', has('gpu', 'profile', 'use')],
  deviceProfile: ['a DeviceProfile', has('family')],
  dispatch: ['a PlannedDispatch', has('node', 'lowering', 'lowered')],
  encoder: ['a GPUCommandEncoder', has('copyBufferToBuffer')],
  expected: ['a Float64Array', (value) => value instanceof Float64Array],
  expression: ['an Expression', has('steps')],
  fn: ['one of functions', has('evaluate')],
  folder: TEXT,
  found: ['a Map of winners', (value) => value instanceof Map],
  from: NUMBER,
  graph: ['a Graph', has('inputs', 'nodes', 'outputs')],
  images: ['an array of pictures', Array.isArray],
  index: NUMBER,
  kernels: listOf('an array of kernels', is('function')),
  key: TEXT,
  labels: LIST,
  log: listOf('the log of prepare', has('stage', 'before', 'after')),
  model: ['a model, as findModel gives', has('build', 'size')],
  name: TEXT,
  names: ['names', (value) => is('function')(Object(value)[Symbol.iterator])],
  node: ['a Node', has('op', 'inputs', 'output')],
  normalize: CHOICE,
  onProgress: FUNCTION,
  onWarning: FUNCTION,
  optimize: CHOICE,
  options: OBJECT,
  other: GPU_TENSOR,
  output: TEXT,
  own: OBJECT,
  pictures: [
    'pictures with their keys',
    (value) => [Symbol.iterator, Symbol.asyncIterator].some((way) => way in Object(value)),
  ],
  plan: ['a MemoryPlan', has('storages')],
  precision: ['f32 or f16', (value) => value === 'f32' || value === 'f16'],
  preprocessing: ['a Preprocessing', has('channels', 'size', 'fit', 'mean', 'std')],
  problemOf: FUNCTION,
  profile: ['a Profile', has('layers', 'dispatches')],
  repeats: NUMBER,
  session: ['a Session', has('device', 'plan', 'use')],
  shape: listOf('an array of extents', is('number')),
  signal: ['an AbortSignal', has('throwIfAborted')],
  size: listOf('[height, width]', is('number')),
  source: SOURCE,
  steps: listOf('Movements', has('shapeAfter')),
  store: ['a TuningStore', has('get', 'put')],
  target: BUFFER,
  tensorNames: ['names', (value) => is('function')(Object(value)[Symbol.iterator])],
  text: TEXT,
  tuning: ['a Map of winners', (value) => value instanceof Map],
  usage: NUMBER,
  value: ['a Value', has('kind', 'desc')],
  values: ['a Float32Array', (value) => value instanceof Float32Array],
  wanted: TEXT,
  weights: SOURCE,
  work: FUNCTION,
};

/** Options that are of these kinds wherever options are taken. */
const COMMON = [
  'normalize',
  'onProgress',
  'onWarning',
  'optimize',
  'output',
  'signal',
  'store',
  'tuning',
];

/**
 * Throws TilewiseError, in the name of a function, where one of its arguments is not of the kind that its name says, or
 * one of its options, which may be undefined or null.
 *
 * @example
 * checkKinds('tune', { device, graph, options });
 */
export function checkKinds(who: string, given: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(given)) {
    const [expected, fits] = kindNamed(name);
    // Runs come by here: what fits makes no text.
    if (!fits(value)) checkArgument(false, `${who}: ${name}`, expected, value);
  }
  for (const name of given.options ? COMMON : []) {
    const value: unknown = Object(given.options)[name];
    const [expected, fits] = kindNamed(name);
    if (value != null && !fits(value)) {
      checkArgument(false, `${who}: options.${name}`, expected, value);
    }
  }
}

/** Tests of misuse call all that is public, so that a name without a kind fails there. */
function kindNamed(name: string): Kind {
  return present(KINDS[name], `kind of arguments "${name}"`);
}
