import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { expectReference, inputsOf } from '../../test/fixtures/compare_graphs.ts';
import { type ModelProto, ModelProtoSchema } from '../../test/fixtures/onnx_schema/onnx_pb.ts';
import { findOnnxRuntime, runOnnxRuntime } from '../../test/fixtures/onnxruntime.ts';
import { optimized } from '../../test/fixtures/profiles.ts';
import { Random } from '../../test/fixtures/random.ts';
import { randomGraph } from '../../test/fixtures/random_graph.ts';
import { gelu, mish, relu } from '../layers/activations.ts';
import { add } from '../layers/arithmetic.ts';
import { concat } from '../layers/concat.ts';
import { deformConv2d } from '../layers/deform_conv2d.ts';
import { linear } from '../layers/linear.ts';
import { averagePool2d } from '../layers/pool2d.ts';
import { reshapeTo } from '../layers/rearrange.ts';
import { reduce } from '../layers/reduce.ts';
import { resize2d } from '../layers/resize2d.ts';
import { buildClassifier } from '../models/classifier.ts';
import { findModel } from '../models/index.ts';
import { buildModel } from '../models/model.ts';
import { runReference } from '../reference.ts';
import { type Graph, type Value, weightsOf } from '../runtime/graph.ts';
import { GraphBuilder } from '../runtime/graph_builder.ts';
import { syntheticWeights } from '../runtime/weights/synthetic.ts';
import { exportOnnx, type OnnxExportOptions } from './export.ts';
import { loadOnnx } from './import.ts';

const weights = syntheticWeights([]);

function exported(graph: Graph, options?: OnnxExportOptions): ModelProto {
  return fromBinary(ModelProtoSchema, exportOnnx(graph, weights, options));
}

describe('exportOnnx', () => {
  it('writes a node for every layer, under its name', () => {
    const { graph } = exported(buildModel(findModel('lenet')));
    expect(graph?.node.map(({ opType, name }) => `${opType} ${name}`)).toEqual([
      'Conv conv1',
      'MaxPool pool1',
      'Relu relu1',
      'Conv conv2',
      'MaxPool pool2',
      'Relu relu2',
      'Flatten flatten',
      'Gemm fc1',
      'Relu relu3',
      'Gemm fc2',
    ]);
  });

  it('writes every weight once, under its name, to the bit', () => {
    const lenet = buildModel(findModel('lenet'));
    const { graph } = exported(lenet);
    const written = graph?.initializer ?? [];
    expect(written.map(({ name, dims }) => [name, dims.map(Number)])).toEqual(
      weightsOf(lenet).map(({ name, desc }) => [name, desc.shape]),
    );
    for (const { name, rawData, dims } of written) {
      const data = new Float32Array(Uint8Array.from(rawData).buffer);
      expect(data, name).toEqual(weights.read(name, dims.map(Number)));
    }
  });

  it('gives inputs and outputs their shapes, and leaves the batch open where it is told to', () => {
    const lenet = buildClassifier(findModel('lenet'), {
      batch: 2,
      outputs: ['logits', 'probabilities'],
    });
    const dims = (model: ModelProto) =>
      [...(model.graph?.input ?? []), ...(model.graph?.output ?? [])].map(({ name, type }) => {
        const shape = type?.value.case === 'tensorType' ? type.value.value.shape : undefined;
        return [name, ...(shape?.dim.map(({ value }) => String(value.value)) ?? [])].join(' ');
      });
    expect(dims(exported(lenet))).toEqual(['input 2 1 28 28', 'logits 2 10', 'probabilities 2 10']);
    expect(dims(exported(lenet, { dynamicBatch: true }))).toEqual([
      'input batch 1 28 28',
      'logits batch 10',
      'probabilities batch 10',
    ]);
  });

  it('writes what was fused as the nodes that it was', () => {
    const g = GraphBuilder.create();
    const y = linear(g.at('fc'), g.input('x', [2, 5]), { features: 4 });
    g.output('y', add(g.at('sum'), relu(g.at('act'), y), g.input('z', [2, 4])));
    const fused = optimized(g.build('test'));
    expect(fused.nodes).toHaveLength(1);
    const { graph: written } = exported(fused);
    expect(written?.node.map(({ opType }) => opType)).toEqual(['Gemm', 'Relu', 'Add']);
    const names = written?.node.flatMap(({ name, output }) => [name, ...output]) ?? [];
    expect(names).not.toContain('');
    expect(new Set(written?.node.map(({ name }) => name)).size).toBe(3);
    const read = loadOnnx(exportOnnx(fused, weights));
    const inputs = inputsOf(fused);
    const values = runReference(read.graph, read.weights, inputs);
    const [[name, value] = []] = read.graph.outputs;
    expectReference(fused, inputs, {
      [name ?? '']: Float32Array.from((value && values.get(value)) ?? []),
    });
  });

  it('takes the operator set that an operator came with', () => {
    const versions = (build: (g: GraphBuilder, x: Value) => Value) => {
      const g = GraphBuilder.create();
      g.output('y', build(g, g.input('x', [1, 2, 5, 5])));
      return exported(g.build('test')).opsetImport.map(({ version }) => version);
    };
    // https://onnx.ai/onnx/operators/: DeformConv since 19, Gelu since 20, Mish since 18.
    const offset = (g: GraphBuilder) => g.input('offset', [1, 2, 5, 5]);
    const deform = versions((g, x) => deformConv2d(g, x, offset(g), { channels: 2, kernel: 1 }));
    expect(deform).toEqual([19n]);
    expect(versions((g, x) => gelu(g, x))).toEqual([20n]);
    expect(versions((g, x) => gelu(g, x, 'tanh'))).toEqual([20n]);
    expect(versions((g, x) => mish(g, x))).toEqual([18n]);
    expect(versions((g, x) => relu(g, x))).toEqual([17n]);
  });

  it('takes operator set 19 for a dilated average pooling only', () => {
    const pooled = (dilation: number) => {
      const g = GraphBuilder.create();
      g.output('y', averagePool2d(g, g.input('x', [1, 2, 9, 9]), { kernel: 2, dilation }));
      return exported(g.build('pooled')).opsetImport.map(({ version }) => version);
    };
    expect([pooled(1), pooled(2)]).toEqual([[17n], [19n]]);
  });

  it('lists every layer that ONNX has no operator for', () => {
    const graph = buildModel(findModel('lenet'));
    const nodes = graph.nodes.map((node) =>
      node.op.name === 'pointwise' ? { ...node, op: { ...node.op, name: 'magic' } } : node,
    );
    expect(() => exportOnnx({ ...graph, nodes }, weights)).toThrow(
      expect.objectContaining({
        name: 'UnsupportedError',
        message:
          'ONNX has no operator for magic "relu1", magic "relu2", magic "relu3"; change these layers',
      }),
    );
  });

  it('gives nodes names of their own, where an output has the name of a node', () => {
    const g = GraphBuilder.create();
    const y = relu(g.at('r'), g.input('x', [2]));
    g.output('b', y);
    g.output('r', y);
    const { graph } = fromBinary(ModelProtoSchema, exportOnnx(g.build('two names'), weights));
    const names = (graph?.node ?? []).map(({ name }) => name);
    expect(new Set(names).size).toBe(2);
  });

  it('refuses more weights than a file can hold, before it reads any', () => {
    const g = GraphBuilder.create();
    g.output('y', linear(g.at('fc'), g.input('x', [1, 65536]), { features: 16384, bias: false }));
    expect(() => exportOnnx(g.build('huge'), weights)).toThrow(
      '"huge" has 4294967296 bytes of weights; an .onnx file holds at most 2147483647',
    );
  });
});

