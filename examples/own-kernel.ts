/**
 * An operator of your own, with a kernel written by hand: a max pool that is blurred before it is thinned out, so that
 * what it gives moves with the picture. (Zhang, "Making Convolutional Networks Shift-Invariant Again", ICML 2019.)
 *
 *     m[i, j] = max of x[i .. i + 1, j .. j + 1]                                   [N, C, H - 1, W - 1]
 *     y[p, q] = sum over r, s in -1 .. 1 of B[r] * B[s] * m[2 p + r, 2 q + s]      B = 1/4, 1/2, 1/4
 *
 * Where the blur leaves the map, it reads the nearest element. Once defined, the operator is one among others: for
 * sessions, verify, tune, profile, and for files that name it (`importers`, below).
 */
import {
  type Activation,
  type DType,
  defineOperator,
  type GraphBuilder,
  kernel,
  type Node,
  ShapeError,
  type Value,
} from 'tilewise';
import type { OnnxImportOptions } from 'tilewise/onnx';

/** All that the kernel needs to know of a node. */
interface Problem {
  /** N * C: what happens to one plane happens to all. */
  readonly planes: number;
  readonly input: readonly [number, number];
  readonly output: readonly [number, number];
  /** A session in f16 stores maps as f16, but for its inputs and outputs. */
  readonly types: { readonly x: DType; readonly y: DType };
}

/** What can be tuned about it. */
interface Config {
  readonly threads: number;
}

const BLUR = [1 / 4, 1 / 2, 1 / 4] as const;

const maxBlurPoolOp = defineOperator({
  name: 'max_blur_pool',
  inferShape({ name, inputs: { x } }) {
    const [images = 0, channels = 0, height = 0, width = 0, ...more] = x?.desc.shape ?? [];
    if (height < 2 || width < 2 || more.length > 0) {
      throw new ShapeError(
        `max_blur_pool "${name}": expects a map [N, C, H, W] of at least 2 x 2, got [${x?.desc.shape}]`,
      );
    }
    return {
      shape: [images, channels, Math.ceil((height - 1) / 2), Math.ceil((width - 1) / 2)],
      dtype: 'f32',
    };
  },
  reference,
  problemOf,
  kernels: [kernel({ name: 'max_blur_pool', configs, lower })],
});

/** Adds the pool: `x` [N, C, H, W] to [N, C, ceil((H - 1) / 2), ceil((W - 1) / 2)]. */
export function maxBlurPool(g: GraphBuilder, x: Value): Activation {
  return g.add(maxBlurPoolOp, {}, { x });
}

/** For `loadOnnx(bytes, { importers })`, and for the command: `tilewise verify --operators own-kernel.js ...` */
export const importers: NonNullable<OnnxImportOptions['importers']> = {
  'com.example.MaxBlurPool': (call) => maxBlurPool(call.g, call.value(0)),
};

function problemOf({ inputs: { x }, output }: Node): Problem {
  const [images = 1, channels = 1, height = 1, width = 1] = x?.desc.shape ?? [];
  const [, , rows = 1, columns = 1] = output.desc.shape;
  return {
    planes: images * channels,
    input: [height, width],
    output: [rows, columns],
    types: { x: x?.desc.dtype ?? 'f32', y: output.desc.dtype },
  };
}

/** In f64, straight from the formula: what the kernel is checked against. */
function reference(
  node: Node,
  { x = new Float64Array() }: Readonly<Record<string, Float64Array>>,
): Float64Array {
  const { planes, input, output } = problemOf(node);
  const [height, width] = input;
  const y = new Float64Array(planes * output[0] * output[1]);
  const at = (plane: number, i: number, j: number): number =>
    x[(plane * height + i) * width + j] ?? 0;
  const largest = (plane: number, i: number, j: number): number =>
    Math.max(at(plane, i, j), at(plane, i, j + 1), at(plane, i + 1, j), at(plane, i + 1, j + 1));
  const inside = (i: number, extent: number): number => Math.min(Math.max(i, 0), extent - 2);
  for (const index of y.keys()) {
    const q = index % output[1];
    const p = Math.floor(index / output[1]) % output[0];
    const plane = Math.floor(index / output[1] / output[0]);
    y[index] = BLUR.flatMap((a, r) =>
      BLUR.map((b, s) => {
        const i = inside(2 * p + r - 1, height);
        const j = inside(2 * q + s - 1, width);
        return a * b * largest(plane, i, j);
      }),
    ).reduce((sum, term) => sum + term);
  }
  return y;
}

/** The best guess first: that is what runs until `tune` finds another to be faster. */
function configs(): readonly Config[] {
  return [{ threads: 64 }, { threads: 128 }, { threads: 32 }];
}

/** One invocation for each element of y, along rows of workgroups where there are many. */
function lower({ planes, input, output, types }: Problem, { threads }: Config) {
  const count = planes * output[0] * output[1];
  const groups = Math.ceil(count / threads);
  const across = Math.min(groups, 1024);
  const half = types.x === 'f16' || types.y === 'f16';
  const source = `
${half ? 'enable f16;' : ''}
@group(0) @binding(0) var<storage, read> x: array<${types.x}>;
@group(0) @binding(1) var<storage, read_write> y: array<${types.y}>;

const HEIGHT = ${input[0]}u;
const WIDTH = ${input[1]}u;
const ROWS = ${output[0]}u;
const COLUMNS = ${output[1]}u;

fn largest(plane: u32, i: u32, j: u32) -> f32 {
  let at = (plane * HEIGHT + i) * WIDTH + j;
  let upper = max(f32(x[at]), f32(x[at + 1u]));
  return max(upper, max(f32(x[at + WIDTH]), f32(x[at + WIDTH + 1u])));
}

@compute @workgroup_size(${threads})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let index = id.y * ${across * threads}u + id.x;
  if (index >= ${count}u) {
    return;
  }
  let q = index % COLUMNS;
  let p = index / COLUMNS % ROWS;
  let plane = index / COLUMNS / ROWS;
  const BLUR = array(${BLUR.join(', ')});
  var sum = 0.0;
  for (var r = 0u; r < 3u; r++) {
    // The row 2 p + r - 1, or the nearest there is: of unsigned numbers, 1 is taken away last.
    let i = clamp(2u * p + r, 1u, HEIGHT - 1u) - 1u;
    for (var s = 0u; s < 3u; s++) {
      let j = clamp(2u * q + s, 1u, WIDTH - 1u) - 1u;
      sum += BLUR[r] * BLUR[s] * largest(plane, i, j);
    }
  }
  y[index] = ${types.y}(sum);
}
`;
  return {
    dispatches: [
      {
        source,
        bindings: [
          { slot: 0, value: 'x', access: 'read' },
          { slot: 1, value: 'y', access: 'read_write' },
        ],
        workgroups: [across, Math.ceil(groups / across), 1],
      },
    ],
  } as const;
}
