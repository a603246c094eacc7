/** What operators refuse of a file, in the words in which they say it: what was expected, what the file has. */
import { describe, expect, it } from 'vitest';
import {
  float,
  int,
  ints,
  onnxFile,
  onnxInput,
  onnxNode,
  onnxTensor as tensor,
  text,
} from '../../../test/fixtures/onnx_model.ts';
import { list, small } from '../../../test/fixtures/onnx_node_cases.ts';
import type { Shape } from '../../runtime/tensor.ts';
import type { Attributes } from '../attribute.ts';
import { loadOnnx } from '../import.ts';

/** Inputs of the model, of floats or of a type that is given by its number in files. */
type Inputs = Readonly<Record<string, Shape | readonly [type: number, shape: Shape]>>;

interface Refusal {
  /** The operator, what it reads, and what it makes: `Conv x w`, `Split x = a b`. */
  readonly node: string;
  readonly attributes?: Attributes;
  readonly inputs?: Inputs;
  readonly constants?: readonly ReturnType<typeof tensor>[];
  readonly opset?: number;
  readonly why: string;
}

const MAP: Shape = [1, 2, 4, 4];
const INT64 = 7;
const UINT8 = 2;
const [INT8, STRING] = [3, 8];

function refusing(node: string, why: string, rest: Omit<Refusal, 'node' | 'why'> = {}): Refusal {
  return { node, why, ...rest };
}

const ofAttributes: readonly Refusal[] = [
  refusing('Concat x x', 'attribute axis has another type than INT', {
    attributes: { axis: float(1) },
  }),
  refusing('Concat x x', 'attribute axis is 9007199254740992, beyond any size', {
    attributes: { axis: int(2 ** 53) },
  }),
  refusing('Concat x x', 'axis 4 is not an axis of 4', { attributes: { axis: int(4) } }),
  refusing('Concat x x', 'axis -5 is not an axis of 4', { attributes: { axis: int(-5) } }),
  refusing('Gelu x', 'approximate is erf; none, tanh are read', {
    attributes: { approximate: text('erf') },
    opset: 20,
  }),
  refusing('Elu x', 'alpha is Infinity, not finite', {
    attributes: { alpha: float(Number.POSITIVE_INFINITY) },
  }),
  refusing('Swish x', 'alpha is NaN, not finite', {
    attributes: { alpha: float(Number.NaN) },
    opset: 24,
  }),
  refusing('Cast x', 'to is STRING; numbers and truth values are read', {
    attributes: { to: int(STRING) },
  }),
  refusing(
    'QuantizeLinear x s',
    'output_dtype is FLOAT8E4M3FN; numbers and truth values are read',
    {
      attributes: { output_dtype: int(17) },
      constants: [small('s', 1)],
      opset: 21,
    },
  ),
  refusing('EyeLike x', 'dtype is STRING; numbers and truth values are read', {
    attributes: { dtype: int(STRING) },
    inputs: { x: [2, 2] },
  }),
];

const ofInputs: readonly Refusal[] = [
  refusing('Add x', 'input 1 is missing'),
  refusing(
    'Reshape x w',
    'the shape "w" must be known when the model is loaded; it is an input of the model: give it once, as one of the constants',
    {
      inputs: { x: MAP, w: [INT64, [2]] },
    },
  ),
  refusing('Reshape x w', 'expected at most 64 numbers, got [65]', {
    constants: [list('w', ...Array<number>(65).fill(1))],
  }),
  refusing('Mul x c', '1e+300 does not fit f32, in which is computed', {
    constants: [tensor('c', [], [1e300], 'double')],
  }),
  refusing('Clip x c', 'min is not a number', { constants: [small('c', Number.NaN)] }),
  refusing('Clip x', 'max is not a number', { attributes: { max: float(Number.NaN) }, opset: 9 }),
  refusing('Add x w', 'wraps around in uint8, as floats do not; cast to int32 or float first', {
    inputs: { x: [UINT8, [2]], w: [UINT8, [2]] },
  }),
  refusing('Div x w', 'wraps around in int8, as floats do not; cast to int32 or float first', {
    inputs: { x: [INT8, [2]], w: [INT8, [2]] },
  }),
  refusing('Pow x c', 'wraps around in uint8, as floats do not; cast to int32 or float first', {
    inputs: { x: [UINT8, [2]] },
    constants: [tensor('c', [], [2], 'uint8')],
  }),
  refusing('NonZero x', 'no such operator here of computed values'),
  refusing('Pad c p', 'is of nothing: an input has no elements', {
    constants: [tensor('c', [0, 2], []), list('p', 0, 0, 0, 0)],
  }),
];

