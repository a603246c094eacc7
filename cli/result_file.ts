/** Results of many images in a file, CSV or JSONL, written as they come; and which are in it already. */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, extname } from 'node:path';
import { csvFormatRow, csvParseRows } from 'd3-dsv';
import { type Classification, TilewiseError } from '../src/index.ts';

/** What is kept of one image. */
export interface ImageResult {
  readonly image: string;
  readonly model: string;
  /** Its classes. */
  readonly top?: readonly Classification[];
  /** Of which of the model's values its vector is, where that was chosen. */
  readonly output?: string;
  /** Given for vectors that were left as they are; others are one long. */
  readonly normalized?: false;
  /** What it was embedded to. */
  readonly vector?: readonly number[];
}

export interface ResultFileOptions {
  readonly model: string;
  /** Classes to each image; results without classes make no table, and are only written as .jsonl. */
  readonly top?: number;
  /** Elements of each vector, where results are vectors. */
  readonly features?: number;
  /** The same for all of them. */
  readonly making?: Making;
  /** Whether the file may have results already, which then are kept. */
  readonly resume: boolean;
}

/** How vectors were made: those of one file can be compared. */
type Making = Pick<ImageResult, 'output' | 'normalized'>;

/** What is asked of results that are there already. */
interface Kept extends Pick<ImageResult, 'image' | 'model'>, Making {
  /** Elements of its vector; none of other results. */
  readonly features?: number;
}

interface Format {
  /** The first record, where results have one before them. */
  readonly header: string;
  /** A record, without the line feed that ends it. */
  format(result: ImageResult): string;
  /** Where the last whole record ends. */
  endOf(bytes: Uint8Array): number;
  /** Whether a file of one record may begin so, which was cut short there. */
  isBeginning(text: string): boolean;
  /** Whose results some whole records are. Throws TilewiseError for records of something else. */
  read(text: string): readonly Kept[];
}

/** A file of results; each is a record that ends with a line feed, written at once. */
export class ResultFile {
  /** Images whose results were there before. */
  readonly done: ReadonlySet<string>;
  readonly #path: string;
  readonly #format: Format;
  /** Where whole records of before end. */
  readonly #end: number;
  #file: number | undefined;

