/** Files of weights to smaller ones, of the same tensors in fewer bits. */
import { fromTimm } from './models/timm.ts';
import { checkArgument, checkBytes } from './runtime/arguments.ts';
import { WeightError } from './runtime/errors.ts';
import type { Graph, Value, Weight } from './runtime/graph.ts';
import { checkKinds } from './runtime/kinds.ts';
import { checkWeights } from './runtime/weights/check_weights.ts';
import { scalesOf } from './runtime/weights/int8.ts';
import { quoted } from './runtime/weights/messages.ts';
import {
  type ConvertedFile,
  isNarrowType,
  NARROW_TENSORS,
  NARROW_TYPES,
  type NarrowType,
  narrowed,
  quantized,
} from './runtime/weights/narrow.ts';
import { openSafetensors, SafetensorsSource } from './runtime/weights/safetensors.ts';
import { type NamedTensor, writeSafetensors } from './runtime/weights/safetensors_writer.ts';
import type { TensorInfo } from './runtime/weights/weight_source.ts';

/** What `convertSafetensors` makes of a file. */
export interface ConvertSafetensorsOptions {
  /** What weights are stored as. */
  readonly to: NarrowType;
  /** Whose weights they are; int8 needs it, to tell the weights of convolutions and linear layers from others. */
  readonly graph?: Graph;
  /** For messages. */
  readonly name?: string;
}

/**
 * A safetensors file with its weights in fewer bits. As f16: tensors of more than one axis whose largest value is in
 * its range; biases, scales of norms, means and variances stay. As int8: the weights of convolutions, transposed
 * convolutions and linear layers, symmetric, each beside the scales of its output channels, for `fromInt8`; all others
 * stay. What the file says of itself stays, too.
 *
 * @param bytes - The whole file.
 * @param options - What to convert to, and the model's graph.
 * @returns The new file, and which tensors differ from the old one.
 * @throws WeightError for a file that is broken, that has nothing to convert, or whose weights are not the graph's.
 * @throws TilewiseError where int8 is wanted and no graph is given.
 *
 * @example
 * const original = await (await fetch('/lenet-mnist.safetensors')).arrayBuffer();
 * const smaller = convertSafetensors(new Uint8Array(original), { to: 'int8', graph: buildModel(lenet) });
 * const integers = fromInt8(openSafetensors(smaller.bytes, 'lenet-int8'));
 */
export function convertSafetensors(
  bytes: Uint8Array,
  options: ConvertSafetensorsOptions,
): ConvertedFile {
  const who = 'convertSafetensors';
  checkBytes(who, bytes);
  checkKinds(who, { options });
  const { to, graph, name: file = 'model.safetensors' } = options;
  checkArgument(isNarrowType(to), `${who}: options.to`, NARROW_TYPES, to);
  const source = openFile(bytes, file);
  if (graph) checkWeights(graph, fromTimm(source));
  const axes = to === 'int8' ? axesOf(source, graph) : undefined;
  const converted: string[] = [];
  const tensors = [...source.tensors].flatMap(([name, info]): readonly NamedTensor[] => {
    const narrow = axes ? asIntegers(source, name, axes) : asHalves(source, name);
    if (narrow) converted.push(name);
    return narrow ?? [{ name, ...info, data: new Uint8Array(source.bytesOf(name, info.shape)) }];
  });
  if (converted.length > 0) {
    return { bytes: writeSafetensors(tensors, metadataOf(bytes)), converted };
  }
  const all = [...new Set([...source.tensors.values()].map(({ dtype }) => dtype))];
  throw new WeightError(
    `weights file "${file}": expected weights ${NARROW_TENSORS[to]} to store as ${to}, got none among ${source.tensors.size} tensors of ${all.join(', ') || 'no type'}`,
  );
}

/** Throws WeightError for a file that has int8 weights: what they were made of has more to give. */
function openFile(bytes: Uint8Array, name: string): SafetensorsSource {
  const source = openSafetensors(bytes, name);
  checkArgument(source instanceof SafetensorsSource, 'convertSafetensors: bytes', 'a file', bytes);
  for (const [tensor, { dtype }] of source.tensors) {
    if (dtype !== 'I8') continue;
    throw new WeightError(
      `weights file "${name}": tensor ${quoted(tensor)}: expected floats, got I8; convert the file that it was made of`,
    );
  }
  return source;
}

/** Which axes of which tensors are output channels, by the names that the file has for them. */
function axesOf(source: SafetensorsSource, graph: Graph | undefined): ReadonlyMap<string, number> {
  checkKinds('convertSafetensors', { graph });
  const renamed = fromTimm(source);
  const axes = graph ? channelAxes(graph) : new Map<string, number>();
  const names = [...(renamed.tensors ?? new Map<string, TensorInfo>()).keys()];
  const known = [...source.tensors.keys()].map(
    (name, i) => [name, axes.get(names[i] ?? '')] as const,
  );
  return new Map(known.flatMap(([name, axis]) => (axis === undefined ? [] : [[name, axis]])));
}

/** The axis of output channels of each weight that convolutions and linear layers read, and nothing else. */
function channelAxes({ nodes }: Graph): ReadonlyMap<string, number> {
  const axes = new Map<string, number | undefined>();
  for (const { op, inputs } of nodes) {
    for (const [role, value] of Object.entries(inputs)) {
      const axis = role === 'weight' && value.kind === 'weight' ? op.channelAxis : undefined;
      for (const { name } of weightsIn(value)) {
        axes.set(name, axes.has(name) && axes.get(name) !== axis ? undefined : axis);
      }
    }
  }
  return new Map([...axes].flatMap(([name, axis]) => (axis === undefined ? [] : [[name, axis]])));
}

/** A weight itself, or those that a constant is computed of. */
function weightsIn(value: Value): readonly Weight[] {
  if (value.kind === 'derived') return value.sources.flatMap(weightsIn);
  return value.kind === 'weight' ? [value] : [];
}

function asHalves(source: SafetensorsSource, name: string): readonly NamedTensor[] | undefined {
  const { dtype = '', shape = [] } = source.tensors.get(name) ?? {};
  if (dtype !== 'F32' && dtype !== 'BF16') return undefined;
  const halves = narrowed(shape, source.read(name, shape));
  return halves && [{ name, shape, dtype: 'F16', data: bytesOf(halves) }];
}

function asIntegers(
  source: SafetensorsSource,
  name: string,
  axes: ReadonlyMap<string, number>,
): readonly NamedTensor[] | undefined {
  const axis = axes.get(name);
  const { shape = [] } = source.tensors.get(name) ?? {};
  if (axis === undefined) return undefined;
  const made = quantized(shape, source.read(name, shape), axis);
  if (!made) return undefined;
  const scales = scalesOf(name);
  if (source.tensors.has(scales)) {
    throw new WeightError(
      `weights file "${source.name}": tensor ${quoted(scales)}: expected no tensor of this name, which that of the scales of ${quoted(name)} takes`,
    );
  }
  const places = shape.map((extent, i) => (i === axis ? extent : 1));
  return [
    { name, shape, dtype: 'I8', data: bytesOf(made.integers) },
    { name: scales, shape: places, dtype: 'F32', data: bytesOf(made.scales) },
  ];
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** What a file that was read says of itself. */
function metadataOf(bytes: Uint8Array): unknown {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  const header = new TextDecoder().decode(bytes.subarray(8, 8 + Number(length)));
  return JSON.parse(header).__metadata__;
}
