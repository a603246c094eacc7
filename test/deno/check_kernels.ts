/**
 * Runs under Deno, whose WebGPU is wgpu: its WGSL compiler, naga, is the one in Firefox, and stricter than
 * Dawn's. Prints one JSON object: the adapter, LeNet's logits by each convolution kernel, and the worst
 * difference from the CPU reference in a graph that uses every operator, as it stands and optimised; the same in f16,
 * where the adapter can.
 */
import {
  add,
  averagePool2d,
  batchNorm,
  binary,
  buildModel,
  clip,
  concat,
  conv2d,
  createSession,
  Device,
  type DType,
  findModel,
  flatten,
  functions,
  type Graph,
  GraphBuilder,
  gelu,
  globalAveragePool2d,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  linear,
  localResponseNorm,
  matmul,
  maxPool2d,
  mul,
  pad2d,
  reduce,
  relu,
  resize2d,
  runReference,
  shuffleChannels,
  sigmoid,
  slice,
  softmax,
  syntheticInput,
  syntheticWeights,
  topElements,
  type WeightSource,
  weightsOf,
} from '../../src/index.ts';

type Outputs = Readonly<Record<string, Float32Array>>;

const KERNELS = ['conv2d_direct', 'conv2d_tiled', 'conv2d_winograd'];

function everyOperator(): Graph {
  const g = GraphBuilder.create();
  const x = g.input('input', [2, 3, 15, 13]);
  const a = conv2d(g.at('conv1'), x, { channels: 8, kernel: 3, stride: 2, padding: 1 });
  const b = maxPool2d(g.at('max'), a, { kernel: 3, stride: 1, padding: 1 });
  const c = averagePool2d(g.at('average'), a, { kernel: 3, stride: 1, padding: 1 });
  const d = hardSwish(g.at('swish'), leakyRelu(g.at('leaky'), sigmoid(g.at('sigmoid'), a)));
  const e = clip(g.at('clip'), hardSigmoid(g.at('hard'), d), { least: 0.1, most: 0.9 });
  const f = localResponseNorm(g.at('lrn'), binary(g.at('mul'), functions.mul, a, e), { size: 3 });
  const padded = pad2d(
    g.at('pad'),
    f,
    { top: 1, left: 1, bottom: 0, right: 0 },
    { mode: 'reflect' },
  );
  const h = resize2d(g.at('resize'), padded, { like: a });
  const most = reduce(g.at('max-of'), h, 'max', { axes: [2, 3] });
  const gram = matmul(g.at('gram'), h, h, { transposeB: true, scale: 0.1 });
  g.output('gram', gram);
  g.output(
    'scaled',
    binary(g.at('scaled'), functions.div, h, binary(g.at('sum'), functions.add, most, most)),
  );
  const joined = concat(g.at('concat'), [b, relu(g.at('relu'), add(g.at('add'), b, c))]);
  // So many channels that they can be split; and a 3x3 kernel, for Winograd's algorithm.
  const wide = gelu(g.at('gelu'), conv2d(g.at('wide'), joined, { channels: 128, kernel: 1 }));
  const narrow = conv2d(g.at('narrow'), wide, { channels: 16, kernel: 3, padding: 1 });
  const gate = sigmoid(g.at('gate'), globalAveragePool2d(g.at('squeeze'), narrow));
  const gated = shuffleChannels(g.at('shuffle'), mul(g.at('gated'), narrow, gate), 4);
  g.output('part', maxPool2d(g.at('part'), slice(g.at('slice'), gated, 1, 3, 9), { kernel: 2 }));
  const each = conv2d(g.at('depthwise'), add(g.at('residual'), gated, joined), {
    channels: 16,
    kernel: 3,
    groups: 16,
  });
  const normed = batchNorm(g.at('norm'), each);
  const pooled = flatten(g.at('flatten'), globalAveragePool2d(g.at('pool'), normed));
  const y = softmax(g.at('softmax'), linear(g.at('fc'), pooled, { features: 10 }));
  g.output('y', y);
  g.output('best', topElements(g.at('best'), flatten(g.at('pixels'), x), 3));
  return g.build('every operator');
}

async function run(
  device: Device,
  graph: Graph,
  kernel: string,
  options: { readonly precision?: DType; readonly optimize: boolean },
): Promise<Outputs> {
  const input = graph.inputs[0];
  if (!input) throw new Error('the graph has no input');
  using session = await createSession(device, graph, {
    weights: weightsFor(graph),
    kernels: () => kernel,
    ...options,
  });
  return await session.run(syntheticInput(input.desc.shape));
}

function weightsFor(graph: Graph): WeightSource {
  return syntheticWeights(weightsOf(graph).map(({ name }) => name));
}

/** Of all outputs, as a part of the largest value of each. */
function worstError(graph: Graph, actual: Outputs): number {
  const inputs = { input: syntheticInput(graph.inputs[0]?.desc.shape ?? []) };
  const values = runReference(graph, weightsFor(graph), inputs);
  const errors = [...graph.outputs].map(([name, output]) => {
    const expected = [...(values.get(output) ?? [])];
    const largest = Math.max(...expected.map(Math.abs));
    const differences = expected.map((value, i) =>
      Math.abs(value - (actual[name]?.[i] ?? Number.NaN)),
    );
    return Math.max(...differences) / largest;
  });
  return Math.max(...errors);
}

function logitsOf(outputs: Outputs): number[] {
  return Object.values(outputs).flatMap((values) => [...values]);
}

const device = await Device.open(navigator.gpu);
const lenet = buildModel(findModel('lenet'), { batch: 2 });
const all = everyOperator();
/** Without the places of the largest elements: rounding makes equals of others. */
const exact = { ...all, outputs: new Map([...all.outputs].filter(([name]) => name !== 'best')) };
const logits: number[][] = [];
const errors: number[] = [];
const halfLogits: number[][] = [];
const halfErrors: number[] = [];
const runs = [
  { kernel: 'conv2d_direct', optimize: false },
  ...KERNELS.map((kernel) => ({ kernel, optimize: true })),
];
for (const { kernel, optimize } of runs) {
  logits.push(logitsOf(await run(device, lenet, kernel, { optimize })));
  errors.push(worstError(all, await run(device, all, kernel, { optimize })));
  if (!device.profile.shaderF16) continue;
  const half = { optimize, precision: 'f16' } as const;
  halfLogits.push(logitsOf(await run(device, lenet, kernel, half)));
  halfErrors.push(worstError(exact, await run(device, exact, kernel, half)));
}
const { name: adapter } = device.adapter;
console.log(JSON.stringify({ adapter, logits, errors, halfLogits, halfErrors }));
device.dispose();
