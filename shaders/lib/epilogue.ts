/**
 * What a kernel makes of each result before it stores it: an expression over the result, named `value`, and over
 * operands, which are maps of the output's size or repeat along some of its axes.
 *
 * A kernel that can do so has the text of `epilogueText` at its head, and stores
 *
 *     y[...] = to_y(epilogue(value, image, channel, place));
 *
 * where `place` is the element's index in its plane. Where it stores four neighbours of a plane at once, it asks for
 * width 4; `value` and result are then vec4f, and `place` is the first one's.
 */
import type { DType } from './element_types.ts';
import type { Expression } from './expression.ts';
import { type Clamp, UNCLAMPED } from './expression_clamp.ts';
import type { PrintedExpression, PrintOptions } from './expression_wgsl.ts';

/** What an epilogue reads besides the kernel's result. */
export interface EpilogueOperand {
  /** Its role, and its name in the shader. */
  readonly name: string;
  /** How its elements are stored. */
  readonly type: DType;
  /** In elements, 0 where it repeats; `place` is 1 or 0. */
  readonly strides: {
    /** Of the first element. */
    readonly offset: number;
    /** From an image to the next. */
    readonly image: number;
    /** From a channel to the next. */
    readonly channel: number;
    /** From a pixel to the next. */
    readonly place: 0 | 1;
  };
}

/**
 * What a kernel makes of a result before it stores it. It comes with what prints it, so that kernels of a page without
 * epilogues carry nothing that does.
 */
export interface Epilogue {
  /** Over `value`, the result, and the operands, by their names. */
  readonly expression: Expression;
  /** The expression as a clamp of `value` or of its sum with the operand, where it is one. */
  readonly clamp: Clamp | undefined;
  /** What it reads besides. */
  readonly operands: readonly EpilogueOperand[];
  /** Writes it in WGSL. */
  readonly print: (options: PrintOptions) => PrintedExpression;
}

export interface OperandBinding {
  readonly slot: number;
  readonly value: string;
  readonly access: 'read';
}

/** How a module computes an epilogue. */
export interface EpilogueModule {
  /** Bindings and the function `epilogue`, for the head. */
  readonly text: string;
  /** What `main` passes on, so that it is read once and not for each result: more arguments of `epilogue`. */
  readonly sizes: Readonly<Record<string, number>>;
  /** `, NAME, ...`: these arguments. */
  readonly sizeArguments: string;
  readonly bindings: readonly OperandBinding[];
  /** Whether there is the array `addend`, whatever is bound for it. */
  readonly addend: boolean;
}

/**
 * Where the operands' strides are.
 *
 *     compiled   constants of the text
 *     parameters constants of the text, but that parameters of the expression are arguments of `epilogue`
 *     bound      arguments of `epilogue`
 *     shared     bound, and so is all else of a clamp of the result, or of its sum with an operand: layers that
 *                differ in these share a pipeline. Any other expression has its own text
 *     eager      shared, and without a branch: something is loaded for the addend even where there is none, so that
 *                compilers have the loads for several results under way at once
 */
export type EpilogueForm = 'compiled' | 'parameters' | 'bound' | 'shared' | 'eager';

type Width = 1 | 4;

/** Where the first operand is bound; the others follow. */
export const FIRST_OPERAND_SLOT = 6;

/** The bindings of the operands. */
export function operandBindings(epilogue: Epilogue | undefined): readonly OperandBinding[] {
  return (epilogue?.operands ?? []).map(({ name }, i) => bindingOf(name, i));
}

function bindingOf(value: string, i = 0): OperandBinding {
  return { slot: FIRST_OPERAND_SLOT + i, value, access: 'read' };
}

/**
 * Whether four neighbouring pixels of a batch of planes, the first a multiple of four, have their operands together.
 * Four pixels may cross images where planes of one channel follow one another.
 */
export function operandsInFours(
  epilogue: Epilogue | undefined,
  batch: number,
  plane: number,
): boolean {
  const within = batch === 1 || plane % 4 === 0;
  return (epilogue?.operands ?? []).every(({ strides: { offset, image, channel, place } }) =>
    place === 0
      ? image === 0 || within
      : [offset, channel].every((start) => start % 4 === 0) &&
        (image === plane || batch === 1 || (within && image % 4 === 0)),
  );
}

/** Bindings, constants and the function `epilogue`, for the head of a module. */
export function epilogueText(epilogue: Epilogue | undefined, width: Width = 1): string {
  return epilogueModule(epilogue, width, 'compiled').text;
}

