/**
 * Weights in int8, as files of compressed-tensors have them, of vLLM and others: beside a tensor NAME of dtype I8 there
 * is NAME_scale, of floats, and a weight is its integer times its scale. Scales are shaped as the tensor, but for
 * extents of 1 along all axes save one: there is a scale for each place along that.
 */
import { WeightError } from '../errors.ts';
import { checkKinds } from '../kinds.ts';
import { elementCount, formatShape, type Shape, shapesEqual } from '../tensor.ts';
import { clipped, quoted } from './messages.ts';
import { SafetensorsSource } from './safetensors.ts';
import type { TensorInfo, WeightSource } from './weight_source.ts';

/** The name of the tensor that has a tensor's scales. */
export function scalesOf(name: string): string {
  return `${name}_scale`;
}

/**
 * A weight source of floats, made of a file that has some weights in int8, as `convertSafetensors` writes them: NAME of
 * dtype I8 and, beside it, NAME_scale, of its shape but for extents of 1 along all axes save one. They are computed
 * when they are read, tensor by tensor. A source without such tensors is returned as it is. It goes before `fromTimm`,
 * where both are needed.
 *
 * Its `read` throws WeightError for scales that are not finite.
 *
 * @param source - Of `openSafetensors` or `fetchSafetensors`.
 * @throws WeightError for integers without scales, or with scales that do not fit them.
 * @throws TilewiseError for what is no weight source.
 *
 * @example
 * const floats = fromInt8(await fetchSafetensors('/lenet-mnist.safetensors'));
 */
export function fromInt8(source: WeightSource): WeightSource {
  checkKinds('fromInt8', { source });
  const all = source.tensors ?? new Map<string, TensorInfo>();
  const integers = [...all].filter(([, { dtype }]) => dtype === 'I8');
  if (integers.length === 0) return source;
  if (!(source instanceof SafetensorsSource)) {
    throw new WeightError(
      `fromInt8: source: expected what openSafetensors or fetchSafetensors gave, got "${source.name}"; call fromInt8 on that first`,
    );
  }
  const tensors = new Map(all);
  const scales = new Map<string, TensorInfo>();
  for (const [name, { shape }] of integers) {
    scales.set(name, checkedScales(source, name, shape));
    tensors.delete(scalesOf(name));
    tensors.set(name, { shape, dtype: 'int8' });
  }
  return {
    name: source.name,
    tensors,
    read(name, shape) {
      const scale = scales.get(name);
      if (!scale) return source.read(name, shape);
      const values = new Int8Array(source.bytesOf(name, shape));
      return multiplied(values, finite(source, scalesOf(name), scale.shape), innerOf(shape, scale));
    },
  };
}

function checkedScales(source: SafetensorsSource, name: string, shape: Shape): TensorInfo {
  const scales = scalesOf(name);
  const found = source.tensors.get(scales);
  if (!found) {
    throw fault(source, name, `is of dtype I8, and there is no tensor ${quoted(scales)} beside it`);
  }
  if (!/^B?F\d+$/.test(found.dtype)) {
    throw fault(source, scales, `expected scales of dtype F32, F16 or BF16, got ${found.dtype}`);
  }
  if (elementCount(found.shape) !== 1 && !shapesEqual(found.shape, along(shape, axisOf(found)))) {
    const [wanted, all, got] = [along(shape, 0), shape, found.shape].map((one) =>
      clipped(formatShape(one)),
    );
    const what = `expected scales of the shape ${wanted}, or along another axis of ${all}, got ${got}`;
    throw fault(source, scales, what);
  }
  return found;
}

/** The first axis that has more than one scale. */
function axisOf({ shape }: TensorInfo): number {
  return shape.findIndex((extent) => extent !== 1);
}

/** The shape of scales for each place along an axis; of one for all where there is no such axis. */
function along(shape: Shape, axis: number): Shape {
  return shape.map((extent, i) => (i === axis ? extent : 1));
}

/** How many elements that follow one another have one scale. */
function innerOf(shape: Shape, scale: TensorInfo): number {
  return elementCount(shape.slice(axisOf(scale) + 1));
}

function finite(source: SafetensorsSource, name: string, shape: Shape): Float32Array {
  const scales = source.read(name, shape);
  const wrong = scales.findIndex((scale) => !Number.isFinite(scale));
  if (wrong < 0) return scales;
  throw fault(source, name, `expected finite scales, got ${scales[wrong]} at ${wrong}`);
}

function multiplied(values: Int8Array, scales: Float32Array, inner: number): Float32Array {
  const products = new Float32Array(values.length);
  for (let begin = 0, row = 0; begin < values.length; begin += inner, row++) {
    const scale = scales[row % scales.length] ?? 0;
    for (let i = begin; i < begin + inner; i++) products[i] = (values[i] ?? 0) * scale;
  }
  return products;
}

function fault({ name: file }: WeightSource, name: string, what: string): WeightError {
  return new WeightError(`weights file "${file}": tensor ${quoted(name)}: ${what}`);
}
