/** What a kernel is to the runtime: ways to compute a problem, and the dispatches that each takes. */

import type { DeviceKind, DeviceProfile } from './device_profile.ts';
import { checkKinds } from './kinds.ts';

/**
 * One way to compute the problems of an operator. `P` is all that a kernel needs to know of a node, made once for
 * all of them; `C` is what can be tuned about it; `R` are the names of what it binds.
 */
export interface KernelDef<P, C extends object = NoConfig, R extends string = string> {
  /** By which plans, tunings and messages call it. */
  readonly name: string;
  /** The kind of device it is written for, if not for any; on the other it is a last resort. */
  readonly prefers?: DeviceKind;
  /** Whether this kernel can compute the problem on such a device; it can by default. */
  readonly supports?: (problem: P, device: DeviceProfile) => boolean;
  /** Configurations worth trying, the best guess first. */
  readonly configs: (problem: P, device: DeviceProfile) => readonly C[];
  /**
   * How long a configuration would take, in a unit that all kernels of the operator share. Where kernels that
   * suit the device equally say so, the least is taken, else the first.
   */
  readonly cost?: (problem: P, config: C, device: DeviceProfile) => number;
  /**
   * Roles of the inputs whose memory may take the output, element for element, the best first: those of the
   * output's size, each element of which is read only by the invocation that writes it. None by default.
   */
  readonly overwrites?: (problem: P) => readonly R[];
  /**
   * The dispatches that compute the problem. Where the plan has it write over an input, `overwritten` is its role:
   * that memory is bound once, as `y`.
   */
  readonly lower: (
    problem: P,
    config: C,
    device: DeviceProfile,
    overwritten: string | undefined,
  ) => Lowering<R>;
}

/** Of a kernel that has nothing to tune. */
export type NoConfig = Readonly<Record<string, never>>;

/** A kernel in a configuration, for a node on a device: problem and configuration are inside. */
export interface Candidate {
  /** The kernel's name. */
  readonly kernel: string;
  /** Its configuration. */
  readonly config: object;
  /** See `KernelDef.prefers`. */
  readonly prefers: DeviceKind | undefined;
  /** See `KernelDef.cost`; undefined where the kernel does not say. */
  readonly cost: () => number | undefined;
  /** See `KernelDef.overwrites`. */
  readonly overwrites: readonly string[];
  /** See `KernelDef.lower`. */
  readonly lower: (overwritten?: string) => Lowering;
}

/** A kernel whose configurations are hidden, so that an operator can list kernels of different ones. */
export type Kernel<P> = (problem: P, device: DeviceProfile) => readonly Candidate[];

/** Hides the configurations of a kernel. */
export function kernel<P, C extends object, R extends string>(def: KernelDef<P, C, R>): Kernel<P> {
  return (problem, device) => {
    if (def.supports && !def.supports(problem, device)) return [];
    const overwrites = def.overwrites?.(problem) ?? [];
    return def.configs(problem, device).map((config) => ({
      kernel: def.name,
      config,
      prefers: def.prefers,
      cost: () => def.cost?.(problem, config, device),
      overwrites,
      lower: (overwritten) => def.lower(problem, config, device, overwritten),
    }));
  };
}

/** A node turned into dispatches, which run in order. */
export interface Lowering<R extends string = string> {
  /** In order. */
  readonly dispatches: readonly KernelDispatch<R>[];
  /** How constants are rearranged at load time into the order in which the kernel reads them, by role. */
  readonly repack?: Readonly<Partial<Record<R, Repack>>>;
  /** Memory that the dispatches pass on to one another, in bytes; bindings refer to it by these names. */
  readonly scratch?: Readonly<Record<string, number>>;
}

/** How a constant is rearranged when it is uploaded. */
export interface Repack {
  /** Names the arrangement with all its parameters; the same constant in the same arrangement is stored once. */
  readonly arrangement: string;
  /** Elements after rearranging. */
  readonly length: number;
  /** Row-major data in, the arrangement out. */
  readonly pack: (data: Float32Array) => Float32Array;
}

/** A dispatch, by roles in place of buffers. */
export interface KernelDispatch<R extends string = string> {
  /** The whole WGSL module; its entry point is `main`. */
  readonly source: string;
  /** Of group 0. */
  readonly bindings: readonly Binding<R>[];
  /** Along each axis. */
  readonly workgroups: Workgroups;
  /**
   * Sizes that the module does not compile in but reads from a uniform buffer, so that layers of other sizes
   * share its pipeline: at most MOST_DIMENSIONS words, written once.
   */
  readonly dimensions?:
    | {
        /** The binding's number in the shader. */
        readonly slot: number;
        /** The sizes, in the order in which the shader declares them. */
        readonly words: readonly number[];
      }
    | undefined;
  /** Roles of what it reads in rare cases only, such as where results are not finite: they count as no traffic. */
  readonly rarely?: readonly string[];
}

/** Words of a dispatch's dimensions: the offset of a uniform binding is a multiple of 256 bytes. */
export const MOST_DIMENSIONS = 64;

/** Workgroups of a dispatch along x, y and z. */
export type Workgroups = readonly [number, number, number];

/** Which of the node's values is bound where: an input's role, `y` for the output, or a name of its scratch. */
export interface Binding<R extends string = string> {
  /** Its number in the shader. */
  readonly slot: number;
  /** A role of the node's inputs, a name of scratch, or `y`, the output. */
  readonly value: R | 'y';
  /** What the shader does with it. */
  readonly access: 'read' | 'read_write';
}

/**
 * `lanes 8, pixels 4`: a configuration of a kernel, for people.
 *
 * @param config - Plain data.
 * @throws TilewiseError for what is no object.
 *
 * @example
 * const [first] = session.plan.dispatches;
 * if (first) console.log(first.kernel, describeConfig(first.config));
 */
export function describeConfig(config: object): string {
  checkKinds('describeConfig', { config });
  return Object.entries(config)
    .map(([name, value]: [string, unknown]) =>
      // The configuration of the GEMM inside an algorithm reads as part of it.
      isConfig(value) ? describeConfig(value) : `${name} ${String(value)}`,
    )
    .join(', ');
}

function isConfig(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
