import { describe, expect, it } from 'vitest';
import { parseTuning, tuningText } from './tuning.ts';

const tuning = new Map([['a layer', { kernel: 'conv2d_direct', config: { pixels: 8 } }]]);

describe('parseTuning', () => {
  it('reads what tuningText writes, for the same adapter', () => {
    const text = tuningText('an adapter', tuning);
    expect(parseTuning('an adapter', text)).toEqual(tuning);
    expect(parseTuning('another', text)).toBeUndefined();
  });

  it.each(['', 'null', '[]', '{"format":0}', '{"format":1,"adapter":'])('refuses %j', (text) => {
    expect(parseTuning('an adapter', text)).toBeUndefined();
  });

  it('leaves out what is no winner', () => {
    const winners = [['a', { kernel: 1, config: {} }], ['b'], 3, ['c', { kernel: 'k', config: 2 }]];
    const text = JSON.stringify({ format: 2, adapter: 'an adapter', winners });
    expect(parseTuning('an adapter', text)).toEqual(new Map());
  });
});
