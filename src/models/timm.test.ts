import { describe, expect, it } from 'vitest';
import type { Shape } from '../runtime/tensor.ts';
import type { WeightSource } from '../runtime/weights/weight_source.ts';
import { fromTimm } from './timm.ts';

/** A source of tensors that hold the length of their name, and remember the shape they were asked for with. */
function sourceOf(shapes: Readonly<Record<string, Shape>>): WeightSource & { asked: Shape[] } {
  const asked: Shape[] = [];
  return {
    name: 'test',
    asked,
    tensors: new Map(
      Object.entries(shapes).map(([name, shape]) => [name, { shape, dtype: 'F32' }]),
    ),
    read(name, shape) {
      if (!(name in shapes)) throw new Error(`no ${name}`);
      asked.push(shape);
      return Float32Array.of(name.length);
    },
  };
}

const timmVgg = {
  'features.0.weight': [64, 3, 3, 3],
  'features.0.bias': [64],
  'pre_logits.fc1.weight': [4096, 512, 7, 7],
  'pre_logits.fc1.bias': [4096],
  'pre_logits.fc2.weight': [4096, 4096, 1, 1],
  'pre_logits.fc2.bias': [4096],
  'head.fc.weight': [1000, 4096],
  'head.fc.bias': [1000],
};

