/** What gives values other places. */
import { DataType } from '../../onnx/schema/enums.ts';
import type { Call, Row, Translator } from '../call.ts';
import { demand, demandSound } from '../errors.ts';
import { TO_THE_END } from './ends.ts';
import { stridedSlice } from './strided_slice.ts';

function moving(translate: Translator, activation?: number): Row {
  return { translate, moves: true, ...(activation !== undefined && { activation }) };
}

/** Modes of padding by mirroring, by TFLite's schema. */
const SYMMETRIC = 1;

export const movementRows: Readonly<Record<string, Row>> = {
  RESHAPE: moving(reshape),
  SQUEEZE: moving((call) => {
    const axes = call.operator.options?.numbers(0, 'int32') ?? [];
    return call.node('Squeeze', [call.input(0), ...(axes.length > 0 ? [call.integers(axes)] : [])]);
  }),
  EXPAND_DIMS: moving((call) => {
    return call.node('Unsqueeze', [call.input(0), call.integers(call.known(1, 'axis'))]);
  }),
  TRANSPOSE: moving((call) => {
    const rank = call.rank();
    const order = call.known(1, 'order of axes').map((axis) => (axis < 0 ? axis + rank : axis));
    return call.node('Transpose', [call.input(0)], { perm: { ints: order } });
  }),
  CONCATENATION: moving((call) => {
    return call.node('Concat', call.inputs, { axis: { int: call.integer(0) } });
  }, 1),
  PACK: moving((call) => {
    const axis = call.integer(1);
    const each = call.inputs.map((x) => call.node('Unsqueeze', [x, call.integers([axis])]));
    return call.node('Concat', each, { axis: { int: axis } });
  }),
  UNPACK: moving((call) => {
    const axis = call.integer(1);
    const parts = split(call, 0, axis);
    return parts.map((part) => call.node('Squeeze', [part, call.integers([axis])]));
  }),
  SPLIT: moving((call) => {
    const [axis = 0] = call.known(0, 'axis');
    return split(call, 1, axis);
  }),
  SPLIT_V: moving(splitInto),
  SLICE: moving(slice),
  STRIDED_SLICE: moving(stridedSlice),
  REVERSE_V2: moving((call) => {
    const axes = call.known(1, 'list of axes');
    const of = (value: number) => call.integers(axes.map(() => value));
    return call.node('Slice', [
      call.input(0),
      of(-1),
      of(-TO_THE_END),
      call.integers(axes),
      of(-1),
    ]);
  }),
  GATHER: moving((call) => {
    const [axis, batch] = [call.integer(0), call.integer(1)];
    if (batch === 0) return call.node('Gather', call.inputs, { axis: { int: axis } });
    demand(axis === batch, `gathers along axis ${axis} of a batch of ${batch} axes`);
    const indices = call.node('Cast', [call.input(1)], { to: { int: DataType.INT64 } });
    const each = call.node('Unsqueeze', [indices, call.integers([-1])]);
    return call.node('GatherND', [call.input(0), each], { batch_dims: { int: batch } });
  }),
  GATHER_ND: moving((call) => {
    const indices = call.node('Cast', [call.input(1)], { to: { int: DataType.INT64 } });
    return call.node('GatherND', [call.input(0), indices]);
  }),
  EMBEDDING_LOOKUP: moving((call) => call.node('Gather', [call.input(1), call.input(0)])),
  TILE: moving((call) => call.node('Tile', [call.input(0), call.integersOf(1)])),
  BROADCAST_TO: moving((call) => call.node('Expand', [call.input(0), call.integersOf(1)])),
  PAD: moving(pad),
  PADV2: {
    translate: (call) => {
      const [before, after] = padsOf(call);
      const pads = call.integers([...before, ...after]);
      return call.node('Pad', [call.input(0), pads, call.input(2)]);
    },
  },
  MIRROR_PAD: moving(mirror),
  DEPTH_TO_SPACE: moving((call) => blocks(call, 'DepthToSpace')),
  SPACE_TO_DEPTH: moving((call) => blocks(call, 'SpaceToDepth')),
  SPACE_TO_BATCH_ND: moving(spaceToBatch),
  BATCH_TO_SPACE_ND: moving(batchToSpace),
  RESIZE_BILINEAR: { translate: (call) => resize(call, 'linear', 2) },
  RESIZE_NEAREST_NEIGHBOR: moving((call) => resize(call, 'nearest', 0)),

  SHAPE: {
    translate: (call) => {
      const to = { int: DataType.INT32 };
      return call.node('Cast', [call.node('Shape', [call.input(0)])], { to });
    },
  },
  RANK: {
    translate: (call) =>
      call.node('Cast', [call.node('Size', [call.node('Shape', [call.input(0)])])], {
        to: { int: DataType.INT32 },
      }),
  },
  RANGE: { translate: (call) => call.node('Range', call.inputs) },
  FILL: { translate: (call) => call.node('Expand', [call.input(1), call.integersOf(0)]) },
  ZEROS_LIKE: {
    translate: (call) => {
      const zeros = call.node('ConstantOfShape', [call.node('Shape', [call.input(0)])]);
      return call.node('Cast', [zeros], { to: { int: call.outputType() } });
    },
  },
  ONE_HOT: {
    translate: (call) => {
      const axis = call.integer(0);
      // ONNX counts negative indices from the end; here they are none.
      const isNone = call.node('Less', [
        call.input(0),
        call.node('Sub', [call.input(1), call.input(1)]),
      ]);
      const indices = call.node('Where', [isNone, call.input(1), call.input(0)]);
      const values = [3, 2].map((i) => call.node('Unsqueeze', [call.input(i), call.integers([0])]));
      const both = call.node('Concat', values, { axis: { int: 0 } });
      return call.node('OneHot', [indices, call.input(1), both], { axis: { int: axis } });
    },
  },
};

