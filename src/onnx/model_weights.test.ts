import { describe, expect, it } from 'vitest';
import { ModelWeights } from './model_weights.ts';
import { type Constant, constant } from './tensor.ts';

const named = (name: string, of: Constant): Constant => ({ ...of, name });
const A = constant([2, 3], [1, 2, 3, 4, 5, 6], 'float32');
const B = constant([2], [7, 8], 'int64');

describe('ModelWeights', () => {
  it('gives each constant a name of its own', () => {
    const weights = new ModelWeights();
    const names = [
      weights.add(named('w', A)),
      weights.add(named('w', B)),
      // The same again, under another shape, and under another name.
      weights.add(named('w', A)),
      weights.add({ ...named('w', A), shape: [3, 2] }),
      weights.add(named('v', A)),
      weights.add(B),
      weights.add(A),
    ];
    expect(names).toEqual(['w', 'w#2', 'w', 'w#3', 'v', 'constant', 'constant#2']);
    const { tensors } = weights.source('net.onnx');
    expect([...(tensors ?? [])]).toEqual([
      ['w', { shape: [2, 3], dtype: 'float32' }],
      ['w#2', { shape: [2], dtype: 'int64' }],
      ['w#3', { shape: [3, 2], dtype: 'float32' }],
      ['v', { shape: [2, 3], dtype: 'float32' }],
      ['constant', { shape: [2], dtype: 'int64' }],
      ['constant#2', { shape: [2, 3], dtype: 'float32' }],
    ]);
  });

  it('leaves a name to the constant that has it', () => {
    const weights = new ModelWeights();
    const more = constant([1], [1], 'float32');
    const names = [named('w', A), named('w#2', B), named('w', more)].map((one) => weights.add(one));
    expect(names).toEqual(['w', 'w#2', 'w#3']);
  });

  it('reads them as f32, and says what it lacks', () => {
    const weights = new ModelWeights();
    weights.add(named('w', A));
    weights.add(named('large', constant([3], [1, Number.POSITIVE_INFINITY, 1e39], 'double')));
    weights.add(
      named('infinite', constant([2], [Number.NEGATIVE_INFINITY, Number.NaN], 'float32')),
    );
    const source = weights.source('net.onnx');
    expect(source.name).toBe('net.onnx');
    expect(source.read('w', [2, 3])).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
    expect(source.read('infinite', [2])).toEqual(Float32Array.of(-Infinity, Number.NaN));
    const failing = (name: string, shape: readonly number[]) => () => source.read(name, shape);
    const error = (message: string) => expect.objectContaining({ name: 'WeightError', message });
    expect(failing('w', [3, 2])).toThrow(error('ONNX file "net.onnx": has no weight "w" [3, 2]'));
    expect(failing('v', [2])).toThrow(error('ONNX file "net.onnx": has no weight "v" [2]'));
    expect(failing('large', [3])).toThrow(
      error('ONNX file "net.onnx": weight "large" has 1e+39, which does not fit f32'),
    );
  });
});