const onnxruntime = findOnnxRuntime();

describe('onnxruntime reads what is exported', () => {
  if (!onnxruntime) {
    it('is not checked: onnxruntime-node is neither in bench/peers nor in NODE_PATH', () => {
      console.log('onnxruntime-node is not installed: exported models are not run by it');
    });
    return;
  }

  it('and leaves the batch open to it', async () => {
    const net = (batch: number): Graph => {
      const g = GraphBuilder.create();
      const x = g.input('x', [batch, 3, 6, 6]);
      const joined = concat(g.at('join'), [x, relu(g.at('relu'), x)]);
      const larger = resize2d(g.at('up'), joined, { mode: 'bilinear', size: [9, 8] });
      const rows = reshapeTo(g.at('rows'), larger, [batch, 6, -1]);
      const means = reduce(g.at('means'), rows, 'mean', { axes: [2], keepAxes: false });
      g.output('y', linear(g.at('fc'), means, { features: 4 }));
      return g.build('net');
    };
    const inputs = inputsOf(net(3));
    const feeds = { x: { data: inputs.x ?? new Float32Array(), shape: [3, 3, 6, 6] } };
    const bytes = exportOnnx(net(1), weights, { dynamicBatch: true });
    const { y } = await runOnnxRuntime(onnxruntime, bytes, feeds);
    expectReference(net(3), inputs, { y: y?.data ?? new Float32Array() });
  });

  it.each(Array.from({ length: 40 }, (_, seed) => seed))(
    'and agrees with the reference: random graph %i, as built and optimised',
    async (seed) => {
      const built = randomGraph(new Random(seed), 12);
      const inputs = inputsOf(built);
      const feeds = Object.fromEntries(
        built.inputs.map(({ name, desc }) => [
          name,
          { data: inputs[name] ?? new Float32Array(), shape: desc.shape },
        ]),
      );
      for (const graph of [built, optimized(built)]) {
        const results = await runOnnxRuntime(onnxruntime, exportOnnx(graph, weights), feeds);
        const outputs = [...graph.outputs.keys()].map((name) => [name, results[name]?.data]);
        expectReference(graph, inputs, Object.fromEntries(outputs));
      }
    },
  );
});
