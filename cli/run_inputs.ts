/** The inputs of `tilewise run`: which file or synthetic data goes into which input of the model. */
import {
  elementCount,
  formatShape,
  type Graph,
  type Shape,
  ShapeError,
  syntheticInput,
  TilewiseError,
  UnsupportedError,
} from '../src/index.ts';
import { parseNamed } from './named_values.ts';
import { checkFits, type Runnable, type RunnableInput } from './runnable.ts';
import { readTensors, type StoredTensor } from './tensor_files.ts';

const SYNTHETIC = 'synthetic';

/** What is fed into an input. */
export interface RunInput {
  /** Of a file; `undefined` where it is synthetic. */
  readonly tensor?: StoredTensor;
  /** For people: a path, and the array in it; or `synthetic`. */
  readonly from: string;
  /** As `--shape` or the file says it; by default, the model's own. */
  readonly shape?: Shape;
}

/**
 * Reads `--input` and `--shape`, which may begin with a name. An input without a name is the only one; a .npz without
 * a name has arrays under the inputs' names; `synthetic` without a name is for all that no file is given for. Throws
 * TilewiseError for what does not fit.
 */
export function readRunInputs(
  { name: model, inputs }: Runnable,
  given: readonly string[],
  shapes: readonly string[],
): ReadonlyMap<string, RunInput> {
  const names = inputs.map(({ name }) => name);
  const found = new Map<string, RunInput>();
  let synthetic = false;
  for (const { name, value } of given.map((text) => parseNamed(text, 'input', names))) {
    if (value === SYNTHETIC && name === undefined) synthetic = true;
    for (const [input, one] of sourcesOf(value, name, names)) {
      if (found.has(input)) throw new TilewiseError(`the input "${input}" is given twice`);
      found.set(input, one);
    }
  }
  const rest = names.filter((name) => !found.has(name));
  if (rest.length > 0 && !synthetic) throw missing(model, rest);
  return shaped(found, inputs, shapes);
}

/** What one `--input` gives to which inputs. */
function sourcesOf(
  value: string,
  name: string | undefined,
  names: readonly string[],
): readonly (readonly [input: string, source: RunInput])[] {
  if (value === SYNTHETIC) return name === undefined ? [] : [[name, { from: SYNTHETIC }]];
  return tensorsFor(value, name, names).map(([input, tensor]) => [
    input,
    { tensor, from: value, ...(tensor.shape && { shape: tensor.shape }) },
  ]);
}

function missing(model: string, rest: readonly string[]): TilewiseError {
  const options = rest.map((name) => `--input ${name}=FILE`).join(' ');
  return new TilewiseError(
    `${model} takes ${rest.map((name) => `"${name}"`).join(', ')}, too; give ${options}, or --input synthetic, or what is the same at every run, and decides, by --constants NAME=VALUE`,
  );
}

/** Which tensors of a file go into which inputs. */
function tensorsFor(
  path: string,
  name: string | undefined,
  names: readonly string[],
): readonly (readonly [input: string, tensor: StoredTensor])[] {
  const tensors = readTensors(path);
  const wanted = name === undefined ? names : [name];
  const [[tensor], [input]] = [tensors, wanted];
  // One for one, whatever it is called.
  if (tensor && input !== undefined && tensors.length === 1 && wanted.length === 1) {
    return [[input, tensor]];
  }
  const held = tensors.flatMap((one) => (one.name === undefined ? [] : [[one.name, one] as const]));
  const found = held.filter(([array]) => wanted.includes(array));
  if (found.length > 0) return found;
  const holds = held.map(([array]) => array).join(', ') || 'a tensor without a name';
  throw new UnsupportedError(
    `input file "${path}" holds ${holds}; the model takes ${wanted.join(', ')}; give --input NAME=FILE`,
  );
}

/** With the shapes of `--shape`, which are checked, as those of the files are. */
function shaped(
  found: ReadonlyMap<string, RunInput>,
  inputs: readonly RunnableInput[],
  shapes: readonly string[],
): ReadonlyMap<string, RunInput> {
  const said = saidShapes(
    inputs.map(({ name }) => name),
    shapes,
  );
  return new Map(
    inputs.map((input) => {
      const one = found.get(input.name) ?? { from: SYNTHETIC };
      const shape = said.get(input.name) ?? one.shape;
      if (!shape) return [input.name, one] as const;
      checkFits(input, shape, said.has(input.name) ? '--shape' : `input file "${one.from}"`);
      return [input.name, { ...one, shape }] as const;
    }),
  );
}

/** What `--shape` says, by input. */
function saidShapes(
  names: readonly string[],
  shapes: readonly string[],
): ReadonlyMap<string, Shape> {
  return new Map(
    shapes.map((text) => {
      const { name, value } = parseNamed(text, 'input', names);
      const input = name ?? (names.length === 1 ? names[0] : undefined);
      if (input !== undefined) return [input, parseExtents(value)] as const;
      throw new UnsupportedError(
        `--shape ${text} may be of any of the inputs ${names.join(', ')}; give --shape NAME=${text}`,
      );
    }),
  );
}

/** `1,3,224,224` */
function parseExtents(text: string): Shape {
  const extents = text.split(',').map(Number);
  if (extents.every((extent) => Number.isSafeInteger(extent) && extent > 0)) return extents;
  throw new ShapeError(
    `--shape ${text}: expected extents with commas between them, such as 1,3,224,224`,
  );
}

/** The data of each input of the graph. Throws ShapeError for a file of another length than its input. */
export function feedsOf(
  graph: Graph,
  inputs: ReadonlyMap<string, RunInput>,
): Readonly<Record<string, Float32Array>> {
  return Object.fromEntries(
    graph.inputs.map(({ name, desc: { shape } }) => {
      const { tensor, from } = inputs.get(name) ?? {};
      if (!tensor) return [name, syntheticInput(shape)];
      const count = elementCount(shape);
      if (tensor.data.length === count) return [name, tensor.data];
      const got = tensor.shape
        ? `is ${formatShape(tensor.shape)} of ${tensor.data.length} elements`
        : `has ${4 * tensor.data.length} bytes`;
      const takes = tensor.shape ? `${count}` : `${4 * count} bytes of f32`;
      throw new ShapeError(
        `input file "${from}" ${got}, "${name}" ${formatShape(shape)} takes ${takes}; give the right --shape`,
      );
    }),
  );
}
