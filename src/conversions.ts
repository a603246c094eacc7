import { pointwiseOp } from './layers/pointwise.ts';
import type { Passes } from './runtime/passes/passes.ts';

/**
 * Has the inputs of a graph in f16 that has no pointwise operator converted to f16. Without, what reads them reads f32.
 *
 * @example
 * const session = await createSession(device, graph, { weights, precision: 'f16', passes: conversions });
 */
export const conversions: Passes = { pointwise: pointwiseOp };
