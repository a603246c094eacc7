/**
 * The sizes that a kernel computes with, either compiled in or bound.
 *
 *   compiled   `const NAME = 64u;` for each: index arithmetic folds, every other shape is another pipeline.
 *   bound      `NAME` is read from a uniform buffer at the head of `main`: layers of all shapes share one
 *              pipeline, which matters where compiling takes longer than the sizes' folding saves.
 */
import type { OperandBinding } from './epilogue.ts';

export interface Dimensions {
  /** Lines for the head of the module. */
  readonly declarations: string;
  /** Lines for the head of `main`. */
  readonly locals: string;
  /** What to write into the uniform buffer at DIMENSIONS_SLOT; nothing where the sizes are compiled in. */
  readonly words: readonly number[] | undefined;
}

/** A module, and what it binds besides the tensors that the problem has. */
export interface ShaderModule {
  readonly source: string;
  readonly words?: Dimensions['words'];
  /** Operands of its epilogue, and what is in the place of tensors that may be missing. */
  readonly operands?: readonly OperandBinding[];
}

/** Where the uniform buffer is bound: behind all tensors and operands. */
export const DIMENSIONS_SLOT = 15;

/** Each size is an unsigned 32-bit integer. */
export function dimensions(sizes: Readonly<Record<string, number>>, bound = true): Dimensions {
  if (!bound) return { declarations: constants(sizes), locals: '', words: undefined };
  const entries = Object.entries(sizes);
  const fields = entries.map(([name]) => `  ${name}: u32,`);
  return {
    declarations: `struct Dimensions {
${fields.join('\n')}
}

@group(0) @binding(${DIMENSIONS_SLOT}) var<uniform> dimensions: Dimensions;`,
    locals: entries.map(([name]) => `  let ${name} = dimensions.${name};`).join('\n'),
    words: entries.map(([, size]) => size),
  };
}

/** Sizes that are compiled in whatever else is bound. */
export function constants(sizes: Readonly<Record<string, number>>): string {
  return Object.entries(sizes)
    .map(([name, size]) => `const ${name} = ${size}u;`)
    .join('\n');
}
