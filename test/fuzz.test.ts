/**
 * Files that were damaged or made to do harm: whatever they hold, reading them gives a result or one of our errors,
 * soon, within bounded memory, and without a look outside of the model's folder. `TILEWISE_FUZZ` sets how many.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { decodeImage } from '../node/decode_image.ts';
import {
  add,
  buildModel,
  conv2d,
  convertSafetensors,
  findModel,
  fromInt8,
  GraphBuilder,
  openSafetensors,
  prepare,
  resize2d,
  syntheticWeights,
  TilewiseError,
  type WeightSource,
} from '../src/index.ts';
import { readNpy, readNpz } from '../src/numpy/index.ts';
import { convertOnnx, exportOnnx, loadOnnx } from '../src/onnx/index.ts';
import { ANY_GPU } from '../src/runtime/device_profile.ts';
import { temporaryFolder } from './fixtures/cli.ts';
import { distortedPicture, SVG_SAMPLE, samplePictures } from './fixtures/distorted_images.ts';
import { distorted } from './fixtures/distorted_onnx.ts';
import { distortedNpy, distortedNpz, distortedSafetensors } from './fixtures/distorted_tensors.ts';
import {
  type GraphInit,
  onnxInput as input,
  onnxFile as model,
  onnxNode as node,
} from './fixtures/onnx_model.ts';
import {
  AttributeProtoSchema,
  GraphProtoSchema,
  TensorProto_DataLocation,
} from './fixtures/onnx_schema/onnx_pb.ts';
import { Random } from './fixtures/random.ts';
import { randomGraph } from './fixtures/random_graph.ts';

const COUNT = Number(process.env.TILEWISE_FUZZ ?? 400);
const MOST_MS = 5000;
/** Beside what the test itself takes. */
const MOST_BYTES = 1e9;
const MOST_CHARACTERS = 2000;

const folder = temporaryFolder();

function lenetFile(): Uint8Array {
  const path = join(import.meta.dirname, '..', 'weights', 'lenet-mnist.safetensors');
  return Uint8Array.from(readFileSync(path));
}

/** A file of a few hundred bytes, of which a random change is likely to hit the structure. */
function smallModel(): Uint8Array {
  const g = GraphBuilder.create();
  const x = g.input('x', [1, 2, 4, 4]);
  const y = conv2d(g.at('conv'), x, { channels: 2, kernel: 3, padding: 1 });
  g.output('y', resize2d(g.at('up'), add(g.at('add'), x, y), { scale: 2 }));
  return exportOnnx(g.build('small'), syntheticWeights([]));
}

