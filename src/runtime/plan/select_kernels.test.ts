import { describe, expect, it } from 'vitest';
import { buildOne } from '../../../test/fixtures/build_one.ts';
import { profileOf } from '../../../test/fixtures/profiles.ts';
import { relu, reluOp } from '../../layers/relu.ts';
import { shapeKey } from '../isolate.ts';
import type { KernelDef, OpDef } from '../operator.ts';
import { selectKernel } from './select_kernels.ts';

const node = buildOne((g) => relu(g.at('act'), g.input('x', [1, 4])));

function kernel(name: string, more: Partial<KernelDef> = {}): KernelDef {
  return {
    name,
    supports: () => true,
    configs: () => [{ best: name }, { other: name }],
    lower: () => ({ dispatches: [] }),
    ...more,
  };
}

function opWith(...kernels: readonly KernelDef[]): OpDef {
  return { ...reluOp, kernels };
}

describe('selectKernel', () => {
  it('takes the first kernel, in its first configuration', () => {
    const choice = selectKernel(node, opWith(kernel('a'), kernel('b')), profileOf('gpu'));
    expect(choice.kernel.name).toBe('a');
    expect(choice.config).toEqual({ best: 'a' });
  });

  it.each([
    ['cpu', 'for cpu'],
    ['gpu', 'for gpu'],
  ] as const)('takes on a %s the kernel that is written for it', (kind, expected) => {
    const op = opWith(
      kernel('for any'),
      kernel('for gpu', { prefers: 'gpu' }),
      kernel('for cpu', { prefers: 'cpu' }),
    );
    expect(selectKernel(node, op, profileOf(kind)).kernel.name).toBe(expected);
  });

  it('prefers a kernel for any device to one for the other kind', () => {
    const op = opWith(kernel('for gpu', { prefers: 'gpu' }), kernel('for any'));
    expect(selectKernel(node, op, profileOf('cpu')).kernel.name).toBe('for any');
  });

  it('takes a kernel for the other kind of device where there is nothing else', () => {
    const op = opWith(kernel('for gpu', { prefers: 'gpu' }));
    expect(selectKernel(node, op, profileOf('cpu')).kernel.name).toBe('for gpu');
  });

  it('takes what costs least, of all configurations of the kernels that suit the device', () => {
    const costs = (best: number, other: number): Partial<KernelDef> => ({
      cost: (_node, config) => ('best' in config ? best : other),
    });
    const op = opWith(
      kernel('for gpu', { prefers: 'gpu', ...costs(1, 1) }),
      kernel('for cpu', { prefers: 'cpu', ...costs(7, 5) }),
      kernel('for any', costs(6, 3)),
    );
    const { kernel: chosen, config } = selectKernel(node, op, profileOf('cpu'));
    expect(chosen.name).toBe('for any');
    expect(config).toEqual({ other: 'for any' });
  });

  it('takes the kernel that is asked for, whatever it costs', () => {
    const op = opWith(kernel('a', { cost: () => 1 }), kernel('b', { cost: () => 9 }));
    expect(selectKernel(node, op, profileOf('cpu'), { preference: () => 'b' }).kernel.name).toBe(
      'b',
    );
  });

  it('takes the kernel that is asked for', () => {
    const op = opWith(kernel('a', { prefers: 'cpu' }), kernel('b', { prefers: 'gpu' }));
    expect(selectKernel(node, op, profileOf('cpu'), { preference: () => 'b' }).kernel.name).toBe(
      'b',
    );
  });

  it('passes over a kernel that does not support the node, or has no configuration for the device', () => {
    const op = opWith(
      kernel('a', { supports: () => false }),
      kernel('b', { configs: () => [] }),
      kernel('c'),
    );
    expect(selectKernel(node, op, profileOf('gpu'), { preference: () => 'a' }).kernel.name).toBe(
      'c',
    );
  });

  it('takes what was timed as the fastest, as long as its kernel offers that configuration', () => {
    const op = opWith(kernel('a', { cost: () => 1 }), kernel('b', { cost: () => 9 }));
    const choose = (config: object) => {
      const tuning = new Map([[shapeKey(node), { kernel: 'b', config }]]);
      return selectKernel(node, op, profileOf('cpu'), { tuning });
    };
    expect(choose({ other: 'b' })).toMatchObject({ kernel: { name: 'b' }, config: { other: 'b' } });
    expect(choose({ gone: 'b' }).kernel.name).toBe('a');
  });

  it('names the layer where no kernel is left', () => {
    const op = opWith(kernel('a', { supports: () => false }));
    expect(() => selectKernel(node, op, profileOf('gpu'))).toThrow(
      expect.objectContaining({
        name: 'UnsupportedError',
        message: 'relu "act": no kernel of this operator can run on this device',
      }),
    );
  });
});
