import { describe, expect, it } from 'vitest';
import { GPU_VENDORS } from '../../test/fixtures/profiles.ts';
import { gpuClassOf } from './gpu_class.ts';

const unknown = gpuClassOf({ vendor: '' });

describe.each(GPU_VENDORS.filter(Boolean))('a GPU by %s', (vendor) => {
  const known = gpuClassOf({ vendor });

  it('is of a class of its own', () => {
    expect(known).not.toEqual(unknown);
  });

  it('spills nothing that one without a name does not', () => {
    expect(unknown.registers).toBeLessThanOrEqual(known.registers);
    expect(unknown.unroll).toBeLessThanOrEqual(known.unroll);
    expect(unknown.fetch).toBe('in turn');
  });
});

it.each(['', 'imgtec', 'samsung', 'constructor'])('a GPU by %j gets what suits all', (vendor) => {
  expect(gpuClassOf({ vendor })).toEqual(unknown);
});
