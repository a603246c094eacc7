import { describe, expect, it } from 'vitest';
import { TilewiseError } from '../src/index.ts';
import { openNodeGpu } from './gpu.ts';

/** Anything, as any type. */
const bad = (value: unknown): never => value as never;

describe('openNodeGpu', () => {
  it.each([
    ['a name of a number', [5], 'openNodeGpu: wanted must be a string, got number'],
    ['options of null', [undefined, null], 'openNodeGpu: options must be an object, got null'],
    [
      'options of a symbol',
      [undefined, Symbol('s')],
      'openNodeGpu: options must be an object, got Symbol(s)',
    ],
    [
      'a text for a choice',
      [undefined, { experimental: 'no' }],
      'openNodeGpu: options.experimental must be true or false, got string',
    ],
    [
      'what Device.open takes',
      [undefined, { experimental: {} }],
      'got object; subgroupMatrices() is for Device.open',
    ],
  ])('refuses %s', async (_, [wanted, options], message) => {
    const error: unknown = await openNodeGpu(bad(wanted), bad(options)).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(TilewiseError);
    expect(error).toMatchObject({ message: expect.stringContaining(message) });
  });
});
