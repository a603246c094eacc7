/** How each operator of TFLite's is translated, by its name. */
import type { Row } from '../call.ts';
import { movementRows } from './movement.ts';
import { pointwiseRows } from './pointwise.ts';
import { reductionRows } from './reductions.ts';
import { windowRows } from './windows.ts';

export const rows: ReadonlyMap<string, Row> = new Map(
  Object.entries({ ...windowRows, ...pointwiseRows, ...reductionRows, ...movementRows }),
);
