import { describe, expect, it, vi } from 'vitest';
import { useDevice } from '../../../test/fixtures/device.ts';
import { ShaderError } from '../errors.ts';
import type { BindingSlot } from './pipeline_cache.ts';

const device = useDevice();

const BINDINGS: readonly BindingSlot[] = [{ slot: 0, access: 'read_write' }];

function kernel(statement: string): string {
  return `@group(0) @binding(0) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(1)
fn main() {
  ${statement}
}
`;
}

async function failureOf(label: string, source: string, bindings = BINDINGS): Promise<Error> {
  try {
    await device().pipelines.get(label, source, bindings);
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('it compiled');
}

describe('PipelineCache', () => {
  it.each([
    ['a syntax error', 'y[0] = 1.0 2.0;', '2.0'],
    ['an unknown name', 'y[0] = undefined_value;', 'undefined_value'],
  ])('shows the numbered source with a caret under %s', async (_, statement, culprit) => {
    const error = await failureOf('conv2d_direct "conv1"', kernel(statement));
    expect(error).toBeInstanceOf(ShaderError);
    const lines = error.message.split('\n');
    expect(lines[0]).toBe('conv2d_direct "conv1" does not compile');
    expect(lines).toContain('    4 | fn main() {');
    const bad = lines.indexOf(`    5 |   ${statement}`);
    expect(bad).toBeGreaterThan(0);
    const caret = lines[bad + 1] ?? '';
    expect(caret.indexOf('^')).toBe((lines[bad] ?? '').indexOf(culprit));
    expect(caret.trim()).toMatch(/^\^ \S/);
  });

  it('gives the reason where the source is right, but the bindings are not', async () => {
    const error = await failureOf('relu "act"', kernel('y[0] = 3.0;'), []);
    expect(error).toBeInstanceOf(ShaderError);
    expect(error.message).toMatch(/^relu "act" does not compile\n.*binding/s);
  });

  it('compiles one source once, even if it is asked for while that goes on', async () => {
    const create = vi.spyOn(device().gpu, 'createComputePipelineAsync');
    const source = kernel('y[0] = 4.0;');
    const [a, b] = await Promise.all([
      device().pipelines.get('a', source, BINDINGS),
      device().pipelines.get('b', source, BINDINGS),
    ]);
    const c = await device().pipelines.get('c', source, BINDINGS);
    const count = create.mock.calls.length;
    vi.restoreAllMocks();
    expect(b).toBe(a);
    expect(c).toBe(a);
    expect(count).toBe(1);
  });

  it('tries again what has failed', async () => {
    const source = kernel('nonsense();');
    const first = await failureOf('a', source);
    const second = await failureOf('b', source);
    expect(second).not.toBe(first);
    expect(second.message).toMatch(/^b does not compile/);
  });
});