  /**
   * Makes no file: that comes with the first result. Throws TilewiseError where there are other results, or none may be
   * written.
   */
  constructor(path: string, options: ResultFileOptions) {
    this.#path = path;
    this.#format = formatOf(path, options);
    const bytes = attempt(path, 'read', () => bytesOf(path));
    if (bytes.length > 0 && !options.resume) {
      throw new TilewiseError(
        `"${path}" has results already; go on with --resume, or delete it first`,
      );
    }
    this.#end = this.#format.endOf(bytes);
    this.done = new Set(readDone(path, bytes, this.#end, this.#format, options));
    attempt(path, 'written', () => checkWritable(path));
  }

  write(result: ImageResult): void {
    this.#file ??= this.#open();
    this.#write(this.#file, this.#format.format(result));
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #open(): number {
    const file = attempt(this.#path, 'written', () => {
      const opened = openSync(this.#path, 'a');
      // A record that was cut short, when the process was stopped, is written again.
      if (fstatSync(opened).size > this.#end) ftruncateSync(opened, this.#end);
      return opened;
    });
    if (this.#end === 0 && this.#format.header) this.#write(file, this.#format.header);
    return file;
  }

  #write(file: number, record: string): void {
    const bytes = Buffer.from(`${record}\n`);
    attempt(this.#path, 'written', () => {
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    });
  }
}

/** Nothing of pipes and devices, which hold nothing to resume; some have no end. */
function bytesOf(path: string): Buffer {
  const isFile = statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
  return isFile ? readFileSync(path) : Buffer.alloc(0);
}

function checkWritable(path: string): void {
  if (existsSync(path)) closeSync(openSync(path, 'a'));
  else accessSync(dirname(path), constants.W_OK);
}

function readDone(
  path: string,
  bytes: Buffer,
  end: number,
  format: Format,
  { model, features, making = {} }: ResultFileOptions,
): readonly string[] {
  const text = attempt(path, 'read', () => bytes.toString('utf8', 0, end || undefined));
  const { header } = format;
  const cut = end === 0;
  if (cut && text === '') return [];
  if (cut ? !format.isBeginning(text) : !text.startsWith(header && `${header}\n`)) {
    throw new TilewiseError(notBegun(path, header));
  }
  const results = cut ? [] : format.read(text);
  const other = results.find((result) => result.model !== model);
  if (other) {
    throw new TilewiseError(
      `"${path}" has results of "${other.model}", which "${model}" cannot resume; give another --out`,
    );
  }
  const misfit = results.find((result) => result.features !== features);
  if (misfit) {
    throw new TilewiseError(
      `"${path}" has ${kindOf(misfit.features)} of "${misfit.image}", where ${kindOf(features)} is to be; give another --out`,
    );
  }
  const others = results.find((result) => madeBy(result) !== madeBy(making));
  if (others) {
    throw new TilewiseError(
      `"${path}" has a vector of "${others.image}" made with ${madeBy(others)}, not ${madeBy(making)}; give the options it was begun with, or another --out`,
    );
  }
  return results.map(({ image }) => image);
}

/** The options of `embed` that say so. */
function madeBy({ output, normalized }: Making): string {
  const options = [
    ...(output === undefined ? [] : [`--output ${output}`]),
    ...(normalized === false ? ['--no-normalize'] : []),
  ];
  return options.join(' ') || 'neither --output nor --no-normalize';
}

function kindOf(features: number | undefined): string {
  return features === undefined ? 'a result without a vector' : `a vector of ${features}`;
}

function notBegun(path: string, header: string): string {
  return header === ''
    ? `"${path}" has no result in line 1; give another --out`
    : `"${path}" does not begin with the columns "${header}", so it cannot be resumed; give the --top it was begun with, or another --out`;
}

function formatOf(path: string, { top }: ResultFileOptions): Format {
  switch (extname(path).toLowerCase()) {
    case '.csv':
      if (top !== undefined) return csv(top);
      break;
    case '.jsonl':
    case '.ndjson':
      return jsonl(path);
  }
  const kinds =
    top === undefined ? 'vectors are written as .npy or' : 'results are written as .csv or';
  throw new TilewiseError(`${kinds} .jsonl, not to "${path}"`);
}

function csv(top: number): Format {
  const columns = Array.from({ length: top }, (_, i) =>
    ['class', 'label', 'probability'].map((name) => `${name}_${i + 1}`),
  );
  const header = ['image', 'model', ...columns.flat()].join(',');
  return {
    header,
    format: ({ image, model, top: classes = [] }) => {
      const cells = classes.map(({ class: index, label, probability }) => [
        index,
        label,
        probability,
      ]);
      return csvFormatRow([image, model, ...cells.flat().map(String)]);
    },
    endOf: endOfRecords,
    isBeginning: (text) => header.startsWith(text),
    read(text) {
      // Of each row, only its first columns are held.
      return csvParseRows(text.slice(header.length + 1), ([image = '', model = '']) =>
        image === '' ? null : { image, model },
      );
    },
  };
}

const [QUOTE, LINE_FEED] = [0x22, 0x0a];

/** The end of the last line feed that is in no cell: one between quotes is part of a name. */
function endOfRecords(bytes: Uint8Array): number {
  let end = 0;
  let quoted = false;
  for (let at = 0; at < bytes.length; at++) {
    // A quote in a cell is doubled, and so changes nothing.
    if (bytes[at] === QUOTE) quoted = !quoted;
    else if (bytes[at] === LINE_FEED && !quoted) end = at + 1;
  }
  return end;
}

function jsonl(path: string): Format {
  const beginning = '{"image":"';
  return {
    header: '',
    format: (result) => JSON.stringify(result),
    endOf: (bytes) => bytes.lastIndexOf(LINE_FEED) + 1,
    isBeginning: (text) => beginning.startsWith(text.slice(0, beginning.length)),
    read: (text) =>
      text
        .trimEnd()
        .split('\n')
        .map((line, i) => parseResult(path, line, i + 1)),
  };
}

function parseResult(path: string, line: string, number: number): Kept {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null && 'image' in value && 'model' in value) {
      const kept = { image: String(value.image), model: String(value.model) };
      const vector = 'vector' in value ? value.vector : undefined;
      return Array.isArray(vector)
        ? { ...kept, ...makingOf(value), features: vector.length }
        : kept;
    }
  } catch {
    // Said below.
  }
  throw new TilewiseError(`"${path}" has no result in line ${number}; give another --out`);
}

function makingOf(value: object): Making {
  const { output, normalized }: Partial<Record<string, unknown>> = { ...value };
  return {
    ...(typeof output === 'string' && { output }),
    ...(normalized === false && { normalized }),
  };
}

function attempt<T>(path: string, what: 'read' | 'written', work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TilewiseError(`results "${path}" cannot be ${what}: ${reason}`, { cause });
  }
}
