/** What whoever exported a file wrote beside the network, as Ultralytics does: names of classes, and a size. */
import type { ModelDef } from '../models/model.ts';
import { MOST_IN_METADATA } from './bounds.ts';

type Metadata = ReadonlyMap<string, string>;

/**
 * The names of classes, of the key `names`, in index order: the text of a dictionary in Python,
 * `{0: 'cat', 1: "rock 'n' roll"}`, or of a list, or the same as JSON. Undefined where there are none, or anything but
 * one for each index from 0 on. Control characters become spaces.
 */
export function classNames(metadata: Metadata): readonly string[] | undefined {
  const text = metadata.get('names') ?? '';
  if (text.length > MOST_IN_METADATA) return undefined;
  const entries = jsonEntries(text) ?? new Literal(text).entries();
  const inOrder = entries?.every(([index], i) => index === String(i));
  const names = entries?.flatMap(([, name]) => (typeof name === 'string' ? [name] : [])) ?? [];
  if (!inOrder || names.length === 0 || names.length < (entries?.length ?? 0)) return undefined;
  return names.map((name) => name.replaceAll(/\p{Cc}/gu, ' '));
}

/** Mean and standard deviation of each channel, of the key `normalization`: `{"mean": [0.5], "std": [0.5]}`. */
export function normalizationOf(metadata: Metadata, channels: number): ModelDef['normalization'] {
  const text = metadata.get('normalization') ?? '';
  const given = new Map(text.length > MOST_IN_METADATA ? [] : jsonEntries(text));
  const mean = numbersOf(given.get('mean'));
  const std = numbersOf(given.get('std'));
  const fits = mean.length === channels && std.length === channels;
  return fits && std.every((value) => value > 0) ? { mean, std } : undefined;
}

function numbersOf(value: unknown): readonly number[] {
  const isNumber = (one: unknown) => typeof one === 'number' && Number.isFinite(one);
  return Array.isArray(value) && value.every(isNumber) ? value : [];
}

/** What boxes are in, of the key `box_unit`. */
export function boxUnitOf(metadata: Metadata): ModelDef['boxUnit'] {
  return metadata.get('box_unit') === 'input' ? 'input' : undefined;
}

/** [height, width] of the pictures, of the key `imgsz`: `[640, 640]`. */
export function pictureSize(metadata: Metadata): readonly [number, number] | undefined {
  const [, height, width] = /^\[(\d{1,5}), (\d{1,5})\]$/.exec(metadata.get('imgsz') ?? '') ?? [];
  return Number(height) > 0 && Number(width) > 0 ? [Number(height), Number(width)] : undefined;
}

type Entries = readonly (readonly [index: string, name: unknown])[];

function jsonEntries(text: string): Entries | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? Object.entries(json) : undefined;
  } catch {
    return undefined;
  }
}

/** What stands after a backslash for something else; numbers are digits in hexadecimal that follow. */
const ESCAPES: Readonly<Record<string, string | number>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  x: 2,
  u: 4,
  U: 8,
};

/** Text of Python's: a dictionary of strings by integers, or a list of strings. It is read once, from left to right. */
class Literal {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Undefined for all else. */
  entries(): Entries | undefined {
    const isList = this.#take('[');
    if (!isList && !this.#take('{')) return undefined;
    const end = isList ? ']' : '}';
    const entries: [string, string][] = [];
    while (!this.#take(end)) {
      const index = isList ? String(entries.length) : this.#integer();
      if (!isList && !this.#take(':')) return undefined;
      const name = this.#string();
      if (name === undefined) return undefined;
      entries.push([index, name]);
      if (this.#take(',')) continue;
      if (!this.#take(end)) return undefined;
      break;
    }
    return this.#text.slice(this.#at).trim() === '' ? entries : undefined;
  }

  /** Whether a sign comes next, after spaces; if so it is passed. */
  #take(sign: string): boolean {
    while (/\s/.test(this.#next)) this.#at++;
    if (this.#next !== sign) return false;
    this.#at++;
    return true;
  }

  get #next(): string {
    return this.#text.charAt(this.#at);
  }

  #integer(): string {
    while (/\s/.test(this.#next)) this.#at++;
    const from = this.#at;
    while (/\d/.test(this.#next)) this.#at++;
    return this.#text.slice(from, this.#at);
  }

  #string(): string | undefined {
    const quote = ["'", '"'].find((sign) => this.#take(sign));
    if (quote === undefined) return undefined;
    let string = '';
    while (this.#at < this.#text.length) {
      const sign = this.#next;
      this.#at++;
      if (sign === quote) return string;
      string += sign === '\\' ? this.#escaped() : sign;
    }
    return undefined;
  }

  #escaped(): string {
    const sign = this.#next;
    this.#at++;
    const meaning = ESCAPES[sign] ?? sign;
    if (typeof meaning === 'string') return meaning;
    const code = Number.parseInt(this.#text.slice(this.#at, this.#at + meaning), 16);
    this.#at += meaning;
    return code <= 0x10ffff ? String.fromCodePoint(code) : '';
  }
}
