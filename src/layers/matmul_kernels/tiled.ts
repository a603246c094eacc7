/** matmul_tiled: products of matrices on GPUs. */
import { operandBindings } from '../../../shaders/lib/epilogue.ts';
import { parameterWords } from '../../../shaders/lib/epilogue_at.ts';
import { type MatmulProblem, matricesOf } from '../../../shaders/lib/matmul_problem.ts';
import {
  type MatmulTiledConfig,
  matmulTile,
  matmulTiled as shader,
} from '../../../shaders/matmul_tiled.wgsl.ts';
import { type DeviceProfile, kindOf } from '../../runtime/device_profile.ts';
import { type Kernel, kernel } from '../../runtime/kernel.ts';
import { inOrder } from '../bindings.ts';
import { dispatchOf } from '../dispatch.ts';

const LARGE: MatmulTiledConfig = { threads: 16, depth: 16 };
const SMALL: MatmulTiledConfig = { threads: 8, depth: 16 };

/** Workgroups that keep a large GPU's compute units busy. */
const ENOUGH_WORKGROUPS = 100;
/** Rows or columns below which most of a tile would be empty. */
const LEAST = 8;

function tilesOf(g: MatmulProblem, config: MatmulTiledConfig): number {
  const tile = matmulTile(config);
  return matricesOf(g) * Math.ceil(g.rows / tile) * Math.ceil(g.columns / tile);
}

function configsFor(g: MatmulProblem, device: DeviceProfile): readonly MatmulTiledConfig[] {
  const busy = tilesOf(g, LARGE) >= ENOUGH_WORKGROUPS;
  const ranked = busy ? [LARGE, SMALL] : [SMALL, LARGE];
  const most = device.limits.maxComputeInvocationsPerWorkgroup;
  return ranked.filter(({ threads }) => threads ** 2 <= most);
}

export const matmulTiled: Kernel<MatmulProblem> = kernel({
  name: 'matmul_tiled',
  supports: ({ rows, columns }: MatmulProblem, device) =>
    kindOf(device) === 'gpu' && Math.min(rows, columns) >= LEAST,
  configs: configsFor,
  lower(g, config, device) {
    const bindings = inOrder(['a', 'b'], 'y');
    const dispatch = dispatchOf(device, tilesOf(g, config), bindings, (grid) => ({
      source: shader(g, config, grid),
      words: parameterWords(g.epilogue),
      operands: operandBindings(g.epilogue),
    }));
    return { dispatches: [dispatch] };
  },
});
