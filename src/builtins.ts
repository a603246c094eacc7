import { concatOp } from './layers/concat.ts';
import { pointwiseOp } from './layers/pointwise.ts';
import type { Builtins } from './runtime/builtins.ts';

/** The operators of this library that passes put into graphs. */
export const builtins: Builtins = { pointwise: pointwiseOp, concat: concatOp };
