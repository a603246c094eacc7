/** Models with any inputs and outputs, for `tilewise run`. */
import { basename } from 'node:path';
import {
  buildModel,
  formatShape,
  type Graph,
  type ModelDef,
  type Shape,
  ShapeError,
  UnsupportedError,
  type WeightSource,
} from '../src/index.ts';
import { loadOnnx, onnxInputs } from '../src/onnx/index.ts';
import type { ModelReading } from './model_file.ts';
import { externalOf, findBuiltIn, isModelFile, readOnnx } from './open_model.ts';

/** Extents that are undefined are for the caller to say. */
type Extents = readonly (number | undefined)[] | undefined;

export interface RunnableInput {
  readonly name: string;
  readonly shape: Extents;
}

export interface Runnable {
  readonly name: string;
  readonly inputs: readonly RunnableInput[];
  /**
   * Shapes by input; where one is left out, it is the model's own, of one image. Throws ShapeError, and what
   * `loadOnnx` throws.
   */
  build(shapes: Readonly<Record<string, Shape>>): {
    readonly graph: Graph;
    /** Where the file has them. */
    readonly weights?: WeightSource;
  };
}

/** What `--model` names. Throws UnsupportedError for an unknown name, and what `loadOnnx` throws. */
export function openRunnable(model: string, reading: ModelReading = {}): Runnable {
  return isModelFile(model)
    ? fileRunnable(model, reading)
    : builtInRunnable(findBuiltIn(model, reading), reading.outputs);
}

function builtInRunnable(model: ModelDef, outputs: ModelReading['outputs']): Runnable {
  return {
    name: model.name,
    inputs: [{ name: 'input', shape: [undefined, model.channels, undefined, undefined] }],
    build({ input = [1, model.channels, ...model.size] }) {
      const [batch = 1, , height = 1, width = 1] = input;
      const size = [height, width] as const;
      return { graph: buildModel(model, { batch, size, ...(outputs && { outputs }) }) };
    },
  };
}

function fileRunnable(path: string, reading: ModelReading): Runnable {
  const name = basename(path);
  const bytes = readOnnx(path);
  const { constants = {} } = reading;
  checkConstants(bytes, name, Object.keys(constants));
  const inputs = onnxInputs(bytes, name, reading.outputs).filter(
    (input) => !Object.hasOwn(constants, input.name),
  );
  const readExternal = externalOf(path);
  return {
    name,
    inputs,
    build(shapes) {
      for (const input of inputs) if (!shapes[input.name]) checkKnown(input, name);
      return ofShapes(shapes, inputs, () =>
        loadOnnx(bytes, { name, shapes, readExternal, ...reading }),
      );
    },
  };
}

/** A file is no worse for shapes that it cannot take: what it says then of parts that do not fit is no fault of it. */
function ofShapes<T>(
  shapes: Readonly<Record<string, Shape>>,
  inputs: readonly RunnableInput[],
  read: () => T,
): T {
  try {
    return read();
  } catch (cause) {
    const given = inputs.flatMap(({ name, shape }) => {
      const asked = shapes[name];
      const differs = asked?.some((extent, axis) => axis > 0 && extent !== shape?.[axis]);
      return asked && differs
        ? [`"${name}" is read as ${formatShape(asked)}; the file says ${shownExtents(shape)}`]
        : [];
    });
    if (!(cause instanceof UnsupportedError) || given.length === 0) throw cause;
    throw new UnsupportedError(`${cause.message}\n${given.join('\n')}`, { cause });
  }
}

/** Throws UnsupportedError for names of inputs that the file does not have, wherever these lead. */
function checkConstants(bytes: Uint8Array, model: string, constants: readonly string[]): void {
  if (constants.length === 0) return;
  const names = onnxInputs(bytes, model).map((input) => input.name);
  const unknown = constants.find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw new UnsupportedError(
    `--constants: ${model} has no input "${unknown}"; it has ${names.join(', ')}`,
  );
}

/** The number of images may be open: then it is 1. */
function checkKnown({ name, shape }: RunnableInput, model: string): void {
  if (shape?.slice(1).every((extent) => extent !== undefined)) return;
  throw new ShapeError(
    `input "${name}" of ${model} leaves its shape open ${shownExtents(shape)}; give a .npy file, or --shape ${name}=EXTENTS, such as ${name}=1,3,224,224`,
  );
}

/** `[?, 3, 224, 224]` */
export function shownExtents(shape: Extents): string {
  return shape ? `[${shape.map((extent) => extent ?? '?').join(', ')}]` : '[...]';
}

/** Throws ShapeError, which names the file, for a tensor of another rank, or other channels, than an input takes. */
export function checkFits({ name, shape }: RunnableInput, given: Shape, whose: string): void {
  const isColour = (extent: number | undefined) => extent === 1 || extent === 3;
  const isLast = shape?.length === 4 && isColour(shape[3]) && !isColour(shape[1]);
  // Batch, height and width may be others than a file says; channels are what the weights are for.
  const axis = isLast ? 3 : 1;
  const channels = shape?.[axis] ?? given[axis];
  if (given.length === (shape ?? given).length && channels === given[axis]) return;
  throw new ShapeError(
    `${whose} is ${formatShape(given)}, the input "${name}" takes ${shownExtents(shape)}; give --shape ${name}=EXTENTS that fit`,
  );
}
