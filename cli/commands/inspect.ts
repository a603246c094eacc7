import type { Command } from 'commander';
import { operatorText } from '../../measure/kernels/index.ts';
import {
  ANY_GPU,
  describeConfig,
  describeStages,
  elementCount,
  formatShape,
  GPUS,
  type Graph,
  lowerBoundOf,
  multiplyAdds,
  type Node,
  type Prepared,
  partOf,
  prepare,
  type Shape,
  TilewiseError,
  type Value,
  weightsOf,
} from '../../src/index.ts';
import { parseOutput } from '../../terminal/option_values.ts';
import { formatBytes, print, printJson } from '../../terminal/output.ts';
import { formatTable } from '../../terminal/table.ts';
import { ganttSvg } from '../memory_gantt.ts';
import {
  addCommonOptions,
  addModelOptions,
  buildFromOptions,
  type ModelOptions,
} from '../options.ts';
import { writeOutput } from '../output_file.ts';
import { printPrediction } from '../prediction.ts';
import { prepareModel, withDevice } from '../runner.ts';

interface InspectOptions extends ModelOptions {
  readonly passes?: boolean;
  readonly kernels?: boolean;
  readonly memory?: boolean;
  readonly gantt?: string;
  readonly predict?: string;
}

export function addInspectCommand(program: Command): void {
  const command = addModelOptions(program.command('inspect'))
    .description('show the layers of a model with shapes, parameters and multiply-adds')
    .option(
      '--passes',
      'show instead what each graph pass removes and changes: for --adapter, or alone for any GPU',
    )
    .option('--kernels', 'show instead the kernels that run on this adapter, as tuned')
    .option('--memory', 'show instead the plan of the memory')
    .option(
      '--gantt <file>',
      'as --memory, and draw the plan: tensors over steps, as an .svg file',
      parseOutput('.svg'),
    )
    .option(
      '--predict <gpu>',
      `show instead what a run should take on a GPU that is not here, by a model: ${GPUS.map(({ name }) => name).join(', ')}`,
    );
  addCommonOptions(command).action(inspect);
}

/** A model that is ready to run, and for what. */
interface Target {
  readonly model: string;
  readonly adapter: string;
  /** Images of all parts. */
  readonly batch: number;
  readonly prepared: Prepared;
}

async function inspect(options: InspectOptions): Promise<void> {
  const { graph } = await buildFromOptions(options);
  const { passes, memory, gantt, kernels, batch, precision, predict: predicted } = options;
  const model = graph.name;
  if (predicted !== undefined) {
    const ofThisMachine = options.adapter !== undefined || options.experimentalMatrices;
    if (passes || memory || gantt || kernels || ofThisMachine) {
      throw new TilewiseError('--predict stands alone: it is of a GPU that is not here');
    }
    printPrediction(graph, predicted, options);
    return;
  }
  const views = [
    ...(passes ? [inspectPasses] : []),
    ...(kernels ? [inspectKernels] : []),
    ...(memory || gantt ? [inspectMemory] : []),
  ];
  if (views.length === 0 && (options.adapter !== undefined || precision !== 'f32')) {
    throw new TilewiseError(
      'layers are the same for every adapter and precision: give --passes, --kernels or --memory',
    );
  }
  if (views.length === 0) inspectLayers(graph, options);
  else if (passes && views.length === 1 && !options.adapter) {
    const prepared = prepare(graph, { device: ANY_GPU, precision });
    inspectPasses({ model, adapter: ANY_GPU.adapter, batch, prepared }, options);
  } else {
    await withDevice(options, async ({ device }) => {
      const prepared = await prepareModel(device, graph, options);
      const target = { model, adapter: device.adapter.name, batch, prepared };
      for (const [i, view] of views.entries()) {
        if (i > 0 && !options.json) print('');
        await view(target, options);
      }
    });
  }
}

