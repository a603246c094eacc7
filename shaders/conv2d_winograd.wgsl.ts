/**
 * The two transforms of Winograd's minimal filtering, F(TILE x TILE, 3 x 3), for convolutions of stride 1.
 * After Lavin and Gray, "Fast algorithms for convolutional neural networks", CVPR 2016.
 *
 *     y = A^T [ (G g G^T) * (B^T d B) ] A       for each tile of TILE x TILE outputs, summed over channels
 *
 *     1. winogradInput    V[i][c][tile] = (B^T d B)[i], d being the FIELD x FIELD inputs of a tile
 *     2. any GEMM         M[i][o][tile] = sum over c of V[i][c][tile] * U[i][c][o], for each of the
 *                         POSITIONS = FIELD * FIELD positions i: a 1x1 convolution of POSITIONS groups
 *     3. winogradOutput   y = epilogue( A^T M A )
 *
 * U = G g G^T is worked out at load time, in f64. FIELD = TILE + 2. A tile costs FIELD^2 multiplications a
 * channel in place of 9 * TILE^2: 16 for 36 with tiles of 2, 36 for 144 with tiles of 4.
 *
 *     d 6x6                V 36 values            M 36 values           y 4x4
 *     +-----------+        . . . . . .            . . . . . .           +-------+
 *     | . . . . . |  B^T   . . . . . .   GEMMs    . . . . . .    A^T    | . . . |
 *     | . . . . . | -----> . . . . . .  ------->  . . . . . .  ------>  | . . . |
 *     +-----------+   B                                           A     +-------+
 *
 * The points of tiles of 4 are 0, ROOT / 2, -ROOT / 2, ROOT, -ROOT and infinity, ROOT being that of 2. With 1 and 2,
 * which would save two multiplications, the error is 1.5 to 2.5 times as large (docs/kernels.md).
 *
 * One value that is infinite or NaN makes NaN of the whole tile, and the transforms overflow sooner than the sum does.
 * Where a tile's outputs are not all finite, winogradOutput takes the sum over x itself, with the weights back from U.
 *
 * Layouts: x, y feature maps of dense planes, at any distance; V, M [position][channel][tile of the whole batch], rows
 * PITCH apart; tiles after the last one repeat it. U as the GEMM reads it: [position][block][input channel][output
 * channel of the block]. Bias [output channel].
 * Threads: one invocation a channel and tile; neighbours have neighbouring tiles.
 *
 * Where it is looped, which is on CPU adapters, rows are loaded in a true loop, whose count the compiler cannot
 * bound (a factor `one`). Unrolled, loads and stores are most of what llvmpipe compiles.
 */
import { type Conv2dProblem, conv2dSizes } from './lib/conv2d_problem.ts';
import { dimensions, type ShaderModule } from './lib/dimensions.ts';
import { type EpilogueModule, epilogueModule } from './lib/epilogue.ts';
import type { Grid } from './lib/grid.ts';
import { wgsl } from './lib/wgsl.ts';

export const WINOGRAD_THREADS = 64;

/** Outputs of a tile along each axis. */
export type WinogradTile = 2 | 4;

/** How the outputs are cut. */
export interface WinogradTiling {
  readonly tile: WinogradTile;
  readonly tilesDown: number;
  readonly tilesAcross: number;
  /** Tiles of the whole batch, and the distance of the rows that hold them. */
  readonly tiles: number;
  readonly pitch: number;
}

/** How U lies, in elements. */
export interface WinogradWeights {
  /** Output channels that lie together for all input channels. */
  readonly block: number;
  /** Input channels, with those that pad them. */
  readonly rows: number;
  /** From a position to the next. */
  readonly position: number;
}

function sizesOf(
  g: Conv2dProblem,
  tiling: WinogradTiling,
  channels: number,
  grid: Grid,
  epilogue?: EpilogueModule,
): Readonly<Record<string, number>> {
  return {
    ...conv2dSizes(g),
    H_OUT: g.outputHeight,
    TILES_DOWN: tiling.tilesDown,
    TILES_ACROSS: tiling.tilesAcross,
    TILES: tiling.tiles,
    PITCH: tiling.pitch,
    COUNT: channels * tiling.pitch,
    GRID_COLUMNS: grid.columns,
    ...epilogue?.sizes,
  };
}

