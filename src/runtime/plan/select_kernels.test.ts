import { describe, expect, it } from 'vitest';
import { buildOne } from '../../../test/fixtures/build_one.ts';
import { profileOf } from '../../../test/fixtures/profiles.ts';
import { relu } from '../../layers/activations.ts';
import type { DeviceProfile } from '../device_profile.ts';
import type { Node } from '../graph.ts';
import { shapeKey } from '../isolate.ts';
import { type KernelDef, kernel as kernelOf } from '../kernel.ts';
import { candidatesOf } from '../operator.ts';
import { type SelectOptions, selectKernel, selectKernels } from './select_kernels.ts';

const node = buildOne((g) => relu(g.at('act'), g.input('x', [1, 4])));

type Config = { readonly best: string } | { readonly other: string };
type Def = KernelDef<unknown, Config>;

function kernel(name: string, more: Partial<Def> = {}): Def {
  return {
    name,
    configs: () => [{ best: name }, { other: name }],
    lower: () => ({ dispatches: [] }),
    ...more,
  };
}

/** The node as if its operator had these kernels. */
function nodeWith(...kernels: readonly Def[]): Node {
  const candidates = candidatesOf(
    () => undefined,
    kernels.map((def) => kernelOf(def)),
  );
  return { ...node, op: { ...node.op, candidates } };
}

function chosen(of: Node, device: DeviceProfile, options: SelectOptions = {}): string {
  return selectKernel(of, device, options).kernel;
}

const CPU = profileOf('llvmpipe');
const GPU = profileOf('gpu');

describe('selectKernel', () => {
  it('takes the first kernel, in its first configuration', () => {
    const choice = selectKernel(nodeWith(kernel('a'), kernel('b')), GPU);
    expect(choice.kernel).toBe('a');
    expect(choice.config).toEqual({ best: 'a' });
  });

  it.each([
    ['swiftshader', 'for cpu'],
    ['llvmpipe', 'for cpu'],
    ['gpu', 'for gpu'],
  ] as const)('takes on a %s the kernel that is written for it', (family, expected) => {
    const of = nodeWith(
      kernel('for any'),
      kernel('for gpu', { prefers: 'gpu' }),
      kernel('for cpu', { prefers: 'cpu' }),
    );
    expect(chosen(of, profileOf(family))).toBe(expected);
  });

  it('prefers a kernel for any device to one for the other kind', () => {
    const of = nodeWith(kernel('for gpu', { prefers: 'gpu' }), kernel('for any'));
    expect(chosen(of, CPU)).toBe('for any');
  });

  it('takes a kernel for the other kind of device where there is nothing else', () => {
    const of = nodeWith(kernel('for gpu', { prefers: 'gpu' }));
    expect(chosen(of, CPU)).toBe('for gpu');
  });

  it('takes what costs least, of all configurations of the kernels that suit the device', () => {
    const costs = (best: number, other: number): Partial<Def> => ({
      cost: (_problem, config) => ('best' in config ? best : other),
    });
    const of = nodeWith(
      kernel('for gpu', { prefers: 'gpu', ...costs(1, 1) }),
      kernel('for cpu', { prefers: 'cpu', ...costs(7, 5) }),
      kernel('for any', costs(6, 3)),
    );
    const choice = selectKernel(of, CPU);
    expect(choice.kernel).toBe('for any');
    expect(choice.config).toEqual({ other: 'for any' });
  });

  it('takes the first of those that cost the same', () => {
    const of = nodeWith(kernel('a', { cost: () => 5 }), kernel('b', { cost: () => 5 }));
    expect(selectKernel(of, CPU)).toMatchObject({ kernel: 'a', config: { best: 'a' } });
  });

  it('takes the kernel that is asked for, whatever it costs', () => {
    const of = nodeWith(kernel('a', { cost: () => 1 }), kernel('b', { cost: () => 9 }));
    expect(chosen(of, CPU, { preference: () => 'b' })).toBe('b');
  });

  it('takes the kernel that is asked for', () => {
    const of = nodeWith(kernel('a', { prefers: 'cpu' }), kernel('b', { prefers: 'gpu' }));
    expect(chosen(of, CPU, { preference: () => 'b' })).toBe('b');
  });

  it('passes over a kernel that does not support the node, or has no configuration for the device', () => {
    const of = nodeWith(
      kernel('a', { supports: () => false }),
      kernel('b', { configs: () => [] }),
      kernel('c'),
    );
    expect(chosen(of, GPU, { preference: () => 'a' })).toBe('c');
  });

  it('takes what was timed as the fastest, as long as its kernel offers that configuration', () => {
    const of = nodeWith(kernel('a', { cost: () => 1 }), kernel('b', { cost: () => 9 }));
    const choose = (config: object) => {
      const tuning = new Map([[shapeKey(of), { kernel: 'b', config }]]);
      return selectKernel(of, CPU, { tuning });
    };
    expect(choose({ other: 'b' })).toMatchObject({ kernel: 'b', config: { other: 'b' } });
    expect(choose({ gone: 'b' }).kernel).toBe('a');
  });

  it('names the layer where no kernel is left', () => {
    const of = nodeWith(kernel('a', { supports: () => false }));
    expect(() => selectKernel(of, GPU)).toThrow(
      expect.objectContaining({
        name: 'UnsupportedError',
        message: 'pointwise "act": no kernel of this operator can run on this device',
      }),
    );
  });
});

