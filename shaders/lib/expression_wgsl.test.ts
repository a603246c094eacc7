import { describe, expect, it } from 'vitest';
import { Program } from '../../src/runtime/gpu/program.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { expressionBound } from '../../test/fixtures/expression_bounds.ts';
import { Random, seeds } from '../../test/fixtures/random.ts';
import {
  apply,
  constant,
  type Expression,
  type ExpressionFunction,
  evaluator,
  operand,
  operandsOf,
} from './expression.ts';
import * as f from './expression_functions.ts';
import { parameter } from './expression_parameters.ts';
import { describeExpression } from './expression_text.ts';
import { printExpression } from './expression_wgsl.ts';

const device = useDevice();

const x = operand('x');
const y = operand('y');
const z = operand('z');
const WIDTHS = [1, 4] as const;

/** What replaces an operator of its own each. */
const NAMED = {
  relu: apply(f.max, x, 0),
  relu6_of_sum: apply(f.min, apply(f.max, apply(f.add, x, y), 0), 6),
  leaky_relu: apply(f.select, apply(f.less, x, 0), apply(f.mul, x, 0.01), x),
  prelu: apply(f.select, apply(f.less, x, 0), apply(f.mul, x, y), x),
  silu: apply(f.mul, x, apply(f.sigmoid, x)),
  silu_of_sum: ((sum: Expression) => apply(f.mul, sum, apply(f.sigmoid, sum)))(apply(f.add, x, y)),
  hard_swish: apply(
    f.mul,
    x,
    apply(f.min, apply(f.max, apply(f.add, apply(f.div, x, 6), 0.5), 0), 1),
  ),
  gelu: apply(
    f.mul,
    apply(f.mul, 0.5, x),
    apply(f.add, 1, apply(f.erf, apply(f.mul, x, Math.SQRT1_2))),
  ),
  gelu_by_tanh: apply(
    f.mul,
    apply(f.mul, 0.5, x),
    apply(
      f.add,
      1,
      apply(
        f.tanh,
        apply(
          f.mul,
          Math.sqrt(2 / Math.PI),
          apply(f.add, x, apply(f.mul, 0.044715, apply(f.pow, x, 3))),
        ),
      ),
    ),
  ),
  softplus: apply(f.log, apply(f.add, 1, apply(f.exp, x))),
  affine: apply(f.add, apply(f.mul, x, y), z),
  squared_difference: apply(f.pow, apply(f.sub, x, y), 2),
  inside: apply(f.mul, apply(f.less_equal, 0, x), apply(f.less, x, y)),
  either: apply(f.select, apply(f.add, apply(f.less, x, 0), apply(f.greater, x, 1)), y, x),
  shared_condition: apply(f.add, apply(f.less, x, y), apply(f.select, apply(f.less, x, y), x, 2)),
  of_a_number: apply(f.select, x, constant(1), constant(2)),
  not_finite: apply(f.max, apply(f.min, apply(f.div, 1, 0), x), 3),
  a_number: constant(0.1),
  a_comparison: apply(f.equal, x, y),
} as const;

function functionsOf(arity: number): readonly ExpressionFunction[] {
  return Object.values(f).filter(({ evaluate }) => evaluate.length === arity);
}

function printed(e: Expression, width: 1 | 4): string {
  const { lines, result } = printExpression(e, { width, operand: (name) => name });
  return [...lines, result].join(' ');
}