/** Images at a time may be more than the file says, where that is one. */
function reshape(call: Call): string {
  const own = call.operator.options?.numbers(0, 'int32') ?? [];
  const shape = call.has(1) ? call.knownOrUndefined(1) : own.length > 0 ? own : call.output().shape;
  if (!shape) return call.node('Reshape', [call.input(0), call.integersOf(1)]);
  const [first] = call.tensor(0).signature;
  const isBatch = first === 1 && shape.length > 1 && shape[0] === 1;
  const target = isBatch ? [0, ...shape.slice(1)] : shape;
  return call.node('Reshape', [call.input(0), call.integers(target)]);
}

function split(call: Call, input: number, axis: number): readonly string[] {
  return call.nodes('Split', [call.input(input)], {
    axis: { int: axis },
    num_outputs: { int: call.operator.outputs.length },
  });
}

function splitInto(call: Call): readonly string[] {
  const sizes = call.known(1, 'list of sizes');
  const [axis = 0] = call.known(2, 'axis');
  const extent = call.tensor(0).signature.at(axis) ?? 0;
  const isOpen = extent < 0 && sizes.includes(-1);
  demand(!isOpen, 'gives one part the rest of an axis whose extent the file leaves open');
  const rest = extent - sizes.reduce((sum, size) => sum + Math.max(size, 0), 0);
  const whole = call.integers(sizes.map((size) => (size < 0 ? rest : size)));
  return call.nodes('Split', [call.input(0), whole], { axis: { int: axis } });
}

function slice(call: Call): string {
  const begin = call.known(1, 'begin');
  const [batch] = call.tensor(0).signature;
  const ends = call.known(2, 'size').map((size, axis) => {
    // Images at a time may be more than the file says, where that is one.
    const isBatch = axis === 0 && batch === 1 && size === 1;
    return size < 0 || isBatch ? TO_THE_END : (begin[axis] ?? 0) + size;
  });
  return call.node('Slice', [call.input(0), call.integers(begin), call.integers(ends)]);
}

type Pads = readonly [before: readonly number[], after: readonly number[]];

/** Of pairs for each axis. */
function padsOf(call: Call, input = 1): Pads {
  const pairs = call.known(input, 'padding');
  return [pairs.filter((_, i) => i % 2 === 0), pairs.filter((_, i) => i % 2 === 1)];
}

function pad(call: Call): string {
  const [before, after] = padsOf(call);
  const pads = call.integers([...before, ...after]);
  return call.node('Pad', [call.input(0), pads, ...call.zero()]);
}

function mirror(call: Call): string {
  const [before, after] = padsOf(call);
  const all = [...before, ...after];
  const symmetric = call.choice(0) === SYMMETRIC;
  if (symmetric && Math.max(...all) > 1) return symmetrical(call, before, after);
  const mode = { mode: { string: symmetric ? 'edge' : 'reflect' } };
  return call.node('Pad', [call.input(0), call.integers(all)], mode);
}

/** With the edges themselves mirrored, too, for which ONNX has no mode: parts in the other direction, side by side. */
function symmetrical(call: Call, before: readonly number[], after: readonly number[]): string {
  const reversed = (x: string, axis: number, start: number, end: number) =>
    call.node('Slice', [x, ...[start, end, axis, -1].map((value) => call.integers([value]))]);
  return before.reduce((x, first, axis) => {
    const last = after[axis] ?? 0;
    const parts = [
      ...(first > 0 ? [reversed(x, axis, first - 1, -TO_THE_END)] : []),
      x,
      ...(last > 0 ? [reversed(x, axis, -1, -1 - last)] : []),
    ];
    return parts.length > 1 ? call.node('Concat', parts, { axis: { int: axis } }) : x;
  }, call.input(0));
}

