/** What computes the outputs of one operator on the host. */
import type { ImportCall } from '../import_node.ts';
import type { Constant } from '../tensor.ts';

/** The outputs of a node whose inputs are constants. Throws UnsupportedError. */
export type Evaluator = (call: ImportCall) => Constant | readonly Constant[];

/** By ONNX's name of the operator. */
export type Evaluators = Readonly<Record<string, Evaluator>>;
