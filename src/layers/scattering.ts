/** What puts rows in places that are computed: the kernel, and what it computes. */
import { operandBindings } from '../../shaders/lib/epilogue.ts';
import { type Grid, gridOf } from '../../shaders/lib/grid.ts';
import {
  SCATTER_THREADS,
  type ScatterProblem,
  scatterClaim,
  scatterClear,
  scatterFours,
  scatterTake,
} from '../../shaders/scatter.wgsl.ts';
import { type Kernel, kernel, type NoConfig } from '../runtime/kernel.ts';
import { inOrder } from './bindings.ts';

/** Which update each row takes. */
const LAST = 'last';

/** The kernel; `updates` is the role of what is put. */
export function scattering(updates: string): Kernel<ScatterProblem> {
  return kernel<ScatterProblem, NoConfig, string>({
    name: 'scatter',
    configs: () => [{}],
    lower(g, _config, { limits }) {
      const dispatch = (
        count: number,
        source: (problem: ScatterProblem, grid: Grid) => string,
        reads: readonly (string | null)[],
        writes = LAST,
      ) => {
        const tiles = Math.ceil(count / SCATTER_THREADS);
        const grid = gridOf(tiles, limits.maxComputeWorkgroupsPerDimension);
        const workgroups = [grid.columns, grid.rows, 1] as const;
        return { source: source(g, grid), bindings: inOrder(reads, writes), workgroups };
      };
      const take = dispatch(
        g.rows * g.inner,
        scatterTake,
        [LAST, updates, g.onto ? 'x' : null],
        'y',
      );
      return {
        dispatches: [
          dispatch(scatterFours(g), scatterClear, []),
          dispatch(g.places, scatterClaim, ['indices']),
          { ...take, bindings: [...take.bindings, ...operandBindings(g.epilogue)] },
        ],
        scratch: { [LAST]: scatterFours(g) * 4 * Uint32Array.BYTES_PER_ELEMENT },
      };
    },
  });
}

/** Puts each row of updates in the place of y that its index says. */
export function putRows(indices: Float64Array, updates: Float64Array, y: Float64Array): void {
  const inner = updates.length / indices.length;
  const rows = y.length / inner;
  for (const [k, index] of indices.entries()) {
    if (!(index >= 0 && index < rows)) continue;
    y.set(updates.subarray(k * inner, (k + 1) * inner), Math.trunc(index) * inner);
  }
}
