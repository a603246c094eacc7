import type { Shape } from '../tensor.ts';

/** What a weight source says of a tensor before it is read. */
export interface TensorInfo {
  /** Its extents. */
  readonly shape: Shape;
  /** As the source names it, for messages: `F32`, `F16`, `BF16`, `synthetic`. */
  readonly dtype: string;
}

/** Where a model's weights come from. Sources are kept by the session, which reads them at load time. */
export interface WeightSource {
  /** For messages: a file's name, a URL, `synthetic`. */
  readonly name: string;
  /** The tensors on offer; `undefined` where the source makes any tensor asked for. */
  readonly tensors: ReadonlyMap<string, TensorInfo> | undefined;
  /**
   * A tensor as f32, row-major, of as many values as the shape.
   *
   * @param name - Of the tensor.
   * @param shape - That which the graph expects.
   * @throws WeightError when it is not there.
   *
   * @example
   * const values = weights.read('conv1.weight', [32, 1, 5, 5]);
   */
  read(name: string, shape: Shape): Float32Array;
}