const ofWindows: readonly Refusal[] = [
  refusing('Conv x w', 'its weight is [2, 2], without a kernel', {
    constants: [tensor('w', [2, 2], [1, 2, 3, 4])],
  }),
  refusing('Conv x w', 'expects an input of 1 axes of space after [N, C], got [1, 2, 4, 4]', {
    constants: [tensor('w', [1, 2, 2], [1, 2, 3, 4])],
  }),
  refusing('MaxPool x', 'expects an input of 2 axes of space after [N, C], got [4, 4]', {
    attributes: { kernel_shape: ints(2, 2) },
    inputs: { x: [4, 4] },
  }),
  refusing('MaxPool x', 'kernel_shape is missing'),
  refusing('MaxPool x', 'dilations [1,1,1] does not name 2 axes', {
    attributes: { kernel_shape: ints(2, 2), dilations: ints(1, 1, 1) },
  }),
  refusing('MaxPool x', 'pads [0,0,1] do not name both ends of 2 axes', {
    attributes: { kernel_shape: ints(2, 2), pads: ints(0, 0, 1) },
  }),
  refusing('MaxPool x', 'auto_pad is SAME; NOTSET, VALID, SAME_UPPER, SAME_LOWER are read', {
    attributes: { kernel_shape: ints(2, 2), auto_pad: text('SAME') },
  }),
  refusing('MaxPool x = y i', 'the indices of maxima in volumes are not supported', {
    attributes: { kernel_shape: ints(1, 2, 2) },
    inputs: { x: [1, 1, 2, 2, 2] },
  }),
  refusing('LpPool x', 'p is 0; 1 and more are read', {
    attributes: { kernel_shape: ints(2, 2), p: int(0) },
  }),
  refusing('GlobalLpPool x', 'p is -1; 1 and more are read', { attributes: { p: int(-1) } }),
  refusing('MaxUnpool x w', 'kernel_shape is missing', { inputs: { x: MAP, w: [INT64, MAP] } }),
  refusing(
    'MaxUnpool x w c',
    'an output of [1,3,8,8] has not the images and channels of [1, 2, 4, 4]',
    { inputs: { x: MAP, w: [INT64, MAP] }, constants: [list('c', 1, 3, 8, 8)] },
  ),
  refusing('Col2Im x c b', 'a block of [2,2,2] is none of an image of [4,4]', {
    inputs: { x: [1, 4, 9] },
    constants: [list('c', 4, 4), list('b', 2, 2, 2)],
    opset: 18,
  }),
  refusing('DeformConv x w o', 'expects a map, got [1, 1, 4]', {
    inputs: { x: [1, 1, 4], o: [1, 4, 3] },
    constants: [tensor('w', [1, 1, 2], [1, 2])],
    opset: 19,
  }),
  refusing('DeformConv x w o', 'expects 16 offsets a window, got [1, 8, 3, 3]', {
    attributes: { offset_group: int(2) },
    inputs: { x: [1, 2, 4, 4], o: [1, 8, 3, 3] },
    constants: [tensor('w', [1, 2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8])],
    opset: 19,
  }),
];

const statistics = ['s', 'b', 'm', 'v'].map((name) => tensor(name, [2], [1, 1]));
const ofNormalizations: readonly Refusal[] = [
  refusing('BatchNormalization x s b m v', 'spatial is 0', {
    attributes: { spatial: int(0) },
    constants: statistics,
    opset: 7,
  }),
  refusing('LpNormalization x', 'p is 3; 1 and 2 are read', { attributes: { p: int(3) } }),
  refusing('MeanVarianceNormalization x', 'axis 4 is not an axis of 4', {
    attributes: { axes: ints(4) },
  }),
];

