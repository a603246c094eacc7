import { describe, expect, it } from 'vitest';
import { configLegend, shortConfig } from './short_config.ts';

const tiled = { threads: [8, 16], slices: 1, pixelQuads: 2 };
const winograd = { tile: 4, gemm: { lanes: 64, share: 'broadcast' } };

describe('shortConfig', () => {
  it.each([
    [{}, ''],
    [tiled, 't8x16 s1 pq2'],
    [winograd, 't4 l64 broadcast'],
    [{ lanes: 8, share: 'none' }, 'l8'],
    [{ lanes: 8, fused: false, bound: true }, 'l8 bound'],
  ])('of %j is "%s"', (config, text) => {
    expect(shortConfig(config)).toBe(text);
  });
});

describe('configLegend', () => {
  it('explains each field once', () => {
    expect(configLegend([tiled, winograd, winograd])).toBe(
      'l lanes, pq pixel quads, s slices, t threads, t tile',
    );
  });
});
