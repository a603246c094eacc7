/**
 * A graph and its weights may come from outside. These bound what planning them takes, in time and in memory, whatever
 * they are; each is far beyond what convnets need. Those of ONNX files are in `src/onnx/bounds.ts`.
 */

/** Pieces of memory that are placed in several ways, of which the best is kept; of more, one must do. */
export const MOST_COMPARED: number = 2 ** 10;
/** Readers of a value that is written where a concat has it: for each such concat, all readers are asked. */
export const MOST_READERS: number = 2 ** 8;

/** Calls of one expression: more would be more registers than a kernel has. */
export const MOST_CALLS = 64;
/**
 * Buffers that a layer with what is fused into it binds, its output among them, where a device allows more. With each,
 * a kernel gets a slot and sizes, which are bound, too; those of most devices bind 8 or 10.
 */
export const MOST_BUFFERS = 10;
/** Steps of one movement: with each that joins them, all are lowered anew. */
export const MOST_STEPS = 16;
/** Batch norms in one layer: for each, its weights are computed anew when they are uploaded. */
export const MOST_FOLDED = 8;
/**
 * Numbers of parts of a batch that are tried: after them, a batch of a prime number would be cut into single images.
 */
export const MOST_TRIED = 1024;

/**
 * Bytes of a safetensors file's header, of which a tensor takes a hundred. The reference implementation reads ten times
 * as many; to parse them may take sixty times their memory, where they are brackets in brackets.
 */
export const MOST_HEADER_BYTES = 10_000_000;
