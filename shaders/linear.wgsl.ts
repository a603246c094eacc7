/**
 * Fully connected layer of a few images: a matrix times ROWS vectors. Every weight is read once and multiplied
 * ROWS times, so that the weights' way from memory is what takes the time.
 *
 *     y[n, o] = epilogue( bias[o] + sum over i of x[n, i] * weight[o, i] )
 *
 * Layouts
 *     x, y      Feature i of image n is element X_OFFSET + n * X_IMAGE + i * X_CHANNEL: rows of a matrix, or maps of
 *               one pixel as they lie
 *     weight    [block of 4 * COLUMNS outputs][input][output of the block], padded by zeros: a workgroup reads one
 *               run of memory, and its invocations neighbouring fours of it
 *     bias      [output], f32
 *
 * Threads. A workgroup owns a block: COLUMNS invocations along the outputs, four outputs each, times SLICES along
 * the inputs. Slice s adds up the inputs DEPTH * (s + SLICES * i) and the DEPTH - 1 after each: four where the inputs
 * are whole fours, which are read at once where they lie so. A tree in workgroup memory, always in the same order,
 * adds the slices; so the same input gives the same bits. A slice's own sums are taken by blocks
 * (lib/blocked_sum.ts).
 *
 *     SLICES 1    CPU adapters: no workgroup memory, no barrier. One core goes through a block anyway, and lanes
 *                 along the outputs read neighbouring words.
 *     SLICES > 1  GPUs: a layer of 1000 outputs has few blocks, and needs all compute units to read its weights.
 *
 * Sizes are bound: the gates of a network, two small layers in each block, would be a pipeline each, and no loop here
 * gains by knowing how long it is.
 */
import { blockOf } from './lib/blocked_sum.ts';
import { dimensions, type ShaderModule } from './lib/dimensions.ts';
import { type ElementTypes, elementTypes } from './lib/element_types.ts';
import { type Epilogue, epilogueModule } from './lib/epilogue.ts';
import type { Grid } from './lib/grid.ts';
import { type MapStrides, planeSizes } from './lib/map_strides.ts';
import { wgsl } from './lib/wgsl.ts';

export interface LinearProblem {
  readonly batch: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly bias: boolean;
  /** Of an output [image, channel]. */
  readonly epilogue: Epilogue | undefined;
  /** Features are channels. */
  readonly xStrides: MapStrides;
  readonly yStrides: MapStrides;
  /** The bias is f32. */
  readonly types: ElementTypes<'x' | 'weight'>;
}

/** How a workgroup divides a block of outputs among its invocations. */
export interface LinearConfig {
  /** Invocations along the outputs, four outputs each. */
  readonly columns: number;
  /** Invocations along the inputs; a power of two. */
  readonly slices: number;
}

/** Outputs of a workgroup. */
export function linearBlock({ columns }: LinearConfig): number {
  return 4 * columns;
}

/** Whether four inputs, the first a multiple of four, are one aligned load, in every image. */
function inFours({ batch, inputs, xStrides: { offset, image, channel } }: LinearProblem): boolean {
  const starts = batch === 1 ? [offset] : [offset, image];
  return channel === 1 && [inputs, ...starts].every((n) => n % 4 === 0);
}

export function linear(g: LinearProblem, config: LinearConfig, grid: Grid): ShaderModule {
  const depth = g.inputs % 4 === 0 ? 4 : 1;
  const wide = inFours(g);
  const epilogue = epilogueModule(g.epilogue, 1, 'shared');
  const { declarations, locals, words } = dimensions({
    OUTPUTS: g.outputs,
    STEPS: g.inputs / depth,
    ...planeSizes('x', g.xStrides),
    ...planeSizes('y', g.yStrides),
    GRID_COLUMNS: grid.columns,
    GRID_TILES: grid.tiles,
    ...epilogue.sizes,
  });
  const source = wgsl`
${elementTypes(g.types, g.epilogue)}

${declarations}
const ROWS = ${g.batch}u;
const COLUMNS = ${config.columns}u;
const SLICES = ${config.slices}u;
const DEPTH = ${depth}u;
const BLOCK_STEPS = ${blockOf(depth) / depth}u;
const THREADS = ${config.columns * config.slices}u;

#if ${wide}
alias XVector = vec4<X>;
#else
alias XVector = X;
#endif

@group(0) @binding(0) var<storage, read> x: array<XVector>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<Weight>>;
#if ${g.bias}
@group(0) @binding(2) var<storage, read> bias: array<f32>;
#endif
@group(0) @binding(3) var<storage, read_write> y: array<Y>;
${epilogue.text}

#if ${config.slices > 1}
var<workgroup> partial: array<vec4f, THREADS>;
#endif

fn store(row: u32, output: u32, sums: vec4f) {
${locals}
  // A factor that no compiler can bound: unrolled, the stores would be most of the code.
  let one = min(1u, arrayLength(&y));
  for (var e = 0u; e < 4u * one; e++) {
    if (output + e < OUTPUTS) {
      var value = sums[e];
#if ${g.bias}
      value += bias[output + e];
#endif
      let y_at = Y_OFFSET + row * Y_IMAGE + (output + e) * Y_CHANNEL;
      y[y_at] = to_y(epilogue(value, row, output + e, 0u${epilogue.sizeArguments}));
    }
  }
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
${locals}
  let block = workgroup.x + workgroup.y * GRID_COLUMNS;
  if (block >= GRID_TILES) {
    return;
  }
  let column = thread % COLUMNS;
  let slice = thread / COLUMNS;
  let output = (block * COLUMNS + column) * 4u;

  var sums: array<vec4f, ROWS>;
  var weight_at = (block * STEPS + slice) * DEPTH * COLUMNS + column;
  var step = slice;
  while (step < STEPS) {
    // Spelt out: SwiftShader keeps what a variable without initializer had in the round before.
    var block_sums = array<vec4f, ROWS>();
    let block_end = min(step + BLOCK_STEPS * SLICES, STEPS);
    for (; step < block_end; step += SLICES) {
#for d in DEPTH
      let w#d = vec4f(weight[weight_at + #d * COLUMNS]);
#end
#if ${wide}
#for r in ROWS
      let x#r = vec4f(x[(X_OFFSET + #r * X_IMAGE) / 4u + step]);
#for d in DEPTH
      block_sums[#r] += x#r[#d] * w#d;
#end
#end
#else
      let x_at = X_OFFSET + step * DEPTH * X_CHANNEL;
#for r in ROWS
#for d in DEPTH
      block_sums[#r] += f32(x[x_at + #r * X_IMAGE + #d * X_CHANNEL]) * w#d;
#end
#end
#endif
      weight_at += SLICES * DEPTH * COLUMNS;
    }
#for r in ROWS
    sums[#r] += block_sums[#r];
#end
  }

#if ${config.slices > 1}
#for r in ROWS
  partial[thread] = sums[#r];
  for (var half = SLICES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (slice < half) {
      partial[thread] += partial[thread + half * COLUMNS];
    }
  }
  // The first slice reads only what it wrote itself, and the next row is written after the barrier.
  if (slice == 0u) {
    store(#r, output, partial[thread]);
  }
  workgroupBarrier();
#end
#else
  let one = min(1u, arrayLength(&y));
  for (var r = 0u; r < ROWS * one; r++) {
    store(r, output, sums[r]);
  }
#endif
}
`;
  return { source, words, operands: epilogue.bindings };
}
