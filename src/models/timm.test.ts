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

  it('passes other sources on as they are', () => {
    const resnet = sourceOf({ 'conv1.weight': [64, 3, 7, 7], 'fc.weight': [1000, 2048] });
    expect(fromTimm(resnet)).toBe(resnet);
  });
});