export function winogradInput(
  g: Conv2dProblem,
  tiling: WinogradTiling,
  grid: Grid,
  looped: boolean,
): ShaderModule {
  const { tile } = tiling;
  const sizes = sizesOf(g, tiling, g.inputChannels, grid);
  const { declarations, locals, words } = dimensions(sizes);
  const source = wgsl`
${declarations}
const THREADS = ${WINOGRAD_THREADS}u;
const TILE = ${tile}u;
const FIELD = ${tile + 2}u;
const ROOT = sqrt(2.0);

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> v: array<f32>;

// B^T times one column.
#if ${tile === 2}
fn transform(d: array<f32, FIELD>) -> array<f32, FIELD> {
  return array(d[0] - d[2], d[2] - d[1], d[1] + d[2], d[1] - d[3]);
}
#else
fn transform(d: array<f32, FIELD>) -> array<f32, FIELD> {
  let even1 = d[4] - 2.0 * d[2];
  let odd1 = ROOT * (0.5 * d[3] - d[1]);
  let even2 = d[4] - 0.5 * d[2];
  let odd2 = ROOT * (d[3] - 0.5 * d[1]);
  return array(
    d[0] - 2.5 * d[2] + d[4],
    even1 + odd1,
    even1 - odd1,
    even2 + odd2,
    even2 - odd2,
    d[1] - 2.5 * d[3] + d[5],
  );
}
#endif

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
${locals}
  let at = (workgroup.x + workgroup.y * GRID_COLUMNS) * THREADS + thread;
  if (at >= COUNT) {
    return;
  }
  let channel = at / PITCH;
  let tile = min(at % PITCH, TILES - 1u);
  let image = tile / (TILES_DOWN * TILES_ACROSS);
  let plane = X_OFFSET + image * X_IMAGE + channel * X_CHANNEL;
  // Above and left of the image the subtraction wraps round to a huge number: one comparison does.
  let top = tile / TILES_ACROSS % TILES_DOWN * TILE - PAD_TOP;
  let left = tile % TILES_ACROSS * TILE - PAD_LEFT;

  var rows: array<array<f32, FIELD>, FIELD>;
#if ${looped}
  let one = min(1u, arrayLength(&x));
  for (var r = 0u; r < FIELD * one; r++) {
#else
#for r in FIELD
  {
    const r = #r;
#endif
    let row = top + r;
    let row_inside = row < H_IN;
    var d: array<f32, FIELD>;
#for s in FIELD
    let column#s = left + #s;
    let inside#s = row_inside & (column#s < W_IN);
    d[#s] = select(0.0, x[select(0u, plane + row * W_IN + column#s, inside#s)], inside#s);
#end
    rows[r] = transform(d);
  }
#if ${!looped}
#end
#endif
  let to = channel * PITCH + at % PITCH;
  let position = C_IN * PITCH;
#for s in FIELD
  {
    var d: array<f32, FIELD>;
#for r in FIELD
    d[#r] = rows[#r][#s];
#end
    d = transform(d);
#for r in FIELD
    v[to + (#r * FIELD + #s) * position] = d[#r];
#end
  }
#end
}
`;
  return { source, words };
}

