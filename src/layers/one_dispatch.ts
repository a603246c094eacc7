/** Kernels of one dispatch and no configurations: most of those that give each element an invocation. */
import type { ShaderModule } from '../../shaders/lib/dimensions.ts';
import { type Epilogue, operandBindings } from '../../shaders/lib/epilogue.ts';
import type { Grid } from '../../shaders/lib/grid.ts';
import type { DeviceKind, DeviceProfile } from '../runtime/device_profile.ts';
import { type Kernel, kernel, type Repack } from '../runtime/kernel.ts';
import { inOrder } from './bindings.ts';
import { dispatchOf } from './dispatch.ts';

export interface OneDispatch<P, R extends string> {
  readonly name: string;
  readonly prefers?: DeviceKind;
  readonly supports?: (problem: P, device: DeviceProfile) => boolean;
  /** The module; where an input is written over, `overwritten` is its role. */
  readonly source: (
    problem: P,
    grid: Grid,
    overwritten: string | undefined,
  ) => string | ShaderModule;
  /** Workgroups needed. */
  readonly tiles: (problem: P) => number;
  /** Roles of the inputs, in the order of their bindings; `null` leaves a slot out. `y` follows. */
  readonly reads: (problem: P) => readonly (R | null)[];
  readonly repack?: (problem: P) => Readonly<Partial<Record<R, Repack>>>;
  /** Roles of the inputs that may be written over; none by default. */
  readonly overwrites?: (problem: P) => readonly R[];
}

/** Of a problem that may have an epilogue, the operands are bound after the rest. */
export function oneDispatch<P extends object, R extends string>({
  source,
  tiles,
  reads,
  repack,
  ...rest
}: OneDispatch<P, R>): Kernel<P> {
  return kernel<P, Readonly<Record<string, never>>, string>({
    ...rest,
    configs: () => [{}],
    lower(problem, _config, device, overwritten) {
      // What is written over is bound once, as `y`.
      const roles = reads(problem).map((role) => (role === overwritten ? null : role));
      const bindings = [...inOrder(roles, 'y'), ...operandBindings(epilogueIn(problem))];
      const dispatch = dispatchOf(device, tiles(problem), bindings, (grid) => {
        const made = source(problem, grid, overwritten);
        return typeof made === 'string' ? { source: made } : made;
      });
      return { dispatches: [dispatch], ...(repack && { repack: repack(problem) }) };
    },
  });
}

function epilogueIn(problem: { readonly epilogue?: Epilogue | undefined }): Epilogue | undefined {
  return problem.epilogue;
}
