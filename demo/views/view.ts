import type { Engine } from '../engine/engine.ts';

/** One page of the demo, made when it is first shown and kept from then on. */
export interface View {
  readonly element: HTMLElement;
  /** Called when the view comes into sight, the first time as well. */
  shown?(): void;
  /** Called when another view takes its place: stop what nobody sees. */
  hidden?(): void;
  /** A file that was dropped or pasted while the view was in sight; views without this leave it to Photos. */
  take?(file: File): void;
}

/** A view by name, and how to get it: its code is loaded when it is first shown. */
export interface ViewEntry {
  /** In the address, after the #. */
  readonly name: string;
  readonly title: string;
  load(engine: Engine): Promise<View>;
}
