import { describe, expect, it } from 'vitest';
import { gpuClassOf } from './gpu_class.ts';

// What adapters say of themselves, in Dawn (browsers and Node) and Safari.
describe.each<[string, string, string]>([
  ['amd', 'rdna-3', 'amd'],
  ['apple', 'metal-3', 'apple'],
  ['apple', '', 'apple'],
  ['arm', 'valhall', 'arm'],
  ['intel', 'gen-9', 'intel'],
  ['intel', 'gen-12lp', 'intel'],
  ['intel', 'xe-lpg', 'intel'],
  ['nvidia', 'ampere', 'nvidia'],
  ['nvidia', '', 'nvidia'],
  ['qualcomm', 'adreno-7xx', 'qualcomm'],
  ['samsung', 'rdna-2', 'samsung'],
  ['', '', 'unknown'],
  ['imgtec', 'rogue', 'unknown'],
  ['constructor', '', 'unknown'],
])('a GPU by %j, %j', (vendor, architecture, name) => {
  it(`is of the class ${name}`, () => {
    expect(gpuClassOf({ vendor, architecture }).name).toBe(name);
  });
});

it('Intel’s cards have more units than what is part of a processor', () => {
  const units = (architecture: string) => gpuClassOf({ vendor: 'intel', architecture }).units;
  expect(units('gen-12hp')).toBeGreaterThan(units('gen-12lp'));
});

it('a GPU that hides its name gets what no known one spills', () => {
  const { registers, prefetch, unroll } = gpuClassOf({ vendor: '', architecture: '' });
  for (const vendor of ['amd', 'apple', 'arm', 'intel', 'nvidia', 'qualcomm', 'samsung']) {
    expect(registers).toBeLessThanOrEqual(gpuClassOf({ vendor, architecture: '' }).registers);
    expect(unroll).toBeLessThanOrEqual(gpuClassOf({ vendor, architecture: '' }).unroll);
  }
  expect(prefetch).toBe(false);
});
