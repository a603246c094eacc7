import { describe, expect, it } from 'vitest';
import { Program } from '../src/runtime/gpu/program.ts';
import {
  DepthToSpace,
  indexMapOf,
  type Movement,
  moved,
  Pad,
  ShuffleChannels,
  Slice,
  Tile,
  Transpose,
} from '../src/runtime/movement/index.ts';
import { denseStrides, elementCount, offsetOf, type Shape } from '../src/runtime/tensor.ts';
import { useDevice } from '../test/fixtures/device.ts';
import { Random, seeds } from '../test/fixtures/random.ts';
import { randomMovement } from '../test/fixtures/random_movement.ts';
import { gridOf } from './lib/grid.ts';
import type { IndexMap } from './lib/index_map.ts';
import {
  movementProblem,
  POINTWISE_THREADS,
  type PointwiseTensor,
  pointwise,
  pointwiseCount,
  pointwiseDimensions,
} from './pointwise.wgsl.ts';

const device = useDevice();
const UNTOUCHED = -99;
const TYPES = { x: 'f32', y: 'f32' } as const;

type Target = Pick<PointwiseTensor, 'offset' | 'strides'>;

function problemOf(map: IndexMap, y: Target = { offset: 0, strides: denseStrides(map.extents) }) {
  return movementProblem(map, y, TYPES);
}

describe('rearrange', () => {
  const slice = (axis: number, from: number, step: number): Movement =>
    new Slice({ axis, from, step });
  const pad = (before: readonly number[], after: readonly number[], value: number): Movement =>
    new Pad({ before, after, value });

  it.each<{ claim: string; steps: readonly Movement[]; shape: Shape; invocations: number }>([
    { claim: 'copies', steps: [], shape: [3, 5, 7], invocations: 105 },
    { claim: 'copies by fours', steps: [], shape: [3, 5, 8], invocations: 30 },
    { claim: 'copies one', steps: [], shape: [], invocations: 1 },
    {
      claim: 'transposes',
      steps: [new Transpose({ order: [2, 0, 1] })],
      shape: [3, 5, 7],
      invocations: 105,
    },
    {
      claim: 'transposes rows by fours',
      steps: [new Transpose({ order: [1, 0, 2] })],
      shape: [3, 5, 8],
      invocations: 30,
    },
    {
      claim: 'reverses',
      steps: [slice(0, -1, -1), slice(1, -1, -2)],
      shape: [3, 5],
      invocations: 9,
    },
    { claim: 'reverses rows by fours', steps: [slice(0, -1, -1)], shape: [3, 8], invocations: 6 },
    { claim: 'cuts', steps: [pad([-1, 0], [0, -2], 7)], shape: [3, 5], invocations: 6 },
    { claim: 'pads', steps: [pad([1, 2], [0, 3], 7)], shape: [3, 5], invocations: 40 },
    {
      claim: 'pads by fours',
      steps: [pad([0, 1, 4], [0, 2, 4], -2.5)],
      shape: [2, 3, 8],
      invocations: 48,
    },
    {
      claim: 'pads in the middle',
      steps: [new Transpose({ order: [1, 0] }), pad([1, 1], [1, 0], 1e20)],
      shape: [3, 5],
      invocations: 28,
    },
    { claim: 'only pads', steps: [pad([-3, 0], [2, 0], 7)], shape: [3, 5], invocations: 10 },
    {
      claim: 'repeats',
      steps: [new Tile({ repeats: [2, 3] })],
      shape: [3, 5],
      invocations: 90,
    },
    {
      claim: 'repeats rows by fours',
      steps: [new Tile({ repeats: [2, 3] })],
      shape: [3, 4],
      invocations: 18,
    },
    {
      claim: 'shuffles channels',
      steps: [new ShuffleChannels({ groups: 3 })],
      shape: [2, 6, 3, 3],
      invocations: 108,
    },
    {
      claim: 'shuffles pixels',
      steps: [new DepthToSpace({ block: 3, order: 'CRD' })],
      shape: [2, 18, 3, 2],
      invocations: 216,
    },
  ])('$claim', async ({ steps, shape, invocations }) => {
    const map = found(steps, shape);
    expect(pointwiseCount(problemOf(map))).toBe(invocations);
    await check(steps, shape, map);
  });

  it.each([
    { row: 5, gap: 3, offset: 2, invocations: 30 },
    { row: 8, gap: 4, offset: 4, invocations: 12 },
    { row: 8, gap: 4, offset: 2, invocations: 48 },
    { row: 8, gap: 1, offset: 4, invocations: 48 },
  ])(
    'writes rows of $row with gaps of $gap from $offset on',
    async ({ row, gap, offset, invocations }) => {
      const steps: readonly Movement[] = [new Transpose({ order: [1, 0, 2] })];
      const shape = [2, 3, row];
      const map = found(steps, shape);
      const y = { offset, strides: [2 * (row + gap), row + gap, 1] };
      expect(pointwiseCount(problemOf(map, y))).toBe(invocations);
      await check(steps, shape, map, y);
    },
  );

  it('writes infinity as the largest number', async () => {
    const steps = [pad([1], [1], Number.POSITIVE_INFINITY)];
    const [first, , last] = await run(found(steps, [1]), Float32Array.of(5), 3);
    expect([first, last]).toEqual(Array(2).fill(3.4028234663852886e38));
  });

  it('takes a grid of several rows', async () => {
    const steps: readonly Movement[] = [new Transpose({ order: [1, 0] })];
    await check(steps, [37, 41], found(steps, [37, 41]), undefined, 5);
  });

  it('moves as the reference, at random', async () => {
    for (const seed of seeds(60)) {
      const { shape, steps } = randomMovement(new Random(seed));
      const map = indexMapOf(steps, shape);
      if (map) await check(steps, shape, map);
    }
  });

  it('wraps offsets and strides of more than 32 bits', () => {
    const map = {
      extents: [3],
      strides: [-(2 ** 33) - 2],
      offset: 2 ** 32 + 2 ** 31,
      bounds: [[0, 1]],
      fill: 0,
    } as const;
    const { declarations } = pointwiseDimensions(problemOf(map), gridOf(1, 1), false);
    expect(declarations).toContain('const X_OFFSET = 2147483648u;');
    expect(declarations).toContain('const X_STRIDE_0 = 4294967294u;');
  });
});