const ofSizes: readonly Refusal[] = [
  refusing('Resize x _ s', '3 extents for 4 axes of [1, 2, 4, 4]', {
    constants: [tensor('s', [3], [1, 2, 2])],
  }),
  refusing('Resize x _ s', 'axes [3,3] of [1, 2, 4, 4] are given twice', {
    attributes: { axes: ints(3, -1) },
    constants: [tensor('s', [2], [2, 2])],
    opset: 18,
  }),
  refusing('Resize x r s', 'the region of interest has 4 numbers for 4 axes', {
    attributes: { coordinate_transformation_mode: text('tf_crop_and_resize') },
    constants: [tensor('r', [4], [0, 0, 1, 1]), tensor('s', [4], [1, 1, 2, 2])],
  }),
  refusing('Resize x s', 'mode is cubic; nearest and linear are read', {
    attributes: { mode: text('cubic') },
    constants: [tensor('s', [4], [1, 1, 2, 2])],
    opset: 10,
  }),
  refusing('Pad x p', 'pads 4 axes by 4 amounts [0,0,1,1]', {
    constants: [list('p', 0, 0, 1, 1)],
  }),
  refusing('CenterCropPad x c', '[2,2] are not the extents of 4 axes', {
    constants: [list('c', 2, 2)],
    opset: 18,
  }),
  refusing('AffineGrid x c', 'theta [1, 2, 3] makes no grid of [2,1,2,2]', {
    inputs: { x: [1, 2, 3] },
    constants: [list('c', 2, 1, 2, 2)],
    opset: 20,
  }),
  refusing('AffineGrid x c', 'theta [1, 2, 2] makes no grid of [1,1,2,2]', {
    inputs: { x: [1, 2, 2] },
    constants: [list('c', 1, 1, 2, 2)],
    opset: 20,
  }),
  refusing('AffineGrid x c', 'theta [1, 1, 2] makes no grid of [1,1,2]', {
    inputs: { x: [1, 1, 2] },
    constants: [list('c', 1, 1, 2)],
    opset: 20,
  }),
  refusing('AffineGrid x c', 'a grid of [0,2] is computed; at most 16777216 places are', {
    inputs: { x: [1, 2, 3] },
    constants: [list('c', 1, 1, 0, 2)],
    opset: 20,
  }),
  refusing('AffineGrid x c', 'a grid of [4097,4096] is computed; at most 16777216 places are', {
    inputs: { x: [1, 2, 3] },
    constants: [list('c', 1, 1, 4097, 4096)],
    opset: 20,
  }),
  refusing('Concat x x', 'makes 2147483648 elements, more than 2147483647', {
    attributes: { axis: int(0) },
    inputs: { x: [1024, 1024, 1024] },
  }),
  refusing('Split x = a b', 'splits the 4 along axis 2 into [3,2]', {
    attributes: { axis: int(2), split: ints(3, 2) },
    opset: 12,
  }),
  refusing('Split x = a b c', 'splits the 4 along axis 3 into [2,2,0]', {
    attributes: { axis: int(-1) },
  }),
  refusing('Reshape x c', 'an extent of 0 leaves no elements', {
    attributes: { allowzero: int(1) },
    constants: [list('c', 0, 32)],
  }),
  refusing('Flatten x', 'axis 5 is not an axis of 4', { attributes: { axis: int(5) } }),
  refusing(
    'Dropout x r t',
    'drops elements at random, as in training; export the model for inference',
    {
      constants: [small('r', 0.5), tensor('t', [], [1], 'bool')],
    },
  ),
  refusing(
    'Dropout x _ t',
    'drops elements at random, as in training; export the model for inference',
    {
      constants: [tensor('t', [], [1], 'bool')],
    },
  ),
  refusing('EyeLike x', 'is of [2, 2, 2]; matrices are read', { inputs: { x: [2, 2, 2] } }),
  refusing('Constant', 'holds neither a tensor nor numbers'),
];

