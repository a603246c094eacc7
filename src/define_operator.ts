/** Operators and kernels of a caller's own, checked field by field before anything runs. */
import { checkArgument, isObject } from './runtime/arguments.ts';
import { TilewiseError } from './runtime/errors.ts';
import type { Node, OpDef } from './runtime/graph.ts';
import * as kernels from './runtime/kernel.ts';
import { candidatesOf, describe } from './runtime/operator.ts';

/** An operator as `defineOperator` takes it: `P` is the problem that its kernels compute. */
export interface OperatorDefinition<A extends object, R extends string, P>
  extends Omit<OpDef<A, R>, 'candidates' | 'passes' | 'between' | 'reference'> {
  /**
   * What a node computes, in f64 and row-major: the oracle that `verify` holds kernels against. Without the epilogue,
   * where the operator fuses one.
   */
  readonly reference: NonNullable<OpDef<A, R>['reference']>;
  /** Multiply-adds of one run of a node, as the field counts them: of convolutions and products only; 0 by default. */
  readonly multiplyAdds?: NonNullable<OpDef<A, R>['multiplyAdds']>;
  /** Whether images of a batch influence one another, so that the batch cannot be cut; no by default. */
  readonly mixesBatch?: NonNullable<OpDef<A, R>['mixesBatch']>;
  /** All that kernels need to know of a node, made once for all of them. */
  readonly problemOf: Parameters<typeof candidatesOf<A, R, P>>[0];
  /** What `kernel` made; which one runs is a matter of the device, of costs and of what `tune` found. */
  readonly kernels: readonly kernels.Kernel<P>[];
}

type Field = readonly [expected: string, fits: (value: unknown) => boolean];

const TEXT: Field = [
  'a text that is not empty',
  (value) => typeof value === 'string' && value !== '',
];
const FUNCTION: Field = ['a function', (value) => typeof value === 'function'];
const FLAG: Field = ['true or false', (value) => typeof value === 'boolean'];
const COUNT: Field = [
  'an integer of at least 0',
  (value) => Number.isSafeInteger(value) && Number(value) >= 0,
];
const LIST: Field = [
  'an array that is not empty',
  (value) => Array.isArray(value) && value.length > 0,
];
const OBJECT: Field = ['an object', isObject];
const GROUPS: Field = [
  'three integers of at least 1',
  (value) =>
    Array.isArray(value) &&
    value.length === 3 &&
    value.every((n) => Number.isSafeInteger(n) && n > 0),
];

function oneOf(...values: readonly string[]): Field {
  return [values.join(' or '), (value) => values.includes(String(value))];
}

function optional([expected, fits]: Field): Field {
  return [`${expected}, or left out`, (value) => value === undefined || fits(value)];
}

type Fields = Readonly<Record<string, Field>>;

/** Names that passes know operators of this library by. */
const TAKEN = ['pointwise', 'concat', 'rearrange', 'batch_norm', 'linear'];

const OPERATOR: Fields = {
  name: [
    `a text, and none of ${TAKEN.join(', ')}`,
    (value) => TEXT[1](value) && !TAKEN.includes(String(value)),
  ],
  inferShape: FUNCTION,
  reference: FUNCTION,
  problemOf: FUNCTION,
  kernels: [
    'an array of what kernel() made, not empty',
    (value) => LIST[1](value) && [value].flat().every(FUNCTION[1]),
  ],
  multiplyAdds: optional(FUNCTION),
  mixesBatch: optional(FUNCTION),
  exact: optional(FLAG),
  channelAxis: optional(COUNT),
  fusesEpilogue: optional(FLAG),
  views: optional([
    '"any", or "map" or "any" by role',
    (value) =>
      value === 'any' ||
      (isObject(value) && Object.values(Object(value)).every(oneOf('map', 'any')[1])),
  ]),
};

const KERNEL: Fields = {
  name: TEXT,
  configs: FUNCTION,
  lower: FUNCTION,
  supports: optional(FUNCTION),
  cost: optional(FUNCTION),
  overwrites: optional(FUNCTION),
  prefers: optional(oneOf('cpu', 'gpu')),
};

const LOWERING: Fields = { dispatches: LIST, repack: optional(OBJECT), scratch: optional(OBJECT) };

const DISPATCH: Fields = {
  source: TEXT,
  bindings: LIST,
  workgroups: GROUPS,
  dimensions: optional(OBJECT),
  rarely: optional(LIST),
};

/** Throws TilewiseError for the first field that is not what it must be, and for one that there is not. */
function checkFields(who: string, value: unknown, fields: Fields): void {
  checkArgument(isObject(value), who, 'an object', value);
  const held: Readonly<Record<string, unknown>> = Object(value);
  for (const [name, [expected, fits]] of Object.entries(fields)) {
    checkArgument(fits(held[name]), `${who}.${name}`, expected, held[name]);
  }
  const unknown = Object.keys(held).find((name) => !Object.hasOwn(fields, name));
  if (unknown !== undefined) {
    throw new TilewiseError(
      `${who} has no field "${unknown}"; there are ${Object.keys(fields).join(', ')}`,
    );
  }
}

