import { describe, expect, it } from 'vitest';
import { planOutputs } from './run_outputs.ts';

const NAMES = ['logits', 'model/Add:0', 'best'];

describe('planOutputs', () => {
  it.each<readonly [readonly string[], Readonly<Record<string, readonly string[]>>]>([
    [[], {}],
    [['y.npy'], { 'y.npy': ['logits'] }],
    [['y.npz'], { 'y.npz': NAMES }],
    [['best=b.f32', 'model/Add:0=y.npy'], { 'b.f32': ['best'], 'y.npy': ['model/Add:0'] }],
    [['best=y.npz', 'logits=y.npz'], { 'y.npz': ['best', 'logits'] }],
    [['y.npy', 'logits=y.npy'], { 'y.npy': ['logits'] }],
    [['./a=b/y.f32'], { './a=b/y.f32': ['logits'] }],
  ])('%j', (given, files) => {
    expect(Object.fromEntries(planOutputs(given, NAMES))).toEqual(files);
  });

  it('refuses names that are none, and several tensors for a file of one', () => {
    expect(() => planOutputs(['worst=y.npy'], NAMES)).toThrow(
      /no output "worst"; it has logits, model\/Add:0, best/,
    );
    expect(() => planOutputs(['best=y.npy', 'logits=y.npy'], NAMES)).toThrow(
      /"y\.npy" takes one tensor, not best, logits; write several into a \.npz file/,
    );
  });

  it('takes the longest name that fits, of names that hold an equals sign', () => {
    const files = planOutputs(['x=1=y.npy', 'x=z.npy'], ['x', 'x=1']);
    expect(Object.fromEntries(files)).toEqual({ 'y.npy': ['x=1'], 'z.npy': ['x'] });
  });
});