const ofIndices: readonly Refusal[] = [
  refusing('GatherND x c', 'indices [4, 1] are of another batch than [2, 3]', {
    inputs: { x: [2, 3] },
    attributes: { batch_dims: int(1) },
    constants: [tensor('c', [4, 1], [0, 0, 0, 0], 'integer')],
  }),
  refusing('GatherND x c', 'gathers nothing', {
    inputs: { x: [2, 3] },
    constants: [tensor('c', [0, 1], [], 'integer')],
  }),
  refusing('GatherND x c', 'indices [1, 3] are not of [2, 3]', {
    inputs: { x: [2, 3] },
    constants: [tensor('c', [1, 3], [0, 0, 0], 'integer')],
  }),
  refusing('GatherND x c', 'indices [2] are not of [2, 3]', {
    attributes: { batch_dims: int(1) },
    inputs: { x: [2, 3] },
    constants: [list('c', 0, 0)],
  }),
  refusing('GatherND x c', 'index 2 is out of 2', {
    inputs: { x: [2, 3] },
    constants: [tensor('c', [1, 1], [2], 'integer')],
  }),
  refusing('GatherElements x c', 'index -4 is out of 3', {
    attributes: { axis: int(1) },
    inputs: { x: [2, 3] },
    constants: [tensor('c', [1, 1], [-4], 'integer')],
  }),
  refusing('GatherElements x c', 'indices [1] are not of [2, 3]', {
    inputs: { x: [2, 3] },
    constants: [list('c', 0)],
  }),
  refusing('GatherElements x c', 'indices [3, 1] are out of [2, 3]', {
    attributes: { axis: int(1) },
    inputs: { x: [2, 3] },
    constants: [tensor('c', [3, 1], [0, 0, 0], 'integer')],
  }),
  refusing('ScatterElements x c u', 'updates [1, 2] are not [1, 1]', {
    inputs: { x: [2, 3], u: [1, 2] },
    constants: [tensor('c', [1, 1], [0], 'integer')],
  }),
  refusing(
    'ScatterND x i u',
    'reduction max is read of indices that are known, and these are not',
    {
      attributes: { reduction: text('max') },
      inputs: { x: [3], i: [INT64, [1, 1]], u: [1] },
      opset: 18,
    },
  ),
  refusing('ScatterND x c u', 'reduction is xor; none, add, mul, max, min are read', {
    attributes: { reduction: text('xor') },
    inputs: { x: [3], u: [1] },
    constants: [tensor('c', [1, 1], [0], 'integer')],
    opset: 18,
  }),
  refusing('ScatterND x c u', 'scatters into 65537 rows; at most 65536 are', {
    attributes: { reduction: text('add') },
    inputs: { x: [65537], u: [1] },
    constants: [tensor('c', [1, 1], [0], 'integer')],
    opset: 18,
  }),
  refusing('ScatterND x c u', 'more than 32 updates meet in one place', {
    attributes: { reduction: text('add') },
    inputs: { x: [3], u: [33] },
    constants: [tensor('c', [33, 1], Array<number>(33).fill(0), 'integer')],
    opset: 18,
  }),
];

const ofQuantization: readonly Refusal[] = [
  refusing('QuantizeLinear x s', 'makes float16; integers are made', {
    attributes: { output_dtype: int(10) },
    constants: [small('s', 1)],
    opset: 21,
  }),
  refusing('QuantizeLinear x s', 'scales [3] do not fit [1, 2, 4, 4] along axis 1', {
    constants: [tensor('s', [3], [1, 1, 1])],
  }),
  refusing('QuantizeLinear x s', 'scales [2, 1] do not fit [1, 2, 4, 4] along axis 1', {
    constants: [tensor('s', [2, 1], [1, 1])],
  }),
  refusing('QuantizeLinear x s', 'scales [1, 2, 4, 3] do not fit [1, 2, 4, 4] along axis 3', {
    attributes: { axis: int(3), block_size: int(2) },
    constants: [tensor('s', [1, 2, 4, 3], Array<number>(24).fill(1))],
    opset: 21,
  }),
  refusing(
    'QuantizeLinear x s',
    `scales of channels or blocks must be known when the model is loaded\nInputs that decide can be given once: option "constants", of ["s"].`,
    {
      inputs: { x: MAP, s: [2] },
    },
  ),
  refusing('MatMulInteger x w _ z', 'zero points are not as many as channels: 3', {
    inputs: { x: [UINT8, [2, 2]] },
    constants: [
      tensor('w', [2, 3], [1, 2, 3, 4, 5, 6], 'uint8'),
      tensor('z', [2], [1, 2], 'uint8'),
    ],
  }),
  refusing(
    'MatMulInteger x w z',
    `zero points of channels must be known when the model is loaded\nInputs that decide can be given once: option "constants", of ["x", "z"].`,
    {
      inputs: { x: [UINT8, [2, 2]], z: [UINT8, [2]] },
      constants: [tensor('w', [2, 3], [1, 2, 3, 4, 5, 6], 'uint8')],
    },
  ),
];