/** The same for kernels that may bind their sizes. */
export function epilogueModule(
  epilogue: Epilogue | undefined,
  width: Width,
  form: EpilogueForm,
): EpilogueModule {
  const shares = form === 'shared' || form === 'eager';
  const shared = shares ? sharedModule(epilogue, width, form === 'eager') : undefined;
  if (shared) return shared;
  const { operands = [] } = epilogue ?? {};
  const stridesBound = form !== 'compiled' && form !== 'parameters';
  const printed: PrintedExpression = epilogue?.print({
    width,
    operand: (name) => (name === 'value' ? name : `${name}_value`),
    binds: form !== 'compiled',
  }) ?? { functions: '', lines: [], result: 'value' };
  const strides = operands.flatMap(({ name, strides: { place: _, ...rest } }) =>
    Object.entries(rest).map(([part, size]): [string, number] => [sizeName(name, part), size]),
  );
  const [bound, compiled] = stridesBound ? [strides, []] : [[], strides];
  const sizes = { ...Object.fromEntries(bound), ...printed.sizes };
  const text = [
    ...operands.map(({ name, type, strides }, i) =>
      arrayText(name, i, type, strides.place * width),
    ),
    ...compiled.map(([name, size]) => `const ${name} = ${size}u;`),
    printed.functions,
    functionText(width, sizes, [
      ...operands.map((operand) => `let ${operand.name}_value = ${load(operand, width)};`),
      ...printed.lines,
      `return ${printed.result};`,
    ]),
  ].join('\n');
  return { text, ...passed(sizes), bindings: operandBindings(epilogue), addend: false };
}

function passed(sizes: EpilogueModule['sizes']): Pick<EpilogueModule, 'sizes' | 'sizeArguments'> {
  const names = Object.keys(sizes).map((name) => `, ${name}`);
  return { sizes, sizeArguments: names.join('') };
}

/** Four at once are loaded where the addend goes along the plane as y does; else it has a text of its own. */
function sharedModule(
  epilogue: Epilogue | undefined,
  width: Width,
  eager: boolean,
): EpilogueModule | undefined {
  const clamp = epilogue ? epilogue.clamp : UNCLAMPED;
  const addend = epilogue?.operands[0];
  if (!clamp || (width === 4 && addend?.strides.place === 0)) return undefined;
  const { offset = 0, image = 0, channel = 0, place = 0 } = addend?.strides ?? {};
  const sizes = {
    HAS_ADDEND: Number(addend !== undefined),
    ADDEND_OFFSET: offset,
    ADDEND_IMAGE: image,
    ADDEND_CHANNEL: channel,
    ADDEND_PLACE: place,
    LOW: bitsOf(clamp.low),
    HIGH: bitsOf(clamp.high),
  };
  const at =
    'ADDEND_OFFSET + image * ADDEND_IMAGE + channel * ADDEND_CHANNEL + place * ADDEND_PLACE';
  const type = TYPES[width];
  const addition = `${type}(addend[${width === 4 ? `(${at}) / 4u` : at}])`;
  const text = [
    arrayText('addend', 0, addend?.type ?? 'f32', width),
    functionText(width, sizes, [
      ...(eager
        ? [
            `let addition = ${addition};`,
            // Not by a factor of 0: what is in its place may be NaN.
            'let sum = select(value, value + addition, HAS_ADDEND == 1u);',
          ]
        : ['var sum = value;', 'if (HAS_ADDEND == 1u) {', `  sum += ${addition};`, '}']),
      `let low = ${type}(bitcast<f32>(LOW));`,
      `let high = ${type}(bitcast<f32>(HIGH));`,
      // Of NaN, either is false.
      'return select(select(sum, low, sum < low), high, sum > high);',
    ]),
  ].join('\n');
  // Where there is no addend, the weights are in its place.
  const bindings = [bindingOf(addend?.name ?? 'weight')];
  return { text, ...passed(sizes), bindings, addend: true };
}

/** Of an f32. */
export function bitsOf(value: number): number {
  return new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0;
}

const TYPES = { 1: 'f32', 4: 'vec4f' } as const;

function functionText(
  width: Width,
  sizes: EpilogueModule['sizes'],
  lines: readonly string[],
): string {
  const type = TYPES[width];
  const places = ['image', 'channel', 'place', ...Object.keys(sizes)].map(
    (name) => `, ${name}: u32`,
  );
  return `fn epilogue(value: ${type}${places.join('')}) -> ${type} {
${lines.map((line) => `  ${line}`).join('\n')}
}`;
}

/** Operands that go along a plane are loaded as wide as results are stored; others are the same for all of it. */
function arrayText(name: string, i: number, type: DType, width: number): string {
  const element = width === 4 ? `vec4<${type}>` : type;
  return `@group(0) @binding(${FIRST_OPERAND_SLOT + i}) var<storage, read> ${name}: array<${element}>;`;
}

function load({ name, strides }: EpilogueOperand, width: Width): string {
  const size = (part: string): string => sizeName(name, part);
  const along = strides.place === 1 ? ' + place' : '';
  const at = `${size('offset')} + image * ${size('image')} + channel * ${size('channel')}${along}`;
  if (width === 1) return `f32(${name}[${at}])`;
  return strides.place === 1 ? `vec4f(${name}[(${at}) / 4u])` : `vec4f(f32(${name}[${at}]))`;
}

function sizeName(operand: string, part: string): string {
  return `${operand.toUpperCase()}_${part.toUpperCase()}`;
}