/** Damages a file in one of the ways that disks, networks and enemies do. */
function mutated(random: Random, file: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(file);
  const at = () => random.int(0, bytes.length - 1);
  switch (random.int(0, 4)) {
    case 0:
      for (let i = random.int(1, 8); i > 0; i--) bytes.set([bytes[at()] ?? 0], at());
      for (let i = random.int(1, 8); i > 0; i--) flip(random, bytes, at());
      return bytes;
    case 1:
      return bytes.subarray(0, at());
    case 2: {
      // A varint of the largest length, or of all there is.
      const hostile = random.pick([
        [0xff, 0xff, 0xff, 0xff, 0x0f],
        [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
        [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
      ]);
      bytes.set(hostile.slice(0, bytes.length), random.int(0, Math.max(0, bytes.length - 11)));
      return bytes;
    }
    case 3: {
      const [a, b] = [at(), at()];
      const [from, to] = [Math.min(a, b), Math.max(a, b)];
      const longer = new Uint8Array(to + bytes.length - from);
      longer.set(bytes.subarray(0, to));
      longer.set(bytes.subarray(from), to);
      return longer;
    }
    default:
      // The head, where lengths and shapes are.
      for (let i = 0; i < 4; i++)
        flip(random, bytes, random.int(0, Math.min(400, bytes.length - 1)));
      return bytes;
  }
}

function flip(random: Random, bytes: Uint8Array, at: number): void {
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random.int(0, 7));
}

function readAll(weights: WeightSource): void {
  for (const [name, { shape }] of weights.tensors ?? []) weights.read(name, shape);
}

/** Our own error, of reading a file as a program would; anything but that and success fails the test. */
async function survive(read: () => unknown, what: string): Promise<TilewiseError | undefined> {
  // Of this process, since others may keep the machine busy.
  const begun = process.cpuUsage();
  let refusal: TilewiseError | undefined;
  try {
    await read();
  } catch (error) {
    if (!(error instanceof TilewiseError)) throw new Error(`${what}: ${error}`, { cause: error });
    expect(error.message.length, what).toBeLessThanOrEqual(MOST_CHARACTERS);
    refusal = error;
  }
  const { user } = process.cpuUsage(begun);
  expect(user / 1000, `${what}: milliseconds`).toBeLessThan(MOST_MS);
  return refusal;
}

/** The most memory that this process ever had, beside what it has here. */
function mostMemory(): () => number {
  const before = process.memoryUsage().rss;
  return () => 1024 * process.resourceUsage().maxRSS - before;
}

function readOnnxFile(bytes: Uint8Array): void {
  const readExternal = (path: string): Uint8Array => {
    const outside =
      path.startsWith('/') || /^[a-z]:/i.test(path) || path.split(/[\\/]/).includes('..');
    if (outside) throw new Error(`a file outside of the folder was asked for: ${path}`);
    return new Uint8Array(64);
  };
  const { graph, weights } = loadOnnx(bytes, { readExternal, shapes: {} });
  prepare(graph, { device: ANY_GPU });
  readAll(weights);
}

describe('damaged files', () => {
  const fifth = Math.ceil(COUNT / 5);
  const timeout = 7_200_000;
  const memory = mostMemory();

  /** Reads so many files, each made of a seed. Returns how many of them were read. */
  async function surviveAll(what: string, readOne: (random: Random) => unknown): Promise<number> {
    let reads = 0;
    for (let seed = 0; seed < fifth; seed++) {
      const random = new Random(seed);
      if (!(await survive(() => readOne(random), `${what}, seed ${seed}`))) reads++;
    }
    expect(memory()).toBeLessThan(MOST_BYTES);
    return reads;
  }

  it(`${fifth} ONNX files whose bytes were changed`, { timeout }, async () => {
    const lenet = buildModel(findModel('lenet'));
    const files = [
      exportOnnx(lenet, openSafetensors(lenetFile(), 'lenet')),
      smallModel(),
      smallModel(),
    ];
    await surviveAll('ONNX', (random) => readOnnxFile(mutated(random, random.pick(files))));
  });

  it(`${fifth} ONNX files whose meaning was changed`, { timeout }, async () => {
    const files = [
      exportOnnx(buildModel(findModel('lenet')), syntheticWeights([])),
      smallModel(),
      ...Array.from({ length: 8 }, (_, seed) =>
        exportOnnx(randomGraph(new Random(seed), 12), syntheticWeights([])),
      ),
    ];
    await surviveAll('distorted ONNX', (random) =>
      readOnnxFile(distorted(random, random.pick(files))),
    );
  });

  it(`${fifth} safetensors files`, { timeout }, async () => {
    const file = lenetFile();
    const graph = buildModel(findModel('lenet'));
    const { bytes: integers } = convertSafetensors(file, { to: 'int8', graph });
    const small = file.subarray(0, 4096);
    const reads = await surviveAll('safetensors', (random) => {
      const bytes = random.chance(0.5)
        ? mutated(random, random.pick([file, integers, small]))
        : distortedSafetensors(random, random.pick([file, integers]));
      readAll(fromInt8(openSafetensors(bytes, 'fuzzed')));
    });
    expect(reads).toBeGreaterThan(0);
  });

  it(`${fifth} files to convert`, { timeout }, async () => {
    const file = lenetFile();
    const graph = buildModel(findModel('lenet'));
    const models = [
      smallModel(),
      exportOnnx(randomGraph(new Random(1), 12), syntheticWeights([])),
      exportOnnx(graph, openSafetensors(file, 'lenet')),
    ];
    const reads = await surviveAll('converted', (random) => {
      const to = random.pick(['f16', 'int8'] as const);
      if (random.chance(0.3)) convertSafetensors(distortedSafetensors(random, file), { to, graph });
      else if (random.chance(0.5)) convertOnnx(mutated(random, random.pick(models)), { to });
      else convertOnnx(distorted(random, random.pick(models)), { to });
    });
    expect(reads).toBeGreaterThan(0);
  });

  it(`${fifth} NumPy files`, { timeout }, async () => {
    const reads = await surviveAll('NumPy', (random) => {
      if (random.chance(0.5)) readNpy(distortedNpy(random));
      else readNpz(distortedNpz(random));
    });
    expect(reads).toBeGreaterThan(fifth / 20);
  });

  it(`${fifth} pictures`, { timeout }, async () => {
    const samples = await samplePictures();
    const path = join(folder, 'picture');
    const reads = await surviveAll('picture', async (random) => {
      // Each takes a process of its own.
      const sample = random.chance(0.01) ? SVG_SAMPLE : random.pick(samples);
      writeFileSync(path, distortedPicture(random, sample));
      const { width, height, data } = await decodeImage(path);
      expect(data).toHaveLength(4 * width * height);
    });
    expect(reads).toBeGreaterThan(fifth / 20);
  });
});

function chain(length: number): GraphInit {
  const node = Array.from({ length }, (_, i) => ({
    opType: 'Relu',
    name: 'relu',
    input: [i === 0 ? 'x' : `v${i}`],
    output: [i === length - 1 ? 'y' : `v${i + 1}`],
  }));
  return { node, input: [input('x', [1n, 1n, 2n, 2n])], output: [{ name: 'y' }] };
}

function withWeight(location: string, dims: readonly bigint[] = [1n, 1n, 1n, 1n]): GraphInit {
  return {
    node: [{ opType: 'Conv', input: ['x', '../../../etc/passwd'], output: ['y'] }],
    initializer: [
      {
        name: '../../../etc/passwd',
        dims: [...dims],
        dataType: 1,
        dataLocation: TensorProto_DataLocation.EXTERNAL,
        externalData: [{ key: 'location', value: location }],
      },
    ],
    input: [input('x', [1n, 1n, 2n, 2n])],
    output: [{ name: 'y' }],
  };
}

/** x + x, sixty times over: 2^60 additions for whoever does not keep results. */
function doubling(): GraphInit {
  const node = Array.from({ length: 60 }, (_, i) => ({
    opType: 'Add',
    input: [`c${i}`, `c${i}`],
    output: [`c${i + 1}`],
  }));
  const last = { opType: 'Add', input: ['x', 'c60'], output: ['y'] };
  const initializer = [{ name: 'c0', dims: [1n], dataType: 1, floatData: [1] }];
  return { node: [...node, last], initializer, input: [input('x', [1n])], output: [{ name: 'y' }] };
}

/** Constants by name, then nodes that compute with them; the last is added to x. */
function computing(
  constants: Readonly<Record<string, readonly number[]>>,
  ...nodes: NonNullable<GraphInit['node']>
): GraphInit {
  const initializer = Object.entries(constants).map(([name, values]) => ({
    name,
    dims: values.length === 1 ? [] : [BigInt(values.length)],
    dataType: 7,
    int64Data: values.map(BigInt),
  }));
  const last = node('Add', 'x c', 'y');
  return {
    node: [...nodes, last],
    initializer,
    input: [input('x', [1n])],
    output: [{ name: 'y' }],
  };
}

/** A branch in a branch, and so on, each of which reads what is around all of them. */
function nested(depth: number) {
  const inside = depth === 0 ? node('Relu', 'x', 'y') : branching(depth);
  return { node: [inside], output: [{ name: 'y' }] };
}

function branching(depth: number): NonNullable<GraphInit['node']>[number] {
  const g = create(GraphProtoSchema, nested(depth - 1));
  return { ...node('If', 'on', 'y'), attribute: attributes({ name: 'then_branch', type: 5, g }) };
}

/** A loop in a loop, and so on. */
function looping(depth: number): Pick<GraphInit, 'node' | 'output'> {
  const inside = depth === 1 ? { node: [node('Relu', 'x', 'y')], output: [] } : looping(depth - 1);
  const g = create(GraphProtoSchema, {
    node: [...(inside.node ?? []), node('Identity', 'going', 'goes')],
    input: ['i', 'going', 'last'].map((name) => ({ name })),
    output: [{ name: 'goes' }, { name: 'y' }],
  });
  const loop = node('Loop', 'turns _ x', 'y');
  const attribute = attributes({ name: 'body', type: 5, g });
  return { node: [{ ...loop, attribute }], output: [{ name: 'y' }] };
}

/** A transposed convolution by a kernel of so many slices, after one that is not. */
function deep(slices: bigint, stride: bigint): GraphInit {
  const strides = attributes({ name: 'strides', type: 7, ints: [stride, 1n, 1n] });
  const transposed = { ...node('ConvTranspose', 'x w', 'z'), attribute: strides };
  return {
    node: [node('Conv', 'x w', 'y'), transposed],
    input: [input('x', [1n, 1n, 2n ** 21n, 2n, 2n]), input('w', [1n, 1n, slices, 2n, 2n])],
    output: [{ name: 'y' }, { name: 'z' }],
  };
}

/** A large constant, which is transposed again and again: each is computed from the one before. */
function transposing(count: number): GraphInit {
  const nodes = Array.from({ length: count }, (_, i) =>
    node('Transpose', i === 0 ? 'z' : `t${i}`, `t${i + 1}`),
  );
  const filled = [
    node('ConstantOfShape', 'shape', 'z'),
    ...nodes,
    node('Identity', `t${count}`, 'c'),
  ];
  return computing({ shape: [2 ** 11, 2 ** 11] }, ...filled);
}

type AttributeInit = MessageInitShape<typeof AttributeProtoSchema>;

function attributes(...given: AttributeInit[]) {
  return given.map((attribute) => create(AttributeProtoSchema, attribute));
}

describe('hostile ONNX files', () => {
  const cyclic: GraphInit = {
    node: [
      { opType: 'Relu', input: ['a'], output: ['b'] },
      { opType: 'Relu', input: ['b'], output: ['a'] },
    ],
    output: [{ name: 'a' }],
  };
  const padding: AttributeInit = { name: 'pads', type: 7, ints: [0n, 0n, 0n, 2n ** 40n] };
  const pooled = (kernel: bigint, extent: bigint, ...more: AttributeInit[]): GraphInit => ({
    node: [
      {
        opType: 'MaxPool',
        input: ['x'],
        output: ['y'],
        attribute: attributes({ name: 'kernel_shape', type: 7, ints: [kernel, kernel] }, ...more),
      },
    ],
    input: [input('x', [1n, 1n, extent, extent])],
    output: [{ name: 'y' }],
  });

  it.each<[string, () => Uint8Array, RegExp | 'reads']>([
    ['a cycle', () => model(cyclic), /depends on itself/],
    [
      'a node that reads itself',
      () => model({ ...cyclic, node: [{ opType: 'Relu', input: ['a'], output: ['a'] }] }),
      /depends on itself/,
    ],
    ['10^6 nodes', () => model(chain(1e6)), /has more than 100000 parts/],
    ['a chain of 90,000 nodes of one name', () => model(chain(9e4)), /has more than 32768 nodes/],
    ['a chain of 16,000 nodes of one name', () => model(chain(16e3)), 'reads'],
    ['a chain of 20,000', () => model(chain(2e4)), /reads 20000 values; at most 16384 are planned/],
    ['results that double', () => model(doubling()), 'reads'],
    [
      'a path out of the folder',
      () => model(withWeight('../secret')),
      /inside of the model's folder/,
    ],
    ['an absolute path', () => model(withWeight('/etc/passwd')), /inside of the model's folder/],
    ['a drive', () => model(withWeight('C:\\secret')), /inside of the model's folder/],
    [
      'a path with a parent in it',
      () => model(withWeight('a/../../secret')),
      /inside of the model's folder/,
    ],
    ['2^60 elements', () => model(withWeight('w', [2n ** 60n])), /extents of at most/],
    ['a negative extent', () => model(withWeight('w', [-1n])), /extents of at most/],
    ['more than the file has', () => model(withWeight('w', [1000n])), /of "w", which has 64/],
    ['a window of 2^40', () => model(pooled(2n ** 40n, 2n)), /a window reaches at most/],
    [
      'an image of 2^30 x 2^30',
      () => model(pooled(3n, 2n ** 30n)),
      /input "x" takes \d+ bytes, a buffer of this device holds at most/,
    ],
    ['a padding of 2^40', () => model(pooled(3n, 8n, padding)), /lies in the padding/],
    ['nothing', () => new Uint8Array(), /has no graph/],
    [
      'a range of 2^50',
      () => model(computing({ a: [0], b: [2 ** 50], d: [1] }, node('Range', 'a b d', 'c'))),
      /Range .* at most 16777216 elements are/,
    ],
    [
      'a one-hot code of depth 2^40',
      () => model(computing({ i: [1], d: [2 ** 40], v: [0, 1] }, node('OneHot', 'i d v', 'c'))),
      /OneHot .* at most 16777216 elements are/,
    ],
    [
      'an expansion to 2^60',
      () => model(computing({ i: [1], s: [2 ** 30, 2 ** 30] }, node('Expand', 'i s', 'c'))),
      /Expand/,
    ],
    [
      'places of a large constant that are not 0',
      () =>
        model(
          computing(
            { s: [2 ** 12, 2 ** 12] },
            node('ConstantOfShape', 's', 'z'),
            node('NonZero', 'z', 'c'),
          ),
        ),
      /NonZero .* would be computed when the model is loaded/,
    ],
    [
      'indices gathered by themselves, of ever more axes',
      () =>
        model({
          ...computing(
            { i: [0], s: [1, 1] },
            node('Reshape', 'i s', 'i0'),
            ...Array.from({ length: 60 }, (_, i) => node('Gather', `i${i} i${i}`, `i${i + 1}`)),
            node('Identity', 'i60', 'c'),
          ),
        }),
      /Gather .* a constant of 17 axes is computed; at most 16 are/,
    ],
    ['constants computed from one another', () => model(transposing(1000)), 'reads'],
    [
      'branches in branches',
      () =>
        model({
          ...nested(9),
          input: [input('x', [1n])],
          initializer: [{ name: 'on', dims: [], dataType: 9, int32Data: [1] }],
        }),
      'reads',
    ],
    [
      'loops in loops',
      () =>
        model({
          ...looping(8),
          input: [input('x', [1n])],
          initializer: [{ name: 'turns', dims: [], dataType: 7, int64Data: [2n ** 40n] }],
        }),
      /the turns of loops have more than 16384 nodes/,
    ],
    [
      'a kernel of 2^20 slices',
      () => model(deep(2n ** 20n, 1n)),
      /taps along the depth, got 1048576/,
    ],
    ['a stride of 2^40 slices', () => model(deep(2n, 2n ** 40n)), /a map would be \d+ deep/],
    [
      'a branch that reads its own result',
      () =>
        model({
          node: [branching(1), node('Cast', 'y', 'on', { to: { int: 9 } })],
          input: [input('x', [1n])],
          output: [{ name: 'y' }],
        }),
      /depends on itself/,
    ],
    [
      'a shift by 2^62',
      () =>
        model(
          computing(
            { i: [1, 2], s: [2 ** 62] },
            node('BitShift', 'i s', 'c', { direction: { string: 'LEFT' } }),
          ),
        ),
      'reads',
    ],
  ])('%s', async (what, make, message) => {
    const bytes = make();
    const before = process.memoryUsage().rss;
    const refusal = await survive(() => readOnnxFile(bytes), what);
    expect(process.memoryUsage().rss - before).toBeLessThan(MOST_BYTES);
    if (message === 'reads') expect(refusal).toBeUndefined();
    else expect(refusal?.message).toMatch(message);
  });
});
