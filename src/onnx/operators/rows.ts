import type { Exporter } from '../exporter.ts';
import type { Importers } from '../import_node.ts';

/** What ONNX and this library have of one kind of operator: how files are read, and how they are written. */
export interface OperatorRows {
  readonly importers: Importers;
  readonly exporters?: readonly Exporter[];
}
