/** Products of matrices, or of stacks of them, whose elements lie anywhere in memory. */
import type { ElementTypes } from './element_types.ts';
import { elementTypes } from './element_types.ts';
import type { Epilogue } from './epilogue.ts';
import { epilogueAtText } from './epilogue_at.ts';

export interface MatmulProblem {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  /** Extents of the stack; at least one. */
  readonly stack: readonly number[];
  readonly scale: number;
  readonly a: MatrixMemory;
  readonly b: MatrixMemory;
  readonly y: MatrixMemory;
  /** Of y. */
  readonly shape: readonly number[];
  readonly types: ElementTypes<'a' | 'b'>;
  readonly epilogue: Epilogue | undefined;
}

/** Where the elements of a stack of matrices lie. */
export interface MatrixMemory {
  readonly offset: number;
  /** Elements between the matrices along each extent of the stack, 0 where one serves all. */
  readonly stack: readonly number[];
  /** Elements from one row to the next, and from one column. */
  readonly rows: number;
  readonly columns: number;
}

export function matricesOf({ stack }: MatmulProblem): number {
  return stack.reduce((product, extent) => product * extent, 1);
}

/** Whether four elements of neighbouring rows, or columns, can be loaded at once. */
export function inFours(g: MatmulProblem, factor: 'a' | 'b', along: 'rows' | 'columns'): boolean {
  const { offset, stack, ...strides } = g[factor];
  const [rows, columns] = factor === 'a' ? [g.rows, g.depth] : [g.depth, g.columns];
  const [extent, other] = along === 'rows' ? [rows, strides.columns] : [columns, strides.rows];
  return strides[along] === 1 && [extent, offset, other, ...stack].every((n) => n % 4 === 0);
}

/**
 * The head of a module: sizes, bindings, `a_first(matrix)`, `b_first` and `y_first`, where a matrix begins, `store`.
 * What is `wide` is bound as vectors of four.
 */
export function matmulText(g: MatmulProblem, wide: Readonly<Record<'a' | 'b', boolean>>): string {
  return `
${elementTypes(g.types, g.epilogue)}
const ROWS = ${g.rows}u;
const COLUMNS = ${g.columns}u;
const DEPTH = ${g.depth}u;
const SCALE = f32(${g.scale});
const AXES = ${g.stack.length}u;
const STACK = array<u32, AXES>(${words(g.stack)});

@group(0) @binding(0) var<storage, read> a: array<${wide.a ? 'vec4<A>' : 'A'}>;
@group(0) @binding(1) var<storage, read> b: array<${wide.b ? 'vec4<B>' : 'B'}>;
@group(0) @binding(2) var<storage, read_write> y: array<Y>;
${memoryText('a', g.a)}
${memoryText('b', g.b)}
${memoryText('y', g.y)}
${epilogueAtText(g.epilogue, g.shape, 'parameters')}

fn store(matrix: u32, row: u32, column: u32, sum: f32) {
  let value = epilogue_at(SCALE * sum, (matrix * ROWS + row) * COLUMNS + column);
  y[y_first(matrix) + row * Y_ROW + column * Y_COLUMN] = to_y(value);
}`;
}

function memoryText(name: 'a' | 'b' | 'y', { offset, stack, rows, columns }: MatrixMemory): string {
  const upper = name.toUpperCase();
  return `
const ${upper}_OFFSET = ${offset}u;
const ${upper}_STACK = array<u32, AXES>(${words(stack)});
const ${upper}_ROW = ${rows}u;
const ${upper}_COLUMN = ${columns}u;

fn ${name}_first(matrix: u32) -> u32 {
  var at = ${upper}_OFFSET;
  var rest = matrix;
  for (var axis = AXES; axis > 0u; axis--) {
    at += rest % STACK[axis - 1u] * ${upper}_STACK[axis - 1u];
    rest /= STACK[axis - 1u];
  }
  return at;
}`;
}

function words(values: readonly number[]): string {
  return values.map((value) => `${value}u`).join(', ');
}