describe('fromTimm', () => {
  it("gives a VGG torchvision's names and shapes", () => {
    const { tensors } = fromTimm(sourceOf(timmVgg));
    const shapes = [...(tensors ?? [])].map(([name, { shape }]) => [name, shape]);
    expect(Object.fromEntries(shapes)).toEqual({
      'features.0.weight': [64, 3, 3, 3],
      'features.0.bias': [64],
      'classifier.0.weight': [4096, 25_088],
      'classifier.0.bias': [4096],
      'classifier.3.weight': [4096, 4096],
      'classifier.3.bias': [4096],
      'classifier.6.weight': [1000, 4096],
      'classifier.6.bias': [1000],
    });
  });

  it("reads by torchvision's names what timm calls otherwise", () => {
    const source = sourceOf(timmVgg);
    const renamed = fromTimm(source);
    expect(renamed.read('classifier.0.weight', [4096, 25_088])).toEqual(
      source.read('pre_logits.fc1.weight', []),
    );
    expect(renamed.read('classifier.6.bias', [1000])).toEqual(source.read('head.fc.bias', []));
    expect(renamed.read('features.0.bias', [64])).toEqual(source.read('features.0.bias', []));
    expect(source.asked.filter(({ length }) => length > 0)).toEqual([
      [4096, 512, 7, 7],
      [1000],
      [64],
    ]);
  });

  it('leaves the checking of names and shapes to the source', () => {
    const source = sourceOf(timmVgg);
    expect(() => fromTimm(source).read('nothing.weight', [1])).toThrow('no nothing.weight');
    fromTimm(source).read('classifier.0.weight', [1, 2]);
    expect(source.asked).toEqual([[1, 2]]);
  });

  // Each with the tensors that tell its family, and its blocks, from others.
  it.each<[string, Readonly<Record<string, readonly [Shape, string, Shape?]>>]>([
    [
      'RegNet',
      {
        'stem.conv.weight': [[32, 3, 3, 3], 'stem.0.weight'],
        'stem.bn.running_mean': [[32], 'stem.1.running_mean'],
        's1.b1.conv1.conv.weight': [[48, 32, 1, 1], 'trunk_output.block1.block1-0.f.a.0.weight'],
        's1.b1.downsample.bn.bias': [[48], 'trunk_output.block1.block1-0.proj.1.bias'],
        's4.b12.conv2.conv.weight': [[440, 8, 3, 3], 'trunk_output.block4.block4-11.f.b.0.weight'],
        's4.b12.se.fc2.bias': [[440], 'trunk_output.block4.block4-11.f.se.fc2.bias'],
        's4.b12.conv3.bn.weight': [[440], 'trunk_output.block4.block4-11.f.c.1.weight'],
        'head.fc.weight': [[1000, 440], 'fc.weight'],
      },
    ],
    [
      'ConvNeXt',
      {
        'stem.0.weight': [[96, 3, 4, 4], 'features.0.0.weight'],
        'stem.1.bias': [[96], 'features.0.1.bias'],
        'stages.0.blocks.0.gamma': [[96], 'features.1.0.layer_scale', [96, 1, 1]],
        'stages.0.blocks.0.conv_dw.weight': [[96, 1, 7, 7], 'features.1.0.block.0.weight'],
        'stages.1.downsample.0.weight': [[96], 'features.2.0.weight'],
        'stages.1.downsample.1.weight': [[192, 96, 2, 2], 'features.2.1.weight'],
        'stages.3.blocks.2.norm.weight': [[768], 'features.7.2.block.2.weight'],
        'stages.3.blocks.2.mlp.fc1.weight': [[3072, 768], 'features.7.2.block.3.weight'],
        'stages.3.blocks.2.mlp.fc2.bias': [[768], 'features.7.2.block.5.bias'],
        'head.norm.weight': [[768], 'classifier.0.weight'],
        'head.fc.bias': [[1000], 'classifier.2.bias'],
      },
    ],
    [
      'EfficientNet',
      {
        'conv_stem.weight': [[32, 3, 3, 3], 'features.0.0.weight'],
        'bn1.weight': [[32], 'features.0.1.weight'],
        'blocks.0.0.conv_dw.weight': [[32, 1, 3, 3], 'features.1.0.block.0.0.weight'],
        'blocks.0.0.bn1.weight': [[32], 'features.1.0.block.0.1.weight'],
        'blocks.0.0.se.conv_reduce.weight': [[8, 32, 1, 1], 'features.1.0.block.1.fc1.weight'],
        'blocks.0.0.conv_pw.weight': [[16, 32, 1, 1], 'features.1.0.block.2.0.weight'],
        'blocks.0.0.bn2.bias': [[16], 'features.1.0.block.2.1.bias'],
        'blocks.6.0.conv_pw.weight': [[1152, 192, 1, 1], 'features.7.0.block.0.0.weight'],
        'blocks.6.0.conv_dw.weight': [[1152, 1, 3, 3], 'features.7.0.block.1.0.weight'],
        'blocks.6.0.se.conv_reduce.weight': [[48, 1152, 1, 1], 'features.7.0.block.2.fc1.weight'],
        'blocks.6.0.se.conv_expand.bias': [[1152], 'features.7.0.block.2.fc2.bias'],
        'blocks.6.0.conv_pwl.weight': [[320, 1152, 1, 1], 'features.7.0.block.3.0.weight'],
        'blocks.6.0.bn3.running_var': [[320], 'features.7.0.block.3.1.running_var'],
        'conv_head.weight': [[1280, 320, 1, 1], 'features.8.0.weight'],
        'bn2.weight': [[1280], 'features.8.1.weight'],
        'classifier.weight': [[1000, 1280], 'classifier.1.weight'],
      },
    ],
    [
      'MobileNetV2',
      {
        'conv_stem.weight': [[32, 3, 3, 3], 'features.0.0.weight'],
        'blocks.0.0.conv_dw.weight': [[32, 1, 3, 3], 'features.1.conv.0.0.weight'],
        'blocks.0.0.bn1.weight': [[32], 'features.1.conv.0.1.weight'],
        'blocks.0.0.conv_pw.weight': [[16, 32, 1, 1], 'features.1.conv.1.weight'],
        'blocks.0.0.bn2.weight': [[16], 'features.1.conv.2.weight'],
        'blocks.1.0.bn1.weight': [[96], 'features.2.conv.0.1.weight'],
        'blocks.1.0.conv_pwl.weight': [[24, 96, 1, 1], 'features.2.conv.2.weight'],
        'blocks.1.1.conv_pw.weight': [[144, 24, 1, 1], 'features.3.conv.0.0.weight'],
        'blocks.1.1.bn1.weight': [[144], 'features.3.conv.0.1.weight'],
        'blocks.1.1.conv_dw.weight': [[144, 1, 3, 3], 'features.3.conv.1.0.weight'],
        'blocks.1.1.conv_pwl.weight': [[24, 144, 1, 1], 'features.3.conv.2.weight'],
        'blocks.1.1.bn3.bias': [[24], 'features.3.conv.3.bias'],
        'conv_head.weight': [[1280, 320, 1, 1], 'features.4.0.weight'],
        'bn2.weight': [[1280], 'features.4.1.weight'],
        'classifier.bias': [[1000], 'classifier.1.bias'],
      },
    ],
    [
      'MobileNetV3',
      {
        'conv_stem.weight': [[16, 3, 3, 3], 'features.0.0.weight'],
        'blocks.0.0.conv_dw.weight': [[16, 1, 3, 3], 'features.1.block.0.0.weight'],
        'blocks.0.0.bn1.weight': [[16], 'features.1.block.0.1.weight'],
        'blocks.0.0.conv_pw.weight': [[16, 16, 1, 1], 'features.1.block.1.0.weight'],
        'blocks.1.0.se.conv_reduce.weight': [[24, 72, 1, 1], 'features.2.block.2.fc1.weight'],
        'blocks.1.0.bn1.weight': [[72], 'features.2.block.0.1.weight'],
        'blocks.1.0.conv_pwl.weight': [[40, 72, 1, 1], 'features.2.block.3.0.weight'],
        'blocks.2.0.conv.weight': [[960, 160, 1, 1], 'features.3.0.weight'],
        'blocks.2.0.bn1.bias': [[960], 'features.3.1.bias'],
        'conv_head.weight': [[1280, 960, 1, 1], 'classifier.0.weight', [1280, 960]],
        'conv_head.bias': [[1280], 'classifier.0.bias'],
        'classifier.weight': [[1000, 1280], 'classifier.3.weight'],
      },
    ],
  ])("gives %s torchvision's names and shapes, and reads by them", (_, rows) => {
    const entries = Object.entries(rows);
    const source = sourceOf(Object.fromEntries(entries.map(([name, [shape]]) => [name, shape])));
    const renamed = fromTimm(source);
    const expected = entries.map(([, [shape, name, other = shape]]) => [name, other] as const);
    const shapes = [...(renamed.tensors ?? [])].map(([name, { shape }]) => [name, shape]);
    expect(Object.fromEntries(shapes)).toEqual(Object.fromEntries(expected));
    for (const [name, [, torchvision, shape = []]] of entries) {
      if (torchvision.endsWith('running_var')) continue;
      expect(renamed.read(torchvision, shape)).toEqual(Float32Array.of(name.length));
    }
  });

  it('shifts the variances of a MobileNetV3 to what torchvision adds to them', () => {
    const source = sourceOf({
      'conv_stem.weight': [16, 3, 3, 3],
      'conv_head.bias': [1280],
      'bn1.running_var': [16],
      'bn1.running_mean': [16],
    });
    const { read } = fromTimm(source);
    const length = 'bn1.running_var'.length;
    expect(read('features.0.1.running_var', [16])).toEqual(Float32Array.of(length - 0.00099));
    expect(read('features.0.1.running_mean', [16])).toEqual(
      Float32Array.of('bn1.running_mean'.length),
    );
  });

  it('passes other sources on as they are', () => {
    const resnet = sourceOf({ 'conv1.weight': [64, 3, 7, 7], 'fc.weight': [1000, 2048] });
    expect(fromTimm(resnet)).toBe(resnet);
    const mnasnet = sourceOf({
      'conv_stem.weight': [32, 3, 3, 3],
      'blocks.0.0.conv_dw.weight': [32, 1, 3, 3],
      'blocks.1.2.conv_dw.weight': [72, 1, 3, 3],
      'bn2.weight': [1280],
    });
    expect(fromTimm(mnasnet)).toBe(mnasnet);
  });
});