describe('printExpression', () => {
  it.each(
    Object.entries({
      relu: ['max_of(x, 0.0)', 'max_of4(x, vec4f(0.0))'],
      relu6_of_sum: [
        'min_of(max_of(x + y, 0.0), 6.0)',
        'min_of4(max_of4(x + y, vec4f(0.0)), vec4f(6.0))',
      ],
      leaky_relu: [
        'select(x, x * 0.009999999776482582, x < 0.0)',
        'select(x, x * 0.009999999776482582, x < vec4f(0.0))',
      ],
      silu: ['x * sigmoid(x)', 'x * sigmoid4(x)'],
      silu_of_sum: ['let t0 = x + y; t0 * sigmoid(t0)', 'let t0 = x + y; t0 * sigmoid4(t0)'],
      hard_swish: [
        'x * min_of(max_of(x / 6.0 + 0.5, 0.0), 1.0)',
        'x * min_of4(max_of4(x / 6.0 + 0.5, vec4f(0.0)), vec4f(1.0))',
      ],
      gelu: [
        '0.5 * x * (1.0 + erf(x * 0.7071067690849304))',
        '0.5 * x * (1.0 + erf4(x * 0.7071067690849304))',
      ],
      squared_difference: ['let t0 = x - y; t0 * t0', 'let t0 = x - y; t0 * t0'],
      inside: ['f32(0.0 <= x) * f32(x < y)', 'vec4f(vec4f(0.0) <= x) * vec4f(x < y)'],
      either: [
        'select(x, y, f32(x < 0.0) + f32(x > 1.0) != 0.0)',
        'select(x, y, vec4f(x < vec4f(0.0)) + vec4f(x > vec4f(1.0)) != vec4f(0.0))',
      ],
      shared_condition: [
        'let t0 = x < y; f32(t0) + select(2.0, x, t0)',
        'let t0 = x < y; vec4f(t0) + select(vec4f(2.0), x, t0)',
      ],
      of_a_number: [
        'select(2.0, 1.0, x != 0.0)',
        'select(vec4f(2.0), vec4f(1.0), x != vec4f(0.0))',
      ],
      not_finite: [
        'let t0 = 1.0; let t1 = 0.0; max_of(min_of(t0 / t1, x), 3.0)',
        'let t0 = vec4f(1.0); let t1 = vec4f(0.0); max_of4(min_of4(t0 / t1, x), vec4f(3.0))',
      ],
      a_number: ['0.10000000149011612', 'vec4f(0.10000000149011612)'],
      a_comparison: ['f32(x == y)', 'vec4f(x == y)'],
    } satisfies Partial<Record<keyof typeof NAMED, readonly [string, string]>>),
  )('%s', (name, [one, four]) => {
    const e = new Map(Object.entries(NAMED)).get(name) ?? x;
    expect([printed(e, 1), printed(e, 4)]).toEqual([one, four]);
  });

  it.each([
    [-2, '1.0 / (x * x)'],
    [-1, '1.0 / x'],
    [-0.5, '1.0 / sqrt(x)'],
    [0.5, 'sqrt(x)'],
    [1, 'x'],
    [2, 'x * x'],
    [3, 'x * x * x'],
    [4, 'let t0 = x * x; t0 * t0'],
    [2.5, 'signed_pow(x, 2.5)'],
  ])('x to the power of %f', (exponent, text) => {
    expect(printed(apply(f.pow, x, exponent), 1)).toBe(text);
  });

  it('leaves powers of positive numbers to WGSL', () => {
    const { functions, result } = printExpression(apply(f.pow, 2, x), {
      width: 4,
      operand: (name) => name,
    });
    expect({ functions, result }).toEqual({ functions: '', result: 'pow(vec4f(2.0), x)' });
  });

  it.each([
    [1e300, '3.4028234663852886e+38'],
    [1e10, '10000000000.0'],
    [1e-60, '0.0'],
    [-3, '-3.0'],
  ])('prints %f as an f32', (number, text) => {
    expect(printed(constant(number), 1)).toBe(text);
  });

  it('has variables in place of parameters of which what is not finite is made', () => {
    const e = apply(f.min, x, apply(f.div, parameter(1), parameter(0)));
    const { lines, result, sizes } = printExpression(e, {
      width: 1,
      operand: (name) => name,
      binds: true,
    });
    expect([...lines, result]).toEqual([
      'let t0 = bitcast<f32>(PARAMETER_0);',
      'let t1 = bitcast<f32>(PARAMETER_1);',
      'min_of(x, t0 / t1)',
    ]);
    expect(sizes).toEqual({ PARAMETER_0: 0x3f800000, PARAMETER_1: 0 });
  });

  it('loads an operand that it uses twice once', () => {
    const { lines, result } = printExpression(apply(f.mul, x, x), {
      width: 1,
      operand: (name) => `${name}[at]`,
    });
    expect([...lines, result]).toEqual(['let t0 = x[at];', 't0 * t0']);
  });
});

