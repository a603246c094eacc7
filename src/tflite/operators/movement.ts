/** What gives values other places. */
import { DataType } from '../../onnx/schema/enums.ts';
import type { Call, Row, Translator } from '../call.ts';
import { demand } from '../errors.ts';
import { stridedSlice } from './strided_slice.ts';

function moving(translate: Translator, activation?: number): Row {
  return { translate, moves: true, ...(activation !== undefined && { activation }) };
}

const MOST = 2 ** 31 - 1;
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
    const order = call.known(1, 'order of axes');
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
    return call.node('Slice', [call.input(0), of(-1), of(-MOST), call.integers(axes), of(-1)]);
  }),
  GATHER: moving((call) => {
    demand(call.integer(1) === 0, 'gathers from each of a batch its own');
    return call.node('Gather', call.inputs, { axis: { int: call.integer(0) } });
  }),
  GATHER_ND: moving((call) => {
    const indices = call.node('Cast', [call.input(1)], { to: { int: DataType.INT64 } });
    return call.node('GatherND', [call.input(0), indices]);
  }),
  EMBEDDING_LOOKUP: moving((call) => call.node('Gather', [call.input(1), call.input(0)])),
  TILE: moving((call) => call.node('Tile', [call.input(0), call.integersOf(1)])),
  BROADCAST_TO: moving((call) => call.node('Expand', [call.input(0), call.integersOf(1)])),
  PAD: moving((call) => pad(call, call.zero())),
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
  RANGE: { translate: (call) => call.node('Range', call.inputs) },
  FILL: { translate: (call) => call.node('Expand', [call.input(1), call.integersOf(0)]) },
  ZEROS_LIKE: {
    translate: (call) => call.node('ConstantOfShape', [call.node('Shape', [call.input(0)])]),
  },
  ONE_HOT: {
    translate: (call) => {
      const axis = call.integer(0);
      const values = [3, 2].map((i) => call.node('Unsqueeze', [call.input(i), call.integers([0])]));
      const both = call.node('Concat', values, { axis: { int: 0 } });
      return call.node('OneHot', [call.input(0), call.input(1), both], { axis: { int: axis } });
    },
  },
};

/** Images at a time may be more than the file says, where that is one. */
function reshape(call: Call): string {
  const own = call.operator.options?.numbers(0, 'int32') ?? [];
  const shape = call.has(1) ? call.knownOrUndefined(1) : own.length > 0 ? own : call.output().shape;
  if (!shape) return call.node('Reshape', [call.input(0), call.integersOf(1)]);
  const [first] = call.tensor(0).shape;
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
  const extent = call.tensor(0).shape.at(axis) ?? 0;
  const rest = extent - sizes.reduce((sum, size) => sum + Math.max(size, 0), 0);
  const whole = call.integers(sizes.map((size) => (size < 0 ? rest : size)));
  return call.nodes('Split', [call.input(0), whole], { axis: { int: axis } });
}

function slice(call: Call): string {
  const begin = call.known(1, 'begin');
  const ends = call.known(2, 'size').map((size, axis) => {
    return size < 0 ? MOST : (begin[axis] ?? 0) + size;
  });
  return call.node('Slice', [call.input(0), call.integers(begin), call.integers(ends)]);
}

type Pads = readonly [before: readonly number[], after: readonly number[]];

/** Of pairs for each axis. */
function padsOf(call: Call, input = 1): Pads {
  const pairs = call.known(input, 'padding');
  return [pairs.filter((_, i) => i % 2 === 0), pairs.filter((_, i) => i % 2 === 1)];
}

function pad(call: Call, value: number): string {
  const [before, after] = padsOf(call);
  const inputs = [call.input(0), call.integers([...before, ...after])];
  return call.node('Pad', value === 0 ? inputs : [...inputs, call.constant(value)]);
}

function mirror(call: Call): string {
  const [before, after] = padsOf(call);
  const all = [...before, ...after];
  const symmetric = call.choice(0) === SYMMETRIC;
  demand(!symmetric || Math.max(...all) <= 1, 'mirrors more than one pixel with the edge itself');
  const mode = { mode: { string: symmetric ? 'edge' : 'reflect' } };
  return call.node('Pad', [call.input(0), call.integers(all)], mode);
}

function blocks(call: Call, opType: string): string {
  const size = { blocksize: { int: call.integer(0) } };
  return call.channelsFirst(call.input(0), (x) => call.node(opType, [x], size));
}

/** Blocks of rows and columns, which have an image of their own each. */
function spaceToBatch(call: Call): string {
  const [tall = 1, wide = 1] = blockOf(call);
  const [before, after] = padsOf(call, 2);
  const pads = [0, ...before, 0, 0, ...after, 0];
  const { shape } = call.tensor(0);
  const [, height = 1, width = 1, channels = 1] = shape.map((extent, axis) => {
    return extent + (pads[axis] ?? 0) + (pads[axis + 4] ?? 0);
  });
  const [rows, columns] = [height / tall, width / wide];
  const padded = call.node('Pad', [call.input(0), call.integers(pads)]);
  const cut = call.integers([-1, rows, tall, columns, wide, channels]);
  const parts = call.node('Transpose', [call.node('Reshape', [padded, cut])], {
    perm: { ints: [2, 4, 0, 1, 3, 5] },
  });
  return call.node('Reshape', [parts, call.integers([-1, rows, columns, channels])]);
}

function batchToSpace(call: Call): string {
  const [tall = 1, wide = 1] = blockOf(call);
  const [before, after] = padsOf(call, 2);
  const [, rows = 1, columns = 1, channels = 1] = call.tensor(0).shape;
  const cut = call.integers([tall, wide, -1, rows, columns, channels]);
  const whole = call.node('Transpose', [call.node('Reshape', [call.input(0), cut])], {
    perm: { ints: [2, 3, 0, 4, 1, 5] },
  });
  const [height, width] = [rows * tall, columns * wide];
  const joined = call.node('Reshape', [whole, call.integers([-1, height, width, channels])]);
  const ends = [height, width].map((extent, i) => extent - (after[i] ?? 0));
  return call.node('Slice', [
    joined,
    call.integers(before),
    call.integers(ends),
    call.integers([1, 2]),
  ]);
}

function blockOf(call: Call): readonly number[] {
  demand(call.rank() === 4, `reads ${call.rank()} axes; images have 4`);
  return call.known(1, 'block');
}

/** `flags` is the first of two options: whether corners meet, and whether pixels have their centres at halves. */
function resize(call: Call, mode: 'linear' | 'nearest', flags: number): string {
  const [corners, halves] = [call.flag(flags), call.flag(flags + 1)];
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
