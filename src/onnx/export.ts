/** Writes a graph with its weights as an ONNX model. (https://onnx.ai/onnx/repo-docs/IR.html) */
import { create, toBinary } from '@bufbuild/protobuf';
import { operators } from '../layers/index.ts';
import { UnsupportedError } from '../runtime/errors.ts';
import { type Activation, type Graph, isConstant, type Node } from '../runtime/graph.ts';
import { describe, operatorOf } from '../runtime/operator.ts';
import { byteLength, shapesEqual } from '../runtime/tensor.ts';
import type { WeightSource } from '../runtime/weights/weight_source.ts';
import { exporters } from './export_operators.ts';
import type { Exporter } from './exporter.ts';
import { OnnxWriter } from './onnx_writer.ts';
import { ModelProtoSchema } from './schema/onnx_pb.ts';

export interface OnnxExportOptions {
  /** Leaves the batch open, so that the model takes any; by default it is the graph's. */
  readonly dynamicBatch?: boolean;
}

/** The most that protobuf can hold in one file. */
const MOST_BYTES = 2 ** 31 - 1;

/**
 * A graph with its weights as the bytes of an .onnx file, in f32: operator set 17, or 18 where there is a resizing or
 * a reduction, or 19 where a dilated average pooling needs it. Weights keep their names, outputs too; nodes are named after the layers.
 *
 * Throws UnsupportedError that lists every layer that ONNX has no operator for, and for models of more than
 * 2 GiB; WeightError where `weights` lacks something.
 */
export function exportOnnx(
  graph: Graph,
  weights: WeightSource,
  options: OnnxExportOptions = {},
): Uint8Array<ArrayBuffer> {
  checkSize(graph);
  const writer = new OnnxWriter(graph, weights);
  const unsupported: string[] = [];
  for (const node of graph.nodes) {
    const write = exporters.get(node.op);
    if (write) writeInShape(node, writer, write);
    else unsupported.push(describe(node));
  }
  if (unsupported.length > 0) {
    throw new UnsupportedError(
      `ONNX has no operator for ${unsupported.join(', ')}; change these layers`,
    );
  }
  const model = create(ModelProtoSchema, writer.finish(options.dynamicBatch ?? false));
  return toBinary(ModelProtoSchema, model);
}

/** A pass may have let a node write under the shape of a view behind it; ONNX says that by a Reshape. */
function writeInShape(node: Node, writer: OnnxWriter, write: Exporter): void {
  const desc = operatorOf(operators, node).inferShape(node);
  const { shape } = node.output.desc;
  if (shapesEqual(desc.shape, shape)) {
    write(node, writer);
    return;
  }
  const output: Activation = { ...node.output, name: `${node.name}/${node.op}`, desc };
  write({ ...node, output }, writer);
  // The batch stays what it is, so that it may be left open.
  const extents = writer.integers(`${node.name}/shape`, [0, ...shape.slice(1)]);
  const names = [writer.nameOf(output), extents];
  writer.node('Reshape', `${node.name}/Reshape`, names, writer.nameOf(node.output));
}

function checkSize(graph: Graph): void {
  const constants = new Set(graph.nodes.flatMap(({ inputs }) => Object.values(inputs)));
  const bytes = [...constants]
    .filter(isConstant)
    .reduce((sum, { desc }) => sum + byteLength(desc), 0);
  if (bytes > MOST_BYTES) {
    throw new UnsupportedError(
      `"${graph.name}" has ${bytes} bytes of weights; an .onnx file holds at most ${MOST_BYTES}`,
    );
  }
}
