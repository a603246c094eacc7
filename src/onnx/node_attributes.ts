/** Attributes of a node that is read, by name and type. */
import { UnsupportedError } from '../runtime/errors.ts';
import {
  type AttributeProto,
  type TensorProto,
  AttributeProto_AttributeType as Type,
} from './schema/onnx_pb.ts';

export class NodeAttributes {
  readonly #byName: ReadonlyMap<string, AttributeProto>;

  constructor(attributes: readonly AttributeProto[]) {
    this.#byName = new Map(attributes.map((attribute) => [attribute.name, attribute]));
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  int(name: string, otherwise: number): number {
    const found = this.#get(name, Type.INT);
    return found ? safe(name, found.i) : otherwise;
  }

  ints(name: string): readonly number[] | undefined {
    return this.#get(name, Type.INTS)?.ints.map((value) => safe(name, value));
  }

  /** Integers of which those beyond any size are as good as infinite, as the ends of slices are. */
  bounds(name: string): readonly number[] | undefined {
    return this.#get(name, Type.INTS)?.ints.map(Number);
  }

  /** An f32; the shortest decimal that rounds to it, so that 1e-5 is 1e-5 again. */
  float(name: string, otherwise: number): number {
    const found = this.#get(name, Type.FLOAT);
    return found ? shortest(found.f) : otherwise;
  }

  floats(name: string): readonly number[] | undefined {
    return this.#get(name, Type.FLOATS)?.floats.map(shortest);
  }

  string(name: string, otherwise: string): string {
    const found = this.#get(name, Type.STRING);
    return found ? new TextDecoder().decode(found.s) : otherwise;
  }

  tensor(name: string): TensorProto | undefined {
    return this.#get(name, Type.TENSOR)?.t;
  }

  #get(name: string, type: Type): AttributeProto | undefined {
    const found = this.#byName.get(name);
    // The oldest files do not say the type.
    if (found && found.type !== type && found.type !== Type.UNDEFINED) {
      throw new UnsupportedError(`attribute ${name} has another type than ${nameOfType(type)}`);
    }
    return found;
  }
}

function nameOfType(type: Type): string {
  return Object.entries(Type).find(([, value]) => value === type)?.[0] ?? String(type);
}

function safe(name: string, value: bigint): number {
  const result = Number(value);
  if (!Number.isSafeInteger(result)) {
    throw new UnsupportedError(`attribute ${name} is ${value}, beyond any size`);
  }
  return result;
}

function shortest(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === value) return candidate;
  }
  return value;
}