const LONG = `${'a'.repeat(100)}...`;
const ofEquations: readonly Refusal[] = [
  ...(
    [
      ['ij,jk,kl->il', 'multiplies 3 operands; one or two are read', 'x x x'],
      [`${'a'.repeat(257)}`, `the equation has 257 characters: ${LONG}`, 'x'],
      [`${'a'.repeat(256)}`, `"${LONG}" does not name 2 axes`, 'x'],
      ['i1->i', '"i1->i" is no equation', 'x'],
      ['ij->i->j', '"ij->i->j" is no equation', 'x'],
      ['ij,jk', '"ij,jk" is not of 1 operands', 'x'],
      ['i->i', '"i" does not name 2 axes', 'x'],
      ['ij->k', '"ij->k" has a result of axes that its operands have not, or have twice', 'x'],
      ['ij->ii', '"ij->ii" has a result of axes that its operands have not, or have twice', 'x'],
      ['i.j->i', '"i.j->i" has dots that are no ellipsis', 'x'],
      ['i......j->i', '"i......j->i" has dots that are no ellipsis', 'x'],
      ['ii->i', 'axis i of [2, 3] is 2 and 3 long', 'x'],
      ['ij,ij->i', 'axis j is 3 and 1 long', 'x w'],
      ['ij,jk->ik', 'axis j is 3 and 2 long', 'x x'],
    ] as const
  ).map(([equation, why, inputs]) =>
    refusing(`Einsum ${inputs}`, why, {
      attributes: { equation: text(equation) },
      inputs: { x: [2, 3], ...(inputs.includes('w') && { w: [2, 1] }) },
    }),
  ),
];

/** Inputs that must be known, and are computed, or inputs of the model: what each is called. */
const GIVEN =
  'must be known when the model is loaded; it is an input of the model: give it once, as one of the constants';
const unknown: readonly Refusal[] = (
  [
    ['Slice x w c', 'the starts'],
    ['Slice x c w', 'the ends'],
    ['Slice x c c w', 'the axes'],
    ['Slice x c c c w', 'the steps'],
    ['Split x w = a b', 'the split'],
    ['Expand x w', 'the shape'],
    ['Tile x w', 'the repeats'],
    ['Squeeze x w', 'the axes'],
    ['Unsqueeze x w', 'the axes'],
    ['ReduceMean x w', 'the axes'],
    ['Pad x w', 'the pads'],
    ['Pad x p w', 'the value'],
    ['Pad x p c w', 'the axes'],
    ['CenterCropPad x w', 'the shape'],
    ['Resize x _ w', 'the scales'],
    ['Resize x _ _ w', 'the sizes'],
    ['Upsample x w', 'the scales'],
    ['OneHot x w p', 'the depth'],
    ['OneHot x c w', 'the values'],
    ['CumSum x w', 'the axis'],
    ['TopK x w', 'k'],
    ['Trilu x w', 'the diagonal'],
    ['Dropout x w c', 'the ratio'],
    ['Dropout x c w', 'training_mode'],
    ['AffineGrid x w', 'the size'],
    ['Col2Im x w c', 'the shape of the image'],
    ['Col2Im x c w', 'the shape of the block'],
    ['MaxUnpool x x w', 'the output shape'],
    ['ConstantOfShape w', 'the shape'],
  ] as const
).map(([node, what]) =>
  refusing(node, `${what} "w" ${GIVEN}`, {
    inputs: { x: MAP, w: [INT64, [1]] },
    constants: [list('c', 1), list('p', 0, 0, 0, 0, 0, 0, 0, 0)],
    opset: node.startsWith('Upsample') ? 9 : 20,
  }),
);

