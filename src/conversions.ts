import { pointwiseOp } from './layers/pointwise.ts';
import type { Passes } from './runtime/passes/passes.ts';

/**
 * Has the inputs of a graph in f16 that has no pointwise operator converted to f16. Without, what reads them reads f32.
 *
 * @example
 * const plan = planFor({ profile: ANY_GPU }, graph, { precision: 'f16', passes: conversions });
 */
export const conversions: Passes = { pointwise: pointwiseOp };