function found(steps: readonly Movement[], shape: Shape): IndexMap {
  const map = indexMapOf(steps, shape);
  if (!map) throw new Error('there is no map');
  return map;
}

async function check(
  steps: readonly Movement[],
  shape: Shape,
  map: IndexMap,
  y: Target = { offset: 0, strides: denseStrides(map.extents) },
  workgroupsPerRow = 65535,
): Promise<void> {
  const x = Float32Array.from({ length: elementCount(shape) }, (_, i) => i + 1);
  const values = Float32Array.from(moved(steps, shape, Float64Array.from(x)));
  const last = map.extents.reduce(
    (at, extent, axis) => at + (extent - 1) * (y.strides[axis] ?? 0),
    y.offset,
  );
  const expected = new Float32Array(last + 1).fill(UNTOUCHED);
  for (const [i, value] of values.entries())
    expected[y.offset + offsetOf(i, map.extents, y.strides)] = value;
  expect(await run(map, x, last + 1, y, workgroupsPerRow)).toEqual(expected);
}

async function run(
  map: IndexMap,
  data: Float32Array<ArrayBuffer>,
  length: number,
  y?: Target,
  workgroupsPerRow = 65535,
): Promise<Float32Array> {
  const { gpu } = device();
  const grid = gridOf(
    Math.ceil(pointwiseCount(problemOf(map, y)) / POINTWISE_THREADS),
    workgroupsPerRow,
  );
  const problem = problemOf(map, y);
  const source = pointwise(problem, pointwiseDimensions(problem, grid, false), undefined);
  const program = await Program.compile(device(), 'rearrange', source, ['read', 'read_write']);
  const { COPY_DST, COPY_SRC, STORAGE, MAP_READ } = GPUBufferUsage;
  // Whole fours, as array<vec4f> is bound.
  const whole = (count: number) => Math.ceil(count / 4) * 16;
  const x = gpu.createBuffer({ size: whole(data.length), usage: STORAGE | COPY_DST });
  const result = gpu.createBuffer({ size: whole(length), usage: STORAGE | COPY_DST | COPY_SRC });
  const staging = gpu.createBuffer({ size: whole(length), usage: MAP_READ | COPY_DST });
  gpu.queue.writeBuffer(x, 0, data);
  gpu.queue.writeBuffer(result, 0, new Float32Array(whole(length) / 4).fill(UNTOUCHED));
  const encoder = gpu.createCommandEncoder();
  const pass = encoder.beginComputePass();
  program.record(pass, [x, result], [grid.columns, grid.rows, 1]);
  pass.end();
  encoder.copyBufferToBuffer(result, 0, staging, 0, staging.size);
  gpu.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const values = new Float32Array(staging.getMappedRange().slice(0)).subarray(0, length);
  for (const buffer of [x, result, staging]) buffer.destroy();
  return values;
}