/** [steps, batch, features], of an LSTM with two hidden units and what it reads besides. */
const SEQUENCE: Shape = [3, 2, 4];
const ofRecurrence: readonly Refusal[] = (
  [
    ['x w r', 'layout 1 is not read; put the steps first', { layout: int(1) }],
    ['x w r', 'clip is not read', { clip: float(3) }],
    [
      'x w r',
      'direction is both; forward, reverse, bidirectional are read',
      { direction: text('both') },
    ],
    ['x w r _ l', 'sequences of 3,2 steps; all must have 3'],
    ['x w r _ _ _ _ p', 'peepholes are not read'],
    ['x w r p', 'input 3 must be [1, 16], got [1, 6]'],
    ['x r r', 'input 1 must be [1, 8, 4], got [1, 8, 2]'],
    ['x w r _ _ r', 'input 5 must be [1, 2, 2], got [1, 8, 2]'],
    ['long w r', 'takes 1025 steps; at most 1024 are read'],
  ] as const
).map(([inputs, why, attributes = {}]) =>
  refusing(`LSTM ${inputs}`, why, {
    inputs: { x: SEQUENCE, long: [1025, 2, 4] },
    attributes,
    constants: [
      tensor('w', [1, 8, 4], Array<number>(32).fill(1)),
      tensor('r', [1, 8, 2], Array<number>(16).fill(1)),
      tensor('p', [1, 6], Array<number>(6).fill(1)),
      list('l', 3, 2),
    ],
  }),
);

/** Lists of more than a number, where one is read. */
const several: readonly Refusal[] = ['CumSum', 'TopK', 'Trilu'].map((opType) =>
  refusing(`${opType} x c`, 'expected at most 1 numbers, got [2]', {
    constants: [list('c', 1, 1)],
  }),
);

