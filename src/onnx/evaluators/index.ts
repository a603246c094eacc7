/**
 * What is computed on the host where all inputs are constants. Operators that are not here are evaluated as the layers
 * that their importers make.
 */
import { arithmetic } from './arithmetic.ts';
import type { Evaluator } from './evaluator.ts';
import { indexing } from './indexing.ts';
import { reductions } from './reductions.ts';
import { sequences } from './sequences.ts';
import { weights } from './weights.ts';

/** By ONNX's name of the operator. */
export const evaluators: ReadonlyMap<string, Evaluator> = new Map(
  [arithmetic, indexing, reductions, sequences, weights].flatMap((table) => Object.entries(table)),
);