export function winogradOutput(
  g: Conv2dProblem,
  tiling: WinogradTiling,
  weights: WinogradWeights,
  grid: Grid,
  looped: boolean,
): ShaderModule {
  const { tile } = tiling;
  const epilogue = epilogueModule(g.epilogue, 1, looped ? 'shared' : 'eager');
  const sizes = {
    ...sizesOf(g, tiling, g.outputChannels, grid, epilogue),
    U_BLOCK: weights.block,
    U_ROWS: weights.rows,
    U_POSITION: weights.position,
  };
  const { declarations, locals, words } = dimensions(sizes);
  const source = wgsl`
${declarations}
const THREADS = ${WINOGRAD_THREADS}u;
const TILE = ${tile}u;
const FIELD = ${tile + 2}u;
const RESULTS = ${tile * tile};
const ROOT = sqrt(2.0);
// By G's left inverse: of the taps along an axis, the positions in U, and their shares.
const PLACES = array(vec2(0u), vec2(1u, 2u), vec2(FIELD - 1u));
const MIDDLE = ${tile === 2 ? '1.0' : '0.75 * ROOT'};
const SHARES = array(vec2(1.0, 0.0), vec2(-MIDDLE, MIDDLE), vec2(1.0, 0.0));

@group(0) @binding(0) var<storage, read> m: array<f32>;
#if ${g.bias}
@group(0) @binding(1) var<storage, read> bias: array<f32>;
#endif
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> u: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
${epilogue.text}

// A^T times one column.
#if ${tile === 2}
fn transform(m: array<f32, FIELD>) -> array<f32, TILE> {
  return array(m[0] + m[1] + m[2], m[2] - m[1] - m[3]);
}
#else
fn transform(m: array<f32, FIELD>) -> array<f32, TILE> {
  let sum1 = m[1] + m[2];
  let difference1 = m[1] - m[2];
  let sum2 = m[3] + m[4];
  let difference2 = m[3] - m[4];
  return array(
    m[0] + sum1 + sum2,
    ROOT * (0.5 * difference1 + difference2),
    0.5 * sum1 + 2.0 * sum2,
    ROOT * (0.25 * difference1 + 2.0 * difference2) + m[5],
  );
}
#endif

// Where a tile lies: its plane of y, its image and channel, its corner.
struct TilePlace {
  plane: u32,
  image: u32,
  channel: u32,
  top: u32,
  left: u32,
}

fn result_of(tile: TilePlace, i: u32, sum: f32) -> f32 {
${locals}
  let place = (tile.top + i / TILE) * W_OUT + tile.left + i % TILE;
  var value = sum;
#if ${g.bias}
  value += bias[tile.channel];
#endif
  return epilogue(value, tile.image, tile.channel, place${epilogue.sizeArguments});
}

fn store(tile: TilePlace, i: u32, result: f32) {
${locals}
  let row = tile.top + i / TILE;
  let column = tile.left + i % TILE;
  if ((row < H_OUT) & (column < W_OUT)) {
    y[tile.plane + row * W_OUT + column] = result;
  }
}

// Output i of a tile by the sum over x and the weights, which are got back from u.
fn exact(tile: TilePlace, i: u32) -> f32 {
${locals}
  let channel = tile.channel;
  var sum = 0.0;
  for (var tap = 0u; tap < 9u * C_IN; tap++) {
    let down = tap / 3u % 3u;
    let across = tap % 3u;
    let first = (channel - channel % U_BLOCK) * U_ROWS + channel % U_BLOCK + tap / 9u * U_BLOCK;
    var weight = 0.0;
    for (var k = 0u; k < 4u; k++) {
      let position = PLACES[down][k / 2u] * FIELD + PLACES[across][k % 2u];
      weight += SHARES[down][k / 2u] * SHARES[across][k % 2u] * u[first + position * U_POSITION];
    }
    let row = tile.top + i / TILE + down - PAD_TOP;
    let column = tile.left + i % TILE + across - PAD_LEFT;
    if ((row < H_IN) & (column < W_IN)) {
      sum += weight * x[X_OFFSET + tile.image * X_IMAGE + tap / 9u * X_CHANNEL + row * W_IN + column];
    }
  }
  return sum;
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
${locals}
  let at = (workgroup.x + workgroup.y * GRID_COLUMNS) * THREADS + thread;
  let tile = at % PITCH;
  if (at >= COUNT || tile >= TILES) {
    return;
  }
  let channel = at / PITCH;
  let position = C_OUT * PITCH;
  var rows: array<array<f32, TILE>, FIELD>;
  let one = min(1u, arrayLength(&m));
#if ${looped}
  for (var r = 0u; r < FIELD * one; r++) {
#else
#for r in FIELD
  {
    const r = #r;
#endif
    var values: array<f32, FIELD>;
#for s in FIELD
    values[#s] = m[at + (r * FIELD + #s) * position];
#end
    rows[r] = transform(values);
  }
#if ${!looped}
#end
#endif
  let image = tile / (TILES_DOWN * TILES_ACROSS);
  let top = tile / TILES_ACROSS % TILES_DOWN * TILE;
  let left = tile % TILES_ACROSS * TILE;
  let plane = Y_OFFSET + image * Y_IMAGE + channel * Y_CHANNEL;
  var results: array<f32, TILE * TILE>;
  var total = 0.0;
#for s in TILE
  {
    var values: array<f32, FIELD>;
#for r in FIELD
    values[#r] = rows[#r][#s];
#end
    let column = transform(values);
#for r in TILE
    results[#r * TILE + #s] = column[#r];
    total += column[#r];
#end
  }
#end
  let finite = (bitcast<u32>(total) & 0x7f800000u) != 0x7f800000u;
  let place = TilePlace(plane, image, channel, top, left);
#if ${looped}
  for (var i = 0u; i < select(TILE * TILE, 0u, finite); i++) {
    results[i] = exact(place, i);
  }
  for (var i = 0u; i < TILE * TILE * one; i++) {
    store(place, i, result_of(place, i, results[i]));
  }
#else
  // An array that no variable indexes stays in registers.
  if (finite) {
#for i in RESULTS
    let result#i = result_of(place, #i, results[#i]);
#end
#for i in RESULTS
    store(place, #i, result#i);
#end
  } else {
    for (var i = 0u; i < TILE * TILE; i++) {
      store(place, i, result_of(place, i, exact(place, i)));
    }
  }
#endif
}
`;
  return { source, words, operands: epilogue.bindings };
}