const PACKED: Attributes = { N: int(2), K: int(16), bits: int(4), block_size: int(16) };
const HEADS: Attributes = { num_heads: int(2) };
const TOKENS: Inputs = { x: [1, 3, 4] };
const ofMicrosoft: readonly Refusal[] = [
  ...(
    [
      ['x w s', { ...PACKED, bits: int(3) }, 'bits is 3; 2, 4, 8 are read'],
      ['x w s', { ...PACKED, N: int(0) }, 'N or K is missing'],
      [
        'x w s',
        { ...PACKED, block_size: int(5) },
        'block_size is 5; powers of two from 16 on are read',
      ],
      ['x w s', { ...PACKED, N: int(2 ** 40) }, 'expected 8796093022208 weights in blocks, got 16'],
      ['x w w', PACKED, 'expected 2 scales in blocks, got 16'],
      ['x f s', PACKED, 'weights are float32; uint8 are read'],
      ['x w s i', PACKED, 'zero points are int64'],
      ['x w s s', { ...PACKED, K: int(17) }, 'expected 32 weights in blocks, got 16'],
      ['x w s w', PACKED, 'expected 2 zero points in blocks, got 16'],
      ['x w s _ i', PACKED, 'the order of the groups is given; groups in order are read'],
    ] satisfies readonly (readonly [string, Attributes, string])[]
  ).map(([inputs, attributes, why]) =>
    refusing(`com.microsoft.MatMulNBits ${inputs}`, why, {
      attributes,
      inputs: { x: [1, 16] },
      constants: [
        tensor('w', [2, 1, 8], Array<number>(16).fill(1), 'uint8'),
        tensor('s', [2], [1, 1]),
        tensor('f', [16], Array<number>(16).fill(1)),
        list('i', 0, 0),
      ],
    }),
  ),
  refusing('com.microsoft.FusedConv x w', 'activation is Cube, which is not read', {
    attributes: { kernel_shape: ints(1, 1), activation: text('Cube') },
    constants: [tensor('w', [2, 2, 1, 1], [1, 0, 0, 1])],
  }),
  refusing(
    'com.microsoft.FusedConv x w _ z',
    '[7, 2, 4, 4] is added to [1, 2, 4, 4], and is larger',
    {
      inputs: { z: [7, 2, 4, 4] },
      attributes: { kernel_shape: ints(1, 1) },
      constants: [tensor('w', [2, 2, 1, 1], [1, 0, 0, 1])],
    },
  ),
  refusing(
    'com.microsoft.FusedMatMul x x',
    'transBatchA or transBatchB is 1: the axes of stacks are moved; 0 is read',
    {
      attributes: { transBatchA: int(1) },
    },
  ),
  refusing(
    'com.microsoft.SkipLayerNormalization x z g',
    '[5, 3, 4] is added to [1, 3, 4], and is larger',
    {
      inputs: { ...TOKENS, z: [5, 3, 4] },
      constants: [tensor('g', [4], [1, 1, 1, 1])],
    },
  ),
  refusing('com.microsoft.SkipLayerNormalization x x g = y m', 'mean or deviation are outputs', {
    inputs: TOKENS,
    constants: [tensor('g', [4], [1, 1, 1, 1])],
  }),
  refusing('Attention x x x', '4 features are not those of 0 heads', { inputs: TOKENS, opset: 23 }),
  refusing('Attention x k k', '4 heads of queries do not share 3 of keys', {
    inputs: { x: [1, 4, 3, 2], k: [1, 3, 3, 2] },
    opset: 23,
  }),
  refusing(
    'Attention x x x _ x x = y p',
    'keys and values of earlier tokens are given; attention over the tokens of one run is read',
    {
      opset: 23,
    },
  ),
  refusing('Attention x x x', 'softcap is not 0', { attributes: { softcap: float(1) }, opset: 23 }),
  refusing(
    'com.microsoft.MultiHeadAttention x x x _ x',
    'lengths or a mask of keys are given; attention over the tokens of one run is read',
    {
      inputs: TOKENS,
      attributes: HEADS,
    },
  ),
  refusing(
    'com.microsoft.MultiHeadAttention x z z',
    'keys or values are packed; [images, tokens, features] are read',
    {
      inputs: { ...TOKENS, z: [1, 3, 2, 2, 2] },
      attributes: HEADS,
    },
  ),
];

const all = [
  ...ofMicrosoft,
  ...unknown,
  ...ofRecurrence,
  ...several,
  ...[...ofAttributes, ...ofInputs, ...ofWindows, ...ofNormalizations, ...ofSizes],
  ...[...ofIndices, ...ofQuantization, ...ofEquations],
];

describe('loadOnnx refuses', () => {
  it.each(all)('$node: $why', ({ node, why, attributes, opset, constants = [], inputs }) => {
    const { x = MAP, ...others } = inputs ?? {};
    const [read = '', made = 'y'] = node.split(' = ');
    const [opType = '', ...operands] = read.split(' ');
    const ports = Object.entries({ x, ...others }).map(([name, given]) => {
      const [type, shape] = given as readonly [number, Shape];
      return Array.isArray(shape) ? onnxInput(name, shape, type) : onnxInput(name, given as Shape);
    });
    const outputs = made.split(' ');
    const whole = onnxNode(opType, operands.join(' '), '', attributes);
    const bytes = onnxFile(
      {
        node: [{ ...whole, output: outputs, ...(operands.length === 0 && { input: [] }) }],
        initializer: [...constants],
        input: ports,
        output: outputs.map((name) => ({ name })),
      },
      opset,
    );
    expect(() => loadOnnx(bytes)).toThrow(
      expect.objectContaining({
        name: 'UnsupportedError',
        message: [
          `ONNX file "model.onnx": 1 of its parts is not supported:\n  ${opType} (1): node 0: ${why}`,
          ...(why.startsWith('no such operator')
            ? ['Operators that are missing can be given: option "importers".']
            : []),
        ].join('\n'),
      }),
    );
  });
});
