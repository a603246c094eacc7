import { describe, expect, it } from 'vitest';
import { profileOf } from '../../../test/fixtures/profiles.ts';
import { UnsupportedError } from '../errors.ts';
import type { DType } from '../tensor.ts';
import { checkPrecision } from './precision.ts';

const without = { ...profileOf('gpu'), shaderF16: false };
const withF16 = { ...without, shaderF16: true };

describe('checkPrecision', () => {
  it('accepts f32 everywhere, and f16 where the device has it', () => {
    expect(() => checkPrecision('f32', without)).not.toThrow();
    expect(() => checkPrecision('f16', withF16)).not.toThrow();
  });

  it('names the feature that f16 lacks', () => {
    expect(() => checkPrecision('f16', without)).toThrow(
      new UnsupportedError(
        'precision f16 needs the WebGPU feature shader-f16, which the adapter "a gpu" lacks; use precision f32',
      ),
    );
  });

  it.each(['f64', undefined, 16])('refuses %j', (given) => {
    expect(() => checkPrecision(given as DType, withF16)).toThrow(
      new UnsupportedError(`precision must be f32 or f16, got ${given}`),
    );
  });
});
