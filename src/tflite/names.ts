import { MOST_IN_NAME, MOST_NAME_BYTES } from '../onnx/bounds.ts';

/** Names, of which none is given twice. */
export class Names {
  readonly #taken = new Set<string>();
  /** The last number that was put to each: a file may have many of one name. */
  readonly #numbers = new Map<string, number>();

  /** The name, or its start, with a number after it where it is taken. */
  unused(wanted: string): string {
    const short = shortened(wanted);
    let name = short;
    let number = this.#numbers.get(short) ?? 1;
    while (this.#taken.has(name)) name = `${short}#${++number}`;
    this.#numbers.set(short, number);
    this.#taken.add(name);
    return name;
  }
}

/** Characters take up to three bytes, and a number comes after them. */
function shortened(name: string): string {
  const short = name.slice(0, MOST_IN_NAME);
  const isLong = new TextEncoder().encode(short).length > MOST_NAME_BYTES - 32;
  return isLong ? short.slice(0, MOST_IN_NAME / 2) : short;
}