describe('selectKernels', () => {
  /** A node for whose kernel configurations have these costs. */
  function costing(costs: Readonly<Record<string, number>>, name = 'a'): Node {
    const configs = Object.keys(costs).map((other) => ({ other }));
    return nodeWith(
      kernel(name, {
        configs: () => configs,
        cost: (_problem, config) => ('other' in config ? (costs[config.other] ?? 0) : 0),
      }),
    );
  }
  const select = (nodes: readonly Node[], device = GPU, options: SelectOptions = {}): unknown =>
    [...selectKernels(nodes, device, options).values()].map(({ kernel: by, config }) => [
      by,
      ...Object.values(config),
    ]);

  it('spares on a GPU a configuration that one node has, where that of others costs nearly as little', () => {
    const nodes = [costing({ x: 100 }), costing({ x: 100 }), costing({ y: 100, x: 109 })];
    expect(select(nodes)).toEqual(Array(3).fill(['a', 'x']));
    expect(select(nodes, CPU)).toEqual([...Array(2).fill(['a', 'x']), ['a', 'y']]);
  });

  it('spares none for one that costs more, of another kernel or program, or that no other node has', () => {
    const others = [costing({ x: 100 }), costing({ x: 100 })];
    const own = (node: Node): unknown => (select([...others, node]) as readonly unknown[])[2];
    expect(own(costing({ y: 100, x: 111 }))).toEqual(['a', 'y']);
    expect(own(costing({ y: 100, x: 101 }, 'b'))).toEqual(['b', 'y']);
    expect(own(costing({ y: 100, z: 101 }))).toEqual(['a', 'y']);
    expect(own({ ...costing({ y: 100, x: 101 }), attributes: { kernel: 3 } })).toEqual(['a', 'y']);
  });

  it('keeps a configuration to which a node has come that has no other', () => {
    const nodes = [
      costing({ x: 100, y: 104 }),
      ...Array.from({ length: 2 }, () => costing({ y: 100, z: 104 })),
      ...Array.from({ length: 3 }, () => costing({ z: 100 })),
    ];
    const expected = [...Array(3).fill(['a', 'y']), ...Array(3).fill(['a', 'z'])];
    expect(select(nodes)).toEqual(expected);
  });

  it('asks no node for its attributes whose kernels say no cost', () => {
    const own = { ...nodeWith(kernel('own')), attributes: { many: 10n } };
    expect(select([own, { ...own }])).toEqual(Array(2).fill(['own', 'own']));
  });

  it('leaves what was timed as it is', () => {
    const timed = costing({ y: 100, x: 104 });
    const nodes = [
      costing({ x: 100 }),
      costing({ x: 100 }),
      { ...timed, attributes: { timed: 1 } },
    ];
    const tuning = new Map([
      [shapeKey(nodes[2] ?? timed), { kernel: 'a', config: { other: 'y' } }],
    ]);
    expect((select(nodes, GPU, { tuning }) as readonly unknown[])[2]).toEqual(['a', 'y']);
  });
});
