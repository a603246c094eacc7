/** What the f64 references of convolutions have in common. */
import { at } from '../runtime/operator.ts';

/** The sizes that say which planes meet. */
interface Planes {
  readonly batch: number;
  readonly inputChannels: number;
  readonly outputChannels: number;
  readonly groups: number;
  readonly outputHeight: number;
  readonly outputWidth: number;
}

/**
 * Each output plane begins with its bias, and `add` adds to it what comes of each input plane of its group: plane
 * `input` of the batch, by the kernel from input channel `i` of the group to output channel `o`.
 */
export function sumOverPlanes(
  g: Planes,
  bias: Float64Array | undefined,
  add: (out: Float64Array, input: number, i: number, o: number) => void,
): Float64Array {
  const groupIn = g.inputChannels / g.groups;
  const groupOut = g.outputChannels / g.groups;
  const plane = g.outputHeight * g.outputWidth;
  const y = new Float64Array(g.batch * g.outputChannels * plane);
  for (let n = 0; n < g.batch; n++) {
    for (let o = 0; o < g.outputChannels; o++) {
      const start = (n * g.outputChannels + o) * plane;
      const out = y.subarray(start, start + plane);
      if (bias) out.fill(at(bias, o));
      const first = n * g.inputChannels + Math.floor(o / groupOut) * groupIn;
      for (let i = 0; i < groupIn; i++) add(out, first + i, i, o);
    }
  }
  return y;
}