/**
 * An operator of your own, for `GraphBuilder.add`: sessions, `verify`, `tune`, `profile`, `runReference` and what reads
 * ONNX files treat it as they do those of this library. What its kernels lower to is checked, too, field by field,
 * when a graph is prepared. Its name stands in messages and in the keys of tunings: one that no other operator has.
 *
 * @param definition - Its shape rule, its meaning in f64, its problem and its kernels.
 * @returns The operator, which nodes carry.
 * @throws TilewiseError naming the field of the definition that is missing, wrong or unknown.
 *
 * @example
 * const square = defineOperator({
 *   name: 'square',
 *   inferShape: ({ inputs }) => ({ shape: inputs.x?.desc.shape ?? [], dtype: 'f32' }),
 *   reference: (_, { x = new Float64Array() }) => x.map((value) => value * value),
 *   problemOf: ({ output }) => elementCount(output.desc.shape),
 *   kernels: [
 *     kernel({
 *       name: 'square',
 *       configs: () => [{}],
 *       lower: (count: number) => ({
 *         dispatches: [
 *           {
 *             source: `
 *               @group(0) @binding(0) var<storage, read> x: array<f32>;
 *               @group(0) @binding(1) var<storage, read_write> y: array<f32>;
 *               @compute @workgroup_size(64)
 *               fn main(@builtin(global_invocation_id) id: vec3u) {
 *                 if (id.x < ${count}u) { y[id.x] = x[id.x] * x[id.x]; }
 *               }`,
 *             bindings: [
 *               { slot: 0, value: 'x', access: 'read' },
 *               { slot: 1, value: 'y', access: 'read_write' },
 *             ],
 *             workgroups: [Math.ceil(count / 64), 1, 1],
 *           },
 *         ],
 *       }),
 *     }),
 *   ],
 * });
 * const y = g.add(square, {}, { x });
 */
export function defineOperator<A extends object, R extends string, P>(
  definition: OperatorDefinition<A, R, P>,
): OpDef<A, R> {
  checkFields('defineOperator: definition', definition, OPERATOR);
  const { problemOf, kernels: ways, ...rest } = definition;
  const candidates = candidatesOf(problemOf, ways);
  return {
    ...rest,
    candidates: (node, device) =>
      candidates(node, device).map((candidate) => ({
        ...candidate,
        lower: (overwritten) =>
          checkedLowering(node, candidate.kernel, candidate.lower(overwritten)),
      })),
  };
}

/**
 * One way to compute the problems of an operator: hides its configurations, so that an operator can list kernels of
 * different ones.
 *
 * @param def - Its name, its configurations, the best guess first, and how it lowers a problem to dispatches.
 * @returns What `defineOperator` and `candidatesOf` take.
 * @throws TilewiseError naming the field that is missing, wrong or unknown.
 *
 * @example
 * const negative = kernel({
 *   name: 'negative',
 *   configs: () => [{ threads: 64 }, { threads: 128 }],
 *   lower: (count: number, { threads }) => ({
 *     dispatches: [
 *       {
 *         source: `
 *           @group(0) @binding(0) var<storage, read> x: array<f32>;
 *           @group(0) @binding(1) var<storage, read_write> y: array<f32>;
 *           @compute @workgroup_size(${threads})
 *           fn main(@builtin(global_invocation_id) id: vec3u) {
 *             if (id.x < ${count}u) { y[id.x] = -x[id.x]; }
 *           }`,
 *         bindings: [
 *           { slot: 0, value: 'x', access: 'read' },
 *           { slot: 1, value: 'y', access: 'read_write' },
 *         ],
 *         workgroups: [Math.ceil(count / threads), 1, 1],
 *       },
 *     ],
 *   }),
 * });
 */
export function kernel<P, C extends object, R extends string>(
  def: kernels.KernelDef<P, C, R>,
): kernels.Kernel<P> {
  checkFields('kernel: def', def, KERNEL);
  return kernels.kernel(def);
}

function checkedLowering(node: Node, by: string, lowering: kernels.Lowering): kernels.Lowering {
  const who = `${describe(node)}: kernel "${by}": lowering`;
  checkFields(who, lowering, LOWERING);
  const { dispatches, scratch = {} } = lowering;
  const values = [...Object.keys(node.inputs), 'y', ...Object.keys(scratch)];
  const binding: Fields = {
    slot: COUNT,
    value: oneOf(...values),
    access: oneOf('read', 'read_write'),
  };
  for (const [i, dispatch] of dispatches.entries()) {
    const at = `${who}.dispatches[${i}]`;
    checkFields(at, dispatch, DISPATCH);
    for (const [k, one] of dispatch.bindings.entries()) {
      checkFields(`${at}.bindings[${k}]`, one, binding);
    }
  }
  for (const [name, bytes] of Object.entries(scratch)) {
    checkArgument(
      COUNT[1](bytes) && bytes > 0,
      `${who}.scratch.${name}`,
      'bytes, at least 1',
      bytes,
    );
  }
  for (const [role, repack] of Object.entries(lowering.repack ?? {})) {
    checkFields(`${who}.repack.${role}`, repack, {
      arrangement: TEXT,
      length: COUNT,
      pack: FUNCTION,
    });
  }
  return lowering;
}
