import { describe, expect, it } from 'vitest';
import { machineFacts, otherShare } from './machine.ts';

it('a machine has a processor, cores and memory', () => {
  const facts = machineFacts();
  expect(facts.cores).toBeGreaterThan(0);
  expect(facts.memoryGb).toBeGreaterThan(0);
  expect(facts.loadAverage).toHaveLength(3);
  expect(facts.date).toMatch(/^\d{4}-\d\d-\d\d$/);
});

describe('otherShare', () => {
  const before = { elapsed: 1000, idle: 5000, own: 100 };

  it.each([
    ['all idle', { elapsed: 2000, idle: 7000, own: 100 }, 0],
    ['all mine', { elapsed: 2000, idle: 5000, own: 2100 }, 0],
    ['a quarter of others', { elapsed: 2000, idle: 6000, own: 600 }, 0.25],
    ['all of others', { elapsed: 2000, idle: 5000, own: 100 }, 1],
    // Processor times tick coarser than the clock.
    ['more idle than there was time', { elapsed: 2000, idle: 7010, own: 100 }, 0],
    ['no time', before, 0],
  ])('%s', (_, after, share) => {
    expect(otherShare(before, after, 2)).toBeCloseTo(share, 12);
  });

  it('says nothing where processors report no idle time', () => {
    const hidden = { elapsed: 1000, idle: 0, own: 100 };
    expect(otherShare(hidden, { elapsed: 2000, idle: 0, own: 200 }, 2)).toBe(0);
  });
});
