import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import {
  type Device,
  describeConfig,
  type ExecutionPlan,
  elementCount,
  formatShape,
  type Graph,
  multiplyAdds,
  type Node,
  planFor,
  reportPasses,
  type Shape,
  type Value,
  weightsOf,
} from '../../src/index.ts';
import { formatBytes, print, printJson } from '../../terminal/output.ts';
import { formatTable } from '../../terminal/table.ts';
import { ganttSvg } from '../memory_gantt.ts';
import {
  addCommonOptions,
  addModelOptions,
  buildFromOptions,
  type ModelOptions,
} from '../options.ts';
import { withDevice } from '../runner.ts';

interface InspectOptions extends ModelOptions {
  readonly passes?: boolean;
  readonly kernels?: boolean;
  readonly memory?: boolean;
  readonly gantt?: string;
}

export function addInspectCommand(program: Command): void {
  const command = addModelOptions(program.command('inspect'))
    .description('show the layers of a model with shapes, parameters and multiply-adds')
    .option(
      '--passes',
      'show instead what each graph pass removes and changes; with --adapter, also what is done for it',
    )
    .option('--kernels', 'show instead the kernels chosen on this adapter')
    .option('--memory', 'show instead the plan of the memory')
    .option('--gantt <file>', 'with --memory, draw it: tensors over steps, as SVG');
  addCommonOptions(command).action(inspect);
}

async function inspect(options: InspectOptions): Promise<void> {
  const { graph } = buildFromOptions(options);
  if (options.passes && options.adapter) {
    await withDevice(options, async ({ device }) => inspectPasses(graph, options, device));
  } else if (options.passes) inspectPasses(graph, options);
  else if (options.memory || options.gantt || options.kernels) {
    await withDevice(options, async ({ device }) => {
      const plan = planFor(device, graph, options.precision);
      if (options.memory || options.gantt) inspectMemory(plan, options);
      else inspectKernels(plan, device.adapter.name, options);
    });
  } else inspectLayers(graph, options);
}

interface Layer {
  readonly name: string;
  readonly op: string;
  readonly inputShapes: readonly Shape[];
  readonly outputShape: Shape;
  readonly parameters: number;
  readonly multiplyAdds: number;
}

function inspectLayers(graph: Graph, options: InspectOptions): void {
  const layers = graph.nodes.map(layerOf);
  const totals = {
    layers: layers.length,
    parameters: parametersOf(weightsOf(graph)),
    multiplyAdds: layers.reduce((sum, layer) => sum + layer.multiplyAdds, 0),
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
  const giga = (totals.multiplyAdds / 1e9).toFixed(3);
  const parameters = totals.parameters.toLocaleString('en-US');
  print(
    `\n${graph.name}: ${totals.layers} layers, ${parameters} parameters, ${giga} G multiply-adds`,
  );
}

function layerOf(node: Node): Layer {
  const inputs = Object.values(node.inputs);
  return {
    name: node.name,
    op: node.op,
    inputShapes: inputs.filter(isTensor).map((value) => value.desc.shape),
    outputShape: node.output.desc.shape,
    parameters: parametersOf(inputs.filter((value) => value.kind === 'weight')),
    multiplyAdds: multiplyAdds(node),
  };
}

function isTensor(value: Value): boolean {
  return value.kind === 'input' || value.kind === 'activation';
}

/** Running statistics are stored with the weights, but not learned: PyTorch's counts leave them out. */
function parametersOf(weights: readonly Value[]): number {
  return weights
    .filter(({ name }) => !name.endsWith('.running_mean') && !name.endsWith('.running_var'))
    .reduce((sum, { desc }) => sum + elementCount(desc.shape), 0);
}

function inspectPasses(graph: Graph, options: InspectOptions, device?: Device): void {
  const passes = reportPasses(graph, options.precision, device);
  if (options.json) {
    printJson({ model: graph.name, passes });
    return;
  }
  for (const { pass, nodesBefore, nodesAfter, added = [], removed, changed } of passes) {
    print(`${pass}: ${nodesBefore} -> ${nodesAfter} nodes`);
    for (const node of added) print(`  + ${node}`);
    for (const node of removed) print(`  - ${node}`);
    for (const node of changed) print(`  ~ ${node}`);
  }
}

function inspectKernels(plan: ExecutionPlan, adapter: string, options: InspectOptions): void {
  const dispatches = plan.dispatches.map(({ node, kernel, config, workgroups }) => ({
    layer: node.name,
    output: node.output.desc.shape,
    layout: node.output.desc.layout,
    kernel,
    config,
    workgroups,
  }));
  if (options.json) {
    printJson({ model: plan.graph.name, adapter, dispatches });
    return;
  }
  const rows = dispatches.map((dispatch) => [
    dispatch.layer,
    [formatShape(dispatch.output), dispatch.layout === 'row-major' ? '' : dispatch.layout].join(
      ' ',
    ),
    dispatch.kernel,
    describeConfig(dispatch.config),
    dispatch.workgroups.join(' x '),
  ]);
  print(`${plan.graph.name} on ${adapter}`);
  print(formatTable(['layer', 'output', 'kernel', 'configuration', 'workgroups'], rows));
}

function inspectMemory(plan: ExecutionPlan, options: InspectOptions): void {
  const { activations, memory, graph } = plan;
  if (options.gantt) {
    writeFileSync(options.gantt, ganttSvg(graph.name, activations));
  }
  const tensors = activations.storages.map((storage, i) => ({
    ...storage,
    buffer: activations.bufferOf[i] ?? -1,
  }));
  const { buffers, lowerBound } = activations;
  if (options.json) {
    printJson({ model: graph.name, memory, lowerBound, buffers, tensors });
    return;
  }
  const rows = tensors.map(({ name, bytes, firstStep, lastStep, buffer, overwrittenBy = [] }) => [
    [name, ...overwrittenBy].join(', then '),
    bytes,
    firstStep,
    lastStep,
    buffer,
  ]);
  print(formatTable(['tensor', 'bytes', 'written at', 'last read at', 'buffer'], rows));
  const ratio = (memory.activations / lowerBound).toFixed(2);
  print(`
weights      ${formatBytes(memory.weights)}
activations  ${formatBytes(memory.activations)} in ${buffers.length} buffers, ${ratio} x the lower bound of ${formatBytes(lowerBound)}
staging      ${formatBytes(memory.staging)}
total        ${formatBytes(memory.total)}`);
}
