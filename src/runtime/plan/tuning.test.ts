import { describe, expect, it } from 'vitest';
import { parseTuning, tuningText, tuningTextKey } from './tuning.ts';

const tuning = new Map([['a layer', { kernel: 'conv2d_direct', config: { pixels: 8 } }]]);

describe('parseTuning', () => {
  it('reads what tuningText writes, under the same key', () => {
    const text = tuningText('a key', tuning);
    expect(parseTuning('a key', text)).toEqual(tuning);
    expect(parseTuning('another', text)).toBeUndefined();
  });

  it.each(['', 'null', '[]', '{"format":0}', '{"format":4,"key":'])('refuses %j', (text) => {
    expect(parseTuning('a key', text)).toBeUndefined();
  });

  it('leaves out what is no winner', () => {
    const winners = [['a', { kernel: 1, config: {} }], ['b'], 3, ['c', { kernel: 'k', config: 2 }]];
    const text = JSON.stringify({ format: 4, key: 'a key', winners });
    expect(parseTuning('a key', text)).toEqual(new Map());
  });
});

describe('tuningTextKey', () => {
  it('is the key that a text was made for', () => {
    expect(tuningTextKey(tuningText('a key', tuning))).toBe('a key');
  });

  it.each(['', 'null', '{"format":3,"key":"a key"}', '{"format":4}', '{"format":4,"key":5}'])(
    'is none of %j',
    (text) => {
      expect(tuningTextKey(text)).toBeUndefined();
    },
  );
});
