/** The values of a graph by name; those of a branch also find what is around it. */
import { quoted } from '../runtime/weights/messages.ts';
import { demandSound } from './errors.ts';
import type { Operand } from './import_node.ts';

export class Scope {
  /** Stands before the names of constants, so that those of two branches differ. */
  readonly prefix: string;
  readonly #operands = new Map<string, Operand>();
  /** Values that are not had; who should make them, where that is no problem yet, as nobody may read a mask. */
  readonly #failed = new Map<string, string | undefined>();
  readonly #outer: Scope | undefined;

  constructor(prefix = '', outer?: Scope) {
    this.prefix = prefix;
    this.#outer = outer;
  }

  /** Throws OnnxError where a graph has two values of a name. */
  define(name: string, found: Operand): void {
    if (name === '') return;
    demandSound(!this.#operands.has(name), `value ${quoted(name)} is made twice`);
    this.#operands.set(name, found);
  }

  has(name: string): boolean {
    return this.#operands.has(name);
  }

  /** Throws OnnxError where nothing makes it. */
  operand(name: string): Operand {
    const found = this.find(name);
    demandSound(found, `value ${quoted(name)} is read, and nothing makes it`);
    return found;
  }

  find(name: string): Operand | undefined {
    return this.#operands.get(name) ?? this.#outer?.find(name);
  }

  /** Says that a value is not had, because of a problem that is known, or one of `maker` if somebody reads it. */
  fail(name: string, maker?: string): void {
    this.#failed.set(name, maker);
  }

  /** Whether a value is not had; who should have made it, where that is no problem that is known. */
  failure(name: string): { readonly maker: string | undefined } | undefined {
    if (this.#failed.has(name)) return { maker: this.#failed.get(name) };
    return this.#operands.has(name) ? undefined : this.#outer?.failure(name);
  }
}