function blocks(call: Call, opType: string): string {
  const size = { blocksize: { int: call.integer(0) } };
  return call.channelsFirst(call.input(0), (x) => call.node(opType, [x], size));
}

/** Of rows, columns or the like, whose blocks become images of their own. */
interface Blocks {
  /** Elements along each axis that is cut. */
  readonly block: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Extents of the axes that are cut, before that or after it. */
  readonly plane: readonly number[];
  /** Of the axes that are not. */
  readonly rest: readonly number[];
}

function blocksOf(call: Call): Blocks {
  const block = call.known(1, 'block');
  const [before, after] = padsOf(call, 2);
  const { shape, signature } = call.tensor(0);
  demandSound(
    block.every((extent) => extent > 0),
    'is damaged: it has blocks of no elements',
  );
  const isOpen = signature.slice(1).includes(-1);
  demand(!isOpen, 'cuts maps into blocks, and the file leaves their size open; convert it for one');
  const end = 1 + block.length;
  return { block, before, after, plane: shape.slice(1, end), rest: shape.slice(end) };
}

function spaceToBatch(call: Call): string {
  const { block, before, after, plane, rest } = blocksOf(call);
  const none = rest.map(() => 0);
  const pads = call.integers([0, ...before, ...none, 0, ...after, ...none]);
  const padded = call.node('Pad', [call.input(0), pads, ...call.zero()]);
  const whole = plane.map((extent, i) => extent + (before[i] ?? 0) + (after[i] ?? 0));
  const cut = whole.map((extent, i) => extent / (block[i] ?? 1));
  demandSound(cut.every(Number.isInteger), 'is damaged: it cuts maps into parts of blocks');
  const parts = cut.flatMap((extent, i) => [extent, block[i] ?? 1]);
  const map = ofSize(call, padded, [...whole, ...rest]);
  const inBlocks = call.node('Reshape', [map, call.integers([-1, ...parts, ...rest])]);
  const axes = block.map((_, i) => 1 + 2 * i);
  const last = rest.map((_, i) => 1 + 2 * block.length + i);
  const order = [...axes.map((axis) => axis + 1), 0, ...axes, ...last];
  const moved = call.node('Transpose', [inBlocks], { perm: { ints: order } });
  return call.node('Reshape', [moved, call.integers([-1, ...cut, ...rest])]);
}

/** Images of another size than the file's would become more images, or fewer. */
function ofSize(call: Call, x: string, extents: readonly number[]): string {
  return call.node('Reshape', [x, call.integers([0, ...extents])]);
}

function batchToSpace(call: Call): string {
  const { block, before, after, plane, rest } = blocksOf(call);
  const parts = call.integers([...block, -1, ...plane, ...rest]);
  const map = ofSize(call, call.input(0), [...plane, ...rest]);
  const whole = call.node('Reshape', [map, parts]);
  const images = block.length;
  const pairs = block.flatMap((_, i) => [images + 1 + i, i]);
  const last = rest.map((_, i) => 2 * images + 1 + i);
  const moved = call.node('Transpose', [whole], { perm: { ints: [images, ...pairs, ...last] } });
  const extents = plane.map((extent, i) => extent * (block[i] ?? 1));
  const joined = call.node('Reshape', [moved, call.integers([-1, ...extents, ...rest])]);
  const ends = extents.map((extent, i) => extent - (after[i] ?? 0));
  const axes = call.integers(extents.map((_, i) => i + 1));
  return call.node('Slice', [joined, call.integers(before), call.integers(ends), axes]);
}

/** `flags` is the first of two options: whether corners meet, and whether pixels have their centres at halves. */
function resize(call: Call, mode: 'linear' | 'nearest', flags: number): string {
  const [corners, halves] = [call.flag(flags), call.flag(flags + 1)];
  demand(!corners || !halves, 'has pixels whose corners meet and whose centres are at halves');
  const transformation = corners ? 'align_corners' : halves ? 'half_pixel' : 'asymmetric';
  const attributes = {
    axes: { ints: [2, 3] },
    mode: { string: mode },
    coordinate_transformation_mode: { string: transformation },
    nearest_mode: { string: corners || halves ? 'round_prefer_ceil' : 'floor' },
  };
  const size = call.integersOf(1);
  return call.channelsFirst(call.input(0), (x) =>
    call.node('Resize', [x, '', '', size], attributes),
  );
}
