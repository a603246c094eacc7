import type { Command } from 'commander';
import {
  buildModel,
  elementCount,
  findModel,
  formatShape,
  type Graph,
  multiplyAdds,
  type Node,
  planFor,
  type Shape,
  type Value,
  weightsOf,
} from '../../src/index.ts';
import {
  addCommonOptions,
  type CommonOptions,
  MODEL_OPTION,
  parseCount,
  parseSize,
} from '../options.ts';
import { print, printJson } from '../output.ts';
import { withDevice } from '../runner.ts';
import { formatTable } from '../table.ts';

interface InspectOptions extends CommonOptions {
  readonly model: string;
  readonly batch: number;
  readonly size?: readonly [number, number];
}

interface Layer {
  readonly name: string;
  readonly op: string;
  readonly inputShapes: readonly Shape[];
  readonly outputShape: Shape;
  readonly parameters: number;
  readonly multiplyAdds: number;
}

export function addInspectCommand(program: Command): void {
  addCommonOptions(program.command('inspect'))
    .description(
      'show the layers of a model with shapes, parameters and multiply-adds; with --adapter, the kernels chosen there',
    )
    .requiredOption(...MODEL_OPTION)
    .option('--batch <n>', 'images a run', parseCount, 1)
    .option('--size <H,W>', "size of the images; the model's own by default", parseSize)
    .action(async (options: InspectOptions) => {
      const model = findModel(options.model);
      const { batch, size = model.size } = options;
      const graph = buildModel(model, { batch, size });
      if (options.adapter === undefined) inspectLayers(graph, options);
      else await inspectKernels(graph, options);
    });
}

function inspectLayers(graph: Graph, options: InspectOptions): void {
  const layers = graph.nodes.map(layerOf);
  const totals = {
    layers: layers.length,
    parameters: weightsOf(graph)
      .filter(({ name }) => !isStatistic(name))
      .reduce((sum, { desc }) => sum + elementCount(desc.shape), 0),
    multiplyAdds: layers.reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0),
  };
  if (options.json) {
    printJson({ model: graph.name, layers, totals });
    return;
  }
  const rows = layers.map((layer) => [
    layer.name,
    layer.op,
    layer.inputShapes.map(formatShape).join(' '),
    formatShape(layer.outputShape),
    layer.parameters,
    layer.multiplyAdds,
  ]);
  print(formatTable(['layer', 'operator', 'input', 'output', 'parameters', 'multiply-adds'], rows));
  const { parameters, multiplyAdds } = totals;
  print(
    `\n${graph.name}: ${totals.layers} layers, ${parameters.toLocaleString('en-US')} parameters, ${(multiplyAdds / 1e9).toFixed(3)} G multiply-adds`,
  );
}

async function inspectKernels(graph: Graph, options: InspectOptions): Promise<void> {
  await withDevice(options, async ({ device }) => {
    const plan = planFor(device, graph);
    const rows = plan.dispatches.map(({ node, kernel, config, workgroups }) => ({
      layer: node.name,
      output: node.output.desc.shape,
      kernel,
      config,
      workgroups,
    }));
    if (options.json) {
      printJson({
        model: graph.name,
        adapter: device.adapter.name,
        dispatches: rows,
        memory: plan.memory,
      });
      return;
    }
    const cells = rows.map((row) => [
      row.layer,
      formatShape(row.output),
      row.kernel,
      Object.entries(row.config)
        .map(([key, value]) => `${key} ${value}`)
        .join(', '),
      row.workgroups.join(' x '),
    ]);
    print(`${graph.name} on ${device.adapter.name}`);
    print(formatTable(['layer', 'output', 'kernel', 'configuration', 'workgroups'], cells));
  });
}

function layerOf(node: Node): Layer {
  const inputs = Object.values(node.inputs);
  const weights = inputs.filter((value) => value.kind === 'weight');
  return {
    name: node.name,
    op: node.op,
    inputShapes: inputs.filter(isTensor).map((value) => value.desc.shape),
    outputShape: node.output.desc.shape,
    parameters: weights
      .filter(({ name }) => !isStatistic(name))
      .reduce((sum, { desc }) => sum + elementCount(desc.shape), 0),
    multiplyAdds: multiplyAdds(node),
  };
}

function isTensor(value: Value): boolean {
  return value.kind === 'input' || value.kind === 'activation';
}

/** Running statistics are stored with the weights, but they are not learned: PyTorch's counts leave them out. */
function isStatistic(name: string): boolean {
  return name.endsWith('.running_mean') || name.endsWith('.running_var');
}
