import { describe, expect, it } from 'vitest';
import { WeightError } from '../errors.ts';
import { syntheticInput, syntheticTensor, syntheticWeights } from './synthetic.ts';

const BOTTLENECKS = ['layer1.0.bn1.weight', 'layer1.0.bn2.weight', 'layer1.0.bn3.weight'];
const BASIC_BLOCKS = ['layer1.0.bn1.weight', 'layer1.0.bn2.weight'];

/** Elements 0, 1, 2 and 12345, from a Python script that evaluates the formula on its own. */
const FROM_PYTHON: readonly [string, number[], readonly string[], number[]][] = [
  [
    'conv1.weight',
    [1000, 3, 7, 7],
    [],
    [0.18361294269561768, 0.009106440469622612, -0.09463634341955185, -0.1303308755159378],
  ],
  [
    'fc.weight',
    [1000, 512],
    [],
    [-0.06782670319080353, 0.019178250804543495, 0.007742651272565126, -0.015794293954968452],
  ],
  [
    'layer1.0.bn1.weight',
    [20000],
    BASIC_BLOCKS,
    [0.7751734256744385, 0.7084723711013794, 0.9594862461090088, 0.7871024012565613],
  ],
  [
    'layer1.0.bn2.weight',
    [20000],
    BOTTLENECKS,
    [0.558295488357544, 0.5519411563873291, 0.9909113645553589, 0.6661616563796997],
  ],
  [
    'layer1.0.bn2.weight',
    [20000],
    BASIC_BLOCKS,
    [0.16748863458633423, 0.1655823439359665, 0.2972733974456787, 0.1998484879732132],
  ],
  [
    'layer1.0.bn3.weight',
    [20000],
    BOTTLENECKS,
    [0.2222580909729004, 0.16993558406829834, 0.26587116718292236, 0.23890137672424316],
  ],
  [
    'layer1.0.downsample.1.weight',
    [20000],
    BASIC_BLOCKS,
    [0.8358794450759888, 0.7713038921356201, 0.7306356430053711, 0.8766813278198242],
  ],
  [
    'features.1.weight',
    [20000],
    [],
    [0.6288981437683105, 0.7077661752700806, 0.9686211347579956, 0.9325899481773376],
  ],
  [
    'bn1.running_var',
    [20000],
    [],
    [0.5538572669029236, 0.8996757864952087, 1.31085205078125, 1.0937108993530273],
  ],
  [
    'bn1.running_mean',
    [20000],
    [],
    [0.06426426023244858, 0.007732045836746693, -0.0683521255850792, -0.08639128506183624],
  ],
  [
    'fc.bias',
    [20000],
    [],
    [0.011622929945588112, 0.04250304773449898, -0.02724236249923706, 0.08623240143060684],
  ],
];

function sample(data: Float32Array): (number | undefined)[] {
  return [data[0], data[1], data[2], data[12345]];
}

describe('syntheticWeights', () => {
  it.each(FROM_PYTHON)('%s %j equals the formula in Python', (name, shape, names, expected) => {
    const source = syntheticWeights([name, ...names]);
    expect(source.name).toBe('synthetic');
    expect(source.tensors).toBeUndefined();
    const data = source.read(name, shape);
    expect(data.length).toBe(shape.reduce((product, extent) => product * extent));
    expect(sample(data)).toEqual(expected);
  });

  it('reads the names once, whatever iterable they come in', () => {
    const source = syntheticWeights(new Map(BOTTLENECKS.map((name) => [name, 0])).keys());
    expect(source.read('layer1.0.bn2.weight', [1])[0]).toBe(0.558295488357544);
    expect(source.read('layer1.0.bn3.weight', [1])[0]).toBe(0.2222580909729004);
  });

  it('knows the last norm of a block at any depth', () => {
    const names = ['bn1.weight', 'bn2.weight', 'encoder.stages.layer1.0.bn2.weight'];
    const source = syntheticWeights(names);
    const [first, ...last] = names.map((name) => source.read(name, [1])[0]);
    expect(first).toBeGreaterThanOrEqual(0.5);
    expect(Math.max(...last.map(Number))).toBeLessThan(0.3);
  });

  it('scales layers as norms do', () => {
    const source = syntheticWeights([]);
    const shape = [3, 1, 1];
    const u = [...syntheticTensor('0.layer_scale', shape)].map((value) => (value + 2) / 4);
    expect([...source.read('0.layer_scale', shape)]).toEqual(
      u.map((v) => Math.fround(0.5 + 0.5 * v)),
    );
  });

  it.each(['bn1.num_batches_tracked', 'weights', ''])('has no rule for "%s"', (name) => {
    expect(() => syntheticWeights([]).read(name, [1])).toThrow(
      new WeightError(
        `synthetic weights: no rule for "${name}"; names must end in weight, layer_scale, bias, running_mean or running_var`,
      ),
    );
  });
});

describe('syntheticTensor', () => {
  it('equals the formula in Python, for names beyond ASCII too', () => {
    expect(sample(syntheticTensor('images', [20000]))).toEqual([
      0.7892215251922607, -1.6518144607543945, -0.09796571731567383, -1.8020687103271484,
    ]);
    expect(sample(syntheticTensor('größe', [4, 5000]))).toEqual([
      1.2129952907562256, -1.0221283435821533, -0.10934758186340332, -0.5480124950408936,
    ]);
  });
});

describe('syntheticInput', () => {
  it('is the tensor named "input"', () => {
    const input = syntheticInput([1, 3, 224, 224]);
    expect(input.length).toBe(150_528);
    expect(sample(input)).toEqual([
      1.1961324214935303, 0.36278533935546875, -1.1396539211273193, -1.6280293464660645,
    ]);
  });
});
