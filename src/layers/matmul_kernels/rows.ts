/** matmul_rows: products of matrices on CPU adapters. */

import { operandBindings } from '../../../shaders/lib/epilogue.ts';
import { parameterWords } from '../../../shaders/lib/epilogue_at.ts';
import { type MatmulProblem, matricesOf } from '../../../shaders/lib/matmul_problem.ts';
import { type MatmulRowsConfig, matmulRows as shader } from '../../../shaders/matmul_rows.wgsl.ts';
import { type DeviceProfile, kindOf } from '../../runtime/device_profile.ts';
import { type Kernel, kernel } from '../../runtime/kernel.ts';
import { inOrder } from '../bindings.ts';
import { dispatchOf } from '../dispatch.ts';

/** Rows whose sums, four each, all stay in registers. */
const ROWS: readonly number[] = [8, 4, 2, 1];

/** Columns below which most lanes would repeat others. */
const LEAST_COLUMNS = 8;

/** The tallest tile of which hardly a row is wasted, then the others. */
function configsFor(g: MatmulProblem, device: DeviceProfile): readonly MatmulRowsConfig[] {
  const lanes = Math.min(device.subgroupSize ?? 8, Math.ceil(g.columns / 4));
  const [tallest = 8] = ROWS;
  const computed = (rows: number) => Math.ceil(g.rows / rows) * (rows + 2 * (tallest / rows));
  return ROWS.toSorted((a, b) => computed(a) - computed(b)).map((rows) => ({ rows, lanes }));
}

export const matmulRows: Kernel<MatmulProblem> = kernel({
  name: 'matmul_rows',
  supports: ({ columns }: MatmulProblem, device) =>
    kindOf(device) === 'cpu' && columns >= LEAST_COLUMNS,
  configs: configsFor,
  lower(g, config, device) {
    const tiles = Math.ceil(g.rows / config.rows) * Math.ceil(g.columns / (4 * config.lanes));
    const bindings = inOrder(['a', 'b'], 'y');
    const dispatch = dispatchOf(device, matricesOf(g) * tiles, bindings, (grid) => ({
      source: shader(g, config, grid),
      words: parameterWords(g.epilogue),
      operands: operandBindings(g.epilogue),
    }));
    return { dispatches: [dispatch] };
  },
});