const F32_LARGEST = 3.4e38;

/** Values at which something changes, or breaks. */
const AWKWARD = [
  0,
  -0,
  1e-40,
  -1e-40,
  1e-30,
  -1e-30,
  1e-7,
  -1e-7,
  1e-3,
  -1e-3,
  0.1,
  -0.1,
  0.25,
  0.5,
  -0.5,
  0.62,
  0.63,
  0.9,
  -0.9,
  0.999,
  1,
  -1,
  1.001,
  1.5,
  -1.5,
  2,
  -2,
  2.5,
  -2.5,
  3,
  -3,
  3.9,
  4.1,
  -5,
  6,
  9.9,
  -10.1,
  17.5,
  20,
  -20,
  88,
  -88,
  89,
  -89,
  104,
  -104,
  1000.5,
  -1000.5,
  8388607.5,
  16777217,
  -3e9,
  1e30,
  -1e30,
  F32_LARGEST,
  -F32_LARGEST,
].map(Math.fround);

const FEW = [0, 1e-30, -0.5, 0.3, 1, -2, 7, -88, 1e30].map(Math.fround);

/** All combinations of values for so many operands, and the operands' columns. */
function combinations(count: number): readonly Float32Array[] {
  const values = count < 3 ? AWKWARD : FEW;
  const total = values.length ** count;
  // Lanes come in fours.
  const padded = Math.ceil(total / 4) * 4;
  return Array.from({ length: count }, (_, which) =>
    Float32Array.from(
      { length: padded },
      (_, i) => values[Math.floor(i / values.length ** which) % values.length] ?? 0,
    ),
  );
}

const THREADS = 64;

async function compute(
  e: Expression,
  names: readonly string[],
  columns: readonly Float32Array[],
  width: 1 | 4,
): Promise<Float32Array> {
  const count = columns[0]?.length ?? 0;
  const { functions, lines, result } = printExpression(e, {
    width,
    operand: (name) => `${name}[at]`,
  });
  const inputs = names.map(
    (name, i) => `@group(0) @binding(${i}) var<storage, read> ${name}: array<Value>;`,
  );
  const source = `
alias Value = ${width === 1 ? 'f32' : 'vec4f'};
${inputs.join('\n')}
@group(0) @binding(${names.length}) var<storage, read_write> result: array<Value>;
${functions}
@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let at = id.x;
  if (at >= ${count / width}u) {
    return;
  }
  ${lines.join('\n  ')}
  result[at] = ${result};
}`;
  const accesses = [...names.map(() => 'read' as const), 'read_write' as const];
  const program = await Program.compile(device(), describeExpression(e), source, accesses);
  const { gpu } = device();
  const size = count * Float32Array.BYTES_PER_ELEMENT;
  const { STORAGE, COPY_DST, COPY_SRC, MAP_READ } = GPUBufferUsage;
  const buffers = columns.slice(0, names.length).map((column) => {
    const buffer = gpu.createBuffer({ size, usage: STORAGE | COPY_DST });
    gpu.queue.writeBuffer(buffer, 0, Float32Array.from(column));
    return buffer;
  });
  const output = gpu.createBuffer({ size, usage: STORAGE | COPY_SRC });
  const staging = gpu.createBuffer({ size, usage: MAP_READ | COPY_DST });
  const encoder = gpu.createCommandEncoder();
  const pass = encoder.beginComputePass();
  program.record(pass, [...buffers, output], [Math.ceil(count / width / THREADS), 1, 1]);
  pass.end();
  encoder.copyBufferToBuffer(output, 0, staging, 0, size);
  gpu.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const computed = new Float32Array(staging.getMappedRange().slice(0));
  for (const buffer of [...buffers, output, staging]) buffer.destroy();
  return computed;
}

