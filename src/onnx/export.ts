/** Writes a graph with its weights as an ONNX model. (https://onnx.ai/onnx/repo-docs/IR.html) */
import { type Graph, isConstant, type Node, RESULT } from '../runtime/graph.ts';
import { checkKinds } from '../runtime/kinds.ts';
import { describe, requireInput } from '../runtime/operator.ts';
import { removeUnread } from '../runtime/passes/remove_unread.ts';
import { byteLength } from '../runtime/tensor.ts';
import type { WeightSource } from '../runtime/weights/weight_source.ts';
import { encoded } from './encode.ts';
import { demand } from './errors.ts';
import type { Exporter } from './exporter.ts';
import { OnnxWriter } from './onnx_writer.ts';
import { exporters } from './operators/exporters.ts';
import { writeExpression } from './operators/expression_nodes.ts';

/** How `exportOnnx` writes. */
export interface OnnxExportOptions {
  /** Leaves the batch open, so that the model takes any; by default it is the graph's. */
  readonly dynamicBatch?: boolean;
  /** Names of the classes, in index order, which are kept beside the network: `onnxModel` reads them. */
  readonly labels?: readonly string[];
}

/** The most that protobuf can hold in one file. */
const MOST_BYTES = 2 ** 31 - 1;

/**
 * A graph with its weights as the bytes of an .onnx file, in f32: operator set 17, or the later one, up to 20, that
 * some layer needs. Weights keep their names, outputs too; nodes are named after the layers. What no output needs is
 * left out.
 *
 * @param graph - Of a model, with the layers as they were built.
 * @param weights - All that the graph reads.
 * @param options - Whether the batch is left open, and names of classes.
 * @returns The file, for `onnxruntime` and others, and for `loadOnnx`.
 * @throws UnsupportedError that lists every layer that ONNX has no operator for.
 * @throws UnsupportedError for models of more than 2 GiB.
 * @throws WeightError where `weights` lacks something.
 *
 * @example
 * const file = exportOnnx(graph, weights, { dynamicBatch: true });
 */
export function exportOnnx(
  graph: Graph,
  weights: WeightSource,
  options: OnnxExportOptions = {},
): Uint8Array<ArrayBuffer> {
  checkKinds('exportOnnx', { graph, weights, options });
  const { dynamicBatch = false, labels } = options;
  if (labels != null) checkKinds('exportOnnx', { labels });
  const read = removeUnread(graph);
  checkSize(read);
  const writer = new OnnxWriter(read, weights);
  const unsupported: string[] = [];
  for (const node of read.nodes) {
    const write = exporters.get(node.op);
    if (write) writeNode(node, writer, write);
    else unsupported.push(describe(node));
  }
  const layers = unsupported.join(', ');
  demand(layers === '', `ONNX has no operator for ${layers}; change these layers`);
  const metadataProps = labels ? [namesOf(labels)] : [];
  return encoded('ModelProto', { ...writer.finish(dynamicBatch), metadataProps });
}

/** As Ultralytics keeps them. */
function namesOf(labels: readonly string[]): { readonly key: string; readonly value: string } {
  return { key: 'names', value: JSON.stringify({ ...labels }) };
}

/** What was fused into a node comes out as the nodes that it was. */
function writeNode(node: Node, writer: OnnxWriter, write: Exporter['write']): void {
  const { epilogue, output } = node;
  if (!epilogue) {
    write(node, writer);
    return;
  }
  const result = { ...output, name: `${node.name}/${RESULT}` };
  write({ ...node, output: result }, writer);
  writeExpression(node, writer, epilogue, {
    operand: (role) => writer.nameOf(role === RESULT ? result : requireInput(node, role)),
    output: writer.nameOf(output),
    last: writer.between(node, 'epilogue'),
  });
}

function checkSize(graph: Graph): void {
  const constants = new Set(graph.nodes.flatMap(({ inputs }) => Object.values(inputs)));
  const sizes = [...constants].filter(isConstant).map(({ desc }) => byteLength(desc));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  demand(
    bytes <= MOST_BYTES,
    `"${graph.name}" has ${bytes} bytes of weights; an .onnx file holds at most ${MOST_BYTES}`,
  );
}
