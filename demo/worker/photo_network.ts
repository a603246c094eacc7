import { operatorText } from '../../measure/kernels/index.ts';
import {
  buildClassifier,
  findModel,
  fromInt8,
  type Graph,
  isConstant,
  type ModelDef,
  type Node,
  openSafetensors,
  UnsupportedError,
  type Value,
  type WeightSource,
} from '../../src/index.ts';
import { isModelFile, openModelFile } from './model_file.ts';

/** Blocks of each section. */
const SECTIONS = [3, 4, 6, 3] as const;
const CLASSES = 1000;
const FEATURES = 2048;

/** ResNet-50 as a weights file has it, and where in it is what the page shows. */
export interface PhotoNetwork {
  /** Puts out `logits` and `probabilities`. */
  readonly graph: Graph;
  readonly weights: WeightSource;
  /** The graph's names for `relu`, `maxpool` and `layer1.0.relu` to `layer4.2.relu`, by torchvision's. */
  readonly layers: ReadonlyMap<string, string>;
  /** Of the classifier, [classes, features]. */
  readonly classWeights: Float32Array;
}

/**
 * Reads a .safetensors file with torchvision's names, or an .onnx file of any exporter. Throws WeightError or OnnxError
 * for a file that is broken, UnsupportedError for another network than ResNet-50.
 */
export async function openPhotoNetwork(bytes: Uint8Array, name: string): Promise<PhotoNetwork> {
  const { model, weights } = await openFile(bytes, name);
  const graph = buildClassifier(model, { size: [224, 224], outputs: ['logits', 'probabilities'] });
  const layers = layersOf(graph, name);
  return { graph, weights, layers, classWeights: classWeightsOf(graph, weights, name) };
}

async function openFile(
  bytes: Uint8Array,
  name: string,
): Promise<{ readonly model: ModelDef; readonly weights: WeightSource }> {
  if (!isModelFile(name)) {
    return { model: findModel('resnet50'), weights: fromInt8(openSafetensors(bytes, name)) };
  }
  const model = await openModelFile(bytes, name);
  return { model, weights: model.weights };
}

/** Found by how they are connected, since each exporter has names of its own. */
function layersOf({ nodes }: Graph, file: string): ReadonlyMap<string, string> {
  const makers = new Map<Value | undefined, Node>(nodes.map((node) => [node.output, node]));
  const before = (node: Node | undefined) => makers.get(Object.values(node?.inputs ?? {})[0]);
  const pool = nodes.find(({ op }) => op.name === 'max_pool2d');
  const stem = before(pool);
  const does = (node: Node | undefined, words: string) => node && operatorText(node) === words;
  const blocks = nodes.filter((node) => does(node, 'relu') && does(before(node), 'add'));
  const names = SECTIONS.flatMap((count, section) =>
    Array.from({ length: count }, (_, i) => `layer${section + 1}.${i}.relu`),
  );
  const features = blocks.at(-1)?.output.desc.shape[1];
  if (!pool || !stem || blocks.length !== names.length || features !== FEATURES) {
    throw new UnsupportedError(
      `"${file}": expected ResNet-50 with ${names.length} residual blocks up to ${FEATURES} channels, got ${blocks.length} blocks up to ${features ?? 0}; export torchvision’s resnet50`,
    );
  }
  return new Map([
    ['relu', stem.name],
    ['maxpool', pool.name],
    ...names.map((layer, i) => [layer, blocks[i]?.name ?? ''] as const),
  ]);
}

function classWeightsOf({ nodes }: Graph, weights: WeightSource, file: string): Float32Array {
  const weight = nodes.findLast(({ op }) => op.name === 'linear')?.inputs.weight;
  const [classes, features] = weight?.desc.shape ?? [];
  if (!weight || classes !== CLASSES || features !== FEATURES) {
    throw new UnsupportedError(
      `"${file}": expected a classifier of ImageNet’s ${CLASSES} classes over ${FEATURES} features, got ${classes ?? 0} over ${features ?? 0}`,
    );
  }
  return constantOf(weight, weights);
}

/** A constant's data, as the file has it or computed from that. */
function constantOf(value: Value, weights: WeightSource): Float32Array {
  if (!isConstant(value)) throw new UnsupportedError(`"${value.name}" is no constant`);
  if (value.kind === 'weight') return weights.read(value.name, value.desc.shape);
  return value.compute(value.sources.map((source) => constantOf(source, weights)));
}