interface Layer {
  readonly name: string;
  readonly op: string;
  /** What it computes, where the operator alone does not say so: `add relu`. */
  readonly computes: string;
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
    layer.computes,
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
    op: node.op.name,
    computes: operatorText(node),
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

function inspectPasses(target: Target, options: InspectOptions): void {
  const { model, adapter, prepared } = target;
  const { parts } = prepared;
  const stages = describeStages(prepared.log);
  if (options.json) {
    printJson({ model, adapter, parts, passes: stages });
    return;
  }
  print(`${model} for ${adapter}`);
  for (const { stage, nodesBefore, nodesAfter, added = [], removed, changed } of stages) {
    print(`${stage}: ${nodesBefore} -> ${nodesAfter} nodes`);
    for (const node of added) print(`  + ${node}`);
    for (const node of removed) print(`  - ${node}`);
    for (const node of changed) print(`  ~ ${node}`);
  }
  printParts(target);
}

/** Says of a batch that is cut how it runs. */
function printParts({ batch, prepared: { parts } }: Target): void {
  if (parts === 1) return;
  print(
    `\nruns in ${parts} parts of ${batch / parts}: a batch of ${batch} is too large for a buffer`,
  );
}

function inspectKernels(target: Target, options: InspectOptions): void {
  const { model, adapter, prepared } = target;
  const { plan, origin } = prepared;
  const dispatches = plan.dispatches.map((dispatch) => {
    const { node, kernel, config, workgroups } = dispatch;
    const place = placeOf(node.output, plan.graph);
    const part = partOf(dispatch);
    return {
      layer: node.name,
      layers: (origin.get(node) ?? []).map(({ name }) => name),
      computes: operatorText(node),
      output: node.output.desc.shape,
      ...(place !== undefined && { place }),
      kernel,
      ...(part !== undefined && { part }),
      config,
      workgroups,
    };
  });
  if (options.json) {
    printJson({ model, adapter, parts: prepared.parts, dispatches });
    return;
  }
  const rows = dispatches.map(({ layer, computes, output, place, kernel, part, ...rest }) => [
    layer,
    computes,
    [formatShape(output), place].filter(Boolean).join(' '),
    part === undefined ? kernel : `${kernel} (${part})`,
    describeConfig(rest.config),
    rest.workgroups.join(' x '),
  ]);
  print(`${model} on ${adapter}`);
  const head = ['layer', 'computes', 'output', 'kernel', 'configuration', 'workgroups'];
  print(formatTable(head, rows));
  printParts(target);
}

/** Where a tensor lies that does not fill memory of its own in the order of its shape; undefined where it does. */
function placeOf(
  { desc: { shape, view }, within }: Node['output'],
  { nodes }: Graph,
): string | undefined {
  if (within) {
    const owner = nodes.find(({ output }) => output === within) ?? within;
    return `part of ${owner.name}`;
  }
  if (!view) return undefined;
  const [batch = 1, channels = 1, ...plane] = shape;
  const [image = 0, channel = 0] = view.strides;
  const pixels = elementCount(plane);
  const rows = view.offset === 0 && image === pixels && channel >= batch * pixels;
  return channels > 1 && rows ? 'channel-major' : `strides ${formatShape(view.strides)}`;
}

async function inspectMemory(target: Target, options: InspectOptions): Promise<void> {
  const { model, adapter, prepared } = target;
  const { activations, memory } = prepared.plan;
  if (options.gantt) {
    await writeOutput('drawing', options.gantt, ganttSvg(model, activations));
  }
  const tensors = activations.storages.map((storage, i) => ({
    ...storage,
    buffer: activations.bufferOf[i] ?? -1,
  }));
  const { buffers } = activations;
  const lowerBound = lowerBoundOf(activations);
  if (options.json) {
    printJson({ model, adapter, parts: prepared.parts, memory, lowerBound, buffers, tensors });
    return;
  }
  const rows = tensors.map(({ name, bytes, firstStep, lastStep, buffer, overwrittenBy = [] }) => [
    [name, ...overwrittenBy].join(', then '),
    bytes,
    firstStep,
    lastStep,
    buffer,
  ]);
  print(`${model} on ${adapter}`);
  print(formatTable(['tensor', 'bytes', 'written at', 'last read at', 'buffer'], rows));
  const ratio = (memory.activations / lowerBound).toFixed(2);
  print(`
weights      ${formatBytes(memory.weights)}
activations  ${formatBytes(memory.activations)} in ${buffers.length} buffers, ${ratio} x the lower bound of ${formatBytes(lowerBound)}
dimensions   ${formatBytes(memory.dimensions)}
staging      ${formatBytes(memory.staging)}
total        ${formatBytes(memory.total)}`);
  printParts(target);
}
