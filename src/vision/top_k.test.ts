import { describe, expect, it } from 'vitest';
import { ShapeError } from '../runtime/errors.ts';
import { digitLabels } from './digit_labels.ts';
import { imagenetLabels } from './imagenet_labels.ts';
import { bestOf, outputsFor, topK } from './top_k.ts';

describe('topK', () => {
  it('sorts, the lower index first among equals', () => {
    const values = Float32Array.of(0.125, 0.25, 0.5, 0.25, 0);
    expect(topK(values, 4, ['a', 'b', 'c', 'd', 'e'])).toEqual([
      { class: 2, label: 'c', probability: 0.5 },
      { class: 1, label: 'b', probability: 0.25 },
      { class: 3, label: 'd', probability: 0.25 },
      { class: 0, label: 'a', probability: 0.125 },
    ]);
  });

  it('gives all where there are fewer', () => {
    expect(topK(Float32Array.of(0.25, 0.75), 5).map((found) => found.class)).toEqual([1, 0]);
  });

  it('calls classes without names by their index', () => {
    expect(topK(Float32Array.of(0, 1), 1)).toEqual([{ class: 1, label: '1', probability: 1 }]);
  });

  it('refuses values that are not numbers', () => {
    expect(() => topK(Float32Array.of(0, Number.NaN, 1), 1)).toThrow(
      'topK: the probability of class 1 is not a number; the weights or the input hold NaN or infinity',
    );
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses k = %d', (k) => {
    expect(() => topK(Float32Array.of(1), k)).toThrow(ShapeError);
  });

  it('refuses labels of another model', () => {
    expect(() => topK(Float32Array.of(1), 1, digitLabels)).toThrow('topK: 10 labels for 1 classes');
  });
});

describe('bestOf', () => {
  const labels = ['a', 'b', 'c'];

  it('reads pairs of one image out of those of a batch', () => {
    const best = Float32Array.of(1, 0, 0, 1, 0, 2, 0.75, 2, 0.25, 0, 0, 1);
    expect(bestOf({ best }, 1, 2, labels)).toEqual([
      { class: 2, label: 'c', probability: 0.75 },
      { class: 0, label: 'a', probability: 0.25 },
    ]);
  });

  it('gives all where there are fewer', () => {
    const best = Float32Array.of(0.5, 1, 0.25, 0, 0.25, 2);
    expect(bestOf({ best }, 0, 9, labels).map((found) => found.class)).toEqual([1, 0, 2]);
  });

  it('sorts all probabilities where those were read', () => {
    const probabilities = Float32Array.of(1, 0, 0, 0.25, 0.5, 0.25);
    const found = bestOf({ probabilities }, 1, 11, labels);
    expect(found.map(({ label }) => label)).toEqual(['b', 'a', 'c']);
  });

  it('refuses values that are not numbers, as topK does', () => {
    const best = Float32Array.of(Number.NaN, -2, 0, 0, 0, 2);
    expect(() => bestOf({ best }, 0, 1, labels)).toThrow(
      'topK: the probability of class 1 is not a number; the weights or the input hold NaN or infinity',
    );
  });
});

describe('outputsFor', () => {
  it('is all probabilities where more are asked for than the GPU finds', () => {
    expect([outputsFor(1), outputsFor(10), outputsFor(11)]).toEqual([
      ['best'],
      ['best'],
      ['probabilities'],
    ]);
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses a count of %d', (count) => {
    expect(() => outputsFor(count)).toThrow(`topK: k is a positive integer, got ${count}`);
  });
});

describe('imagenetLabels', () => {
  it('names 1000 classes in order', () => {
    expect(imagenetLabels).toHaveLength(1000);
    expect([0, 285, 728, 967, 999].map((index) => imagenetLabels[index])).toEqual([
      'tench, Tinca tinca',
      'Egyptian cat',
      'plastic bag',
      'espresso',
      'toilet tissue, toilet paper, bathroom tissue',
    ]);
  });
});
