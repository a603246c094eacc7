/** The constants of a file that its graph reads, as a source of weights. */
import { WeightError } from '../runtime/errors.ts';
import { formatShape, shapesEqual } from '../runtime/tensor.ts';
import { quoted } from '../runtime/weights/messages.ts';
import type { WeightSource } from '../runtime/weights/weight_source.ts';
import type { Constant } from './tensor.ts';

/** Constants by the names that the graph has for them, in the order of use. */
export class ModelWeights {
  readonly #constants = new Map<string, Constant>();
  /** What some data was named, by the name that was wanted and the shape. */
  readonly #names = new Map<Constant['numbers'], Map<string, string>>();
  /** The last number that was put to each name: a file may have many constants of one. */
  readonly #numbers = new Map<string, number>();

  /** The name of a constant: its own, where no other has it. */
  add(constant: Constant): string {
    const { numbers, shape } = constant;
    const wanted = constant.name || 'constant';
    const names = this.#names.get(numbers) ?? new Map<string, string>();
    this.#names.set(numbers, names);
    const key = JSON.stringify([wanted, shape]);
    const known = names.get(key);
    if (known !== undefined) return known;
    let name = wanted;
    let number = this.#numbers.get(wanted) ?? 1;
    while (this.#constants.has(name)) name = `${wanted}#${++number}`;
    this.#numbers.set(wanted, number);
    this.#constants.set(name, constant);
    names.set(key, name);
    return name;
  }

  /** Reading throws WeightError for what it lacks, and for numbers that f32 has not. */
  source(file: string): WeightSource {
    const tensors = [...this.#constants].map(([name, { shape, type }]) => {
      return [name, { shape, dtype: type }] as const;
    });
    return {
      name: file,
      tensors: new Map(tensors),
      read: (name, shape) => {
        const found = this.#constants.get(name);
        const who = `ONNX file "${file}":`;
        if (!found || !shapesEqual(found.shape, shape)) {
          throw new WeightError(`${who} has no weight ${quoted(name)} ${formatShape(shape)}`);
        }
        const numbers = found.numbers();
        const data = Float32Array.from(numbers);
        const lost = data.findIndex((x, i) => !Number.isFinite(x) && Number.isFinite(numbers[i]));
        if (lost >= 0) {
          throw new WeightError(
            `${who} weight ${quoted(name)} has ${numbers[lost]}, which does not fit f32`,
          );
        }
        return data;
      },
    };
  }
}