/** Runs an expression at both widths, and returns of how many elements something is promised. */
async function check(e: Expression): Promise<number> {
  const names = operandsOf(e);
  const columns = combinations(Math.max(1, names.length));
  const exact = evaluator(e, names);
  let promised = 0;
  for (const width of WIDTHS) {
    const computed = await compute(e, names, columns, width);
    const wrong: string[] = [];
    computed.forEach((got, i) => {
      const values = names.map((_, which) => columns[which]?.[i] ?? 0);
      const expected = exact(values);
      const bound = expressionBound(e, (name) => ({
        value: values[names.indexOf(name)] ?? 0,
        error: 0,
      }));
      if (bound === Number.POSITIVE_INFINITY) return;
      promised++;
      if (Math.abs(got - expected) <= bound) return;
      wrong.push(`of ${values.join(', ')}: ${got}, not ${expected} within ${bound}`);
    });
    expect(wrong, `${describeExpression(e)} at width ${width}`).toEqual([]);
  }
  return promised;
}

describe('expressionBound', () => {
  const boundAt = (e: Expression, value: number) => expressionBound(e, () => ({ value, error: 0 }));

  it.each([
    ['relu', NAMED.relu, 1.5, 0],
    ['a jump that is certain', apply(f.floor, apply(f.mul, x, 3)), 0.5, 0],
    ['a jump that is not', apply(f.floor, apply(f.mul, x, 3)), 1, 1],
    ['overflow', apply(f.mul, x, x), 1e30, Number.POSITIVE_INFINITY],
    ['a negative root', apply(f.sqrt, x), -1, Number.POSITIVE_INFINITY],
  ])('of %s', (_, e, value, bound) => {
    expect(boundAt(e, value)).toBe(bound);
  });

  it('is relative near 0, where GELU needs it', () => {
    expect(boundAt(NAMED.gelu, 1e-6)).toBeLessThan(1e-6 * 2 ** -22);
  });
});

describe('printed expressions on the GPU', () => {
  it.each(functionsOf(1))('$name is within its bound', async (fn) => {
    expect(await check(apply(fn, x))).toBeGreaterThan(20);
  });

  it.each(functionsOf(2))('$name is within its bound', async (fn) => {
    expect(await check(apply(fn, x, y))).toBeGreaterThan(1000);
  });

  it.each(functionsOf(3))('$name is within its bound', async (fn) => {
    expect(await check(apply(fn, x, y, z))).toBeGreaterThan(500);
  });

  it.each([-3, -2, -1, -0.5, 0.5, 2, 2.2, 3, 4, 5])(
    'the power of %f is within its bound',
    async (exponent) => {
      expect(await check(apply(f.pow, x, exponent))).toBeGreaterThan(20);
    },
  );

  it.each([0.5, 2, -2])('the power of the base %f is within its bound', async (base) => {
    expect(await check(apply(f.pow, base, x))).toBeGreaterThan(10);
  });

  it.each(Object.entries(NAMED))('%s is within its bound', async (_, e) => {
    await check(e);
  });

  it.each(seeds(20))('a random expression is within its bound: seed %i', async (seed) => {
    await check(randomExpression(new Random(seed), 4));
  });
});

function randomExpression(random: Random, depth: number): Expression {
  const inner = () => randomExpression(random, depth - 1);
  if (depth === 0) {
    return random.chance(0.7)
      ? random.pick([x, y])
      : constant(random.pick([-2, -0.5, 1 / 3, 1, 6]));
  }
  const kind = random.int(0, 6);
  if (kind < 3) return apply(random.pick(functionsOf(1)), inner());
  if (kind < 6) return apply(random.pick(functionsOf(2)), inner(), inner());
  return apply(f.select, inner(), inner(), inner());
}
