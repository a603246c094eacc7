import { checkValues } from '../arguments.ts';
import { WeightError } from '../errors.ts';
import type { Constant } from '../graph.ts';
import { nonFiniteWarning } from './check_weights.ts';
import { roundToFloat16 } from './float_formats.ts';
import type { WeightSource } from './weight_source.ts';

/**
 * Evaluates a graph's constants from a weight source. `onWarning` hears, once for each tensor, of values
 * that are not finite.
 */
export class ConstantReader {
  readonly #source: WeightSource;
  readonly #onWarning: (message: string) => void;
  readonly #checked = new Set<string>();

  constructor(source: WeightSource, onWarning: (message: string) => void) {
    this.#source = source;
    this.#onWarning = onWarning;
  }

  /** Row-major f32 data. Throws WeightError where the source lacks the weight, or reads anything else. */
  read(constant: Constant): Float32Array {
    if (constant.kind === 'derived') {
      return constant.compute(constant.sources.map((source) => this.read(source)));
    }
    const { name, desc } = constant;
    const data = this.#source.read(name, desc.shape);
    checkValues(WeightError, `weight "${name}" of "${this.#source.name}"`, desc.shape, data);
    this.#check(name, data);
    return data;
  }

  /** The data as the device has it: rounded, where it is stored as f16. */
  readStored(constant: Constant): Float32Array {
    const data = this.read(constant);
    return constant.desc.dtype === 'f16' ? roundToFloat16(data) : data;
  }

  #check(name: string, data: Float32Array): void {
    if (this.#checked.has(name)) return;
    this.#checked.add(name);
    const warning = nonFiniteWarning(name, data);
    if (warning) this.#onWarning(warning);
  }
}
