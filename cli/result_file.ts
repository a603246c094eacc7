/** Results of many images in a file, CSV or JSONL, written as they come; and which are in it already. */
import { closeSync, ftruncateSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { extname } from 'node:path';
import Papa from 'papaparse';
import { type Classification, TilewiseError } from '../src/index.ts';

/** What is kept of one image. */
export interface ImageResult {
  readonly image: string;
  readonly model: string;
  readonly top: readonly Classification[];
}

export interface ResultFileOptions {
  readonly model: string;
  /** Classes to each image. */
  readonly top: number;
  /** Whether the file may have results already, which then are kept. */
  readonly resume: boolean;
}

interface Format {
  readonly header: string;
  format(result: ImageResult): string;
  /** Whose results these lines are. Throws TilewiseError for lines of something else. */
  read(lines: readonly string[]): readonly Pick<ImageResult, 'image' | 'model'>[];
}

/** A file of results; each is a line, written at once. */
export class ResultFile {
  /** Images whose results were there before. */
  readonly done: ReadonlySet<string>;
  readonly #path: string;
  readonly #file: number;
  readonly #format: Format;

  /** Opens or creates the file. Throws TilewiseError where it has other results, or may not be touched. */
  constructor(path: string, options: ResultFileOptions) {
    this.#path = path;
    this.#format = formatOf(path, options);
    const { text, end, torn } = readComplete(path);
    if (end > 0 && !options.resume) {
      throw new TilewiseError(
        `"${path}" has results already; go on with --resume, or delete it first`,
      );
    }
    this.done = new Set(readDone(path, text, this.#format, options));
    this.#file = attempt(path, 'written', () => openSync(path, 'a'));
    // A line that was cut short, when the process was stopped, is written again.
    if (torn) attempt(path, 'written', () => ftruncateSync(this.#file, end));
    if (end === 0 && this.#format.header) this.#write(this.#format.header);
  }

  write(result: ImageResult): void {
    this.#write(this.#format.format(result));
  }

  close(): void {
    closeSync(this.#file);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #write(line: string): void {
    const bytes = Buffer.from(`${line}\n`);
    attempt(this.#path, 'written', () => {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at);
    });
  }
}

interface Lines {
  readonly text: string;
  /** Where the whole lines end, in bytes. */
  readonly end: number;
  /** Whether something follows. */
  readonly torn: boolean;
}

/** The file's whole lines. */
function readComplete(path: string): Lines {
  // Pipes and devices hold nothing to resume, and some have no end.
  if (!statSync(path, { throwIfNoEntry: false })?.isFile())
    return { text: '', end: 0, torn: false };
  const bytes = attempt(path, 'read', () => readFileSync(path));
  const end = bytes.lastIndexOf('\n') + 1;
  return { text: bytes.toString('utf8', 0, end), end, torn: end < bytes.length };
}

function readDone(
  path: string,
  text: string,
  format: Format,
  { model }: ResultFileOptions,
): readonly string[] {
  if (text === '') return [];
  const [first = '', ...rest] = text.trimEnd().split('\n');
  if (format.header && first !== format.header) {
    throw new TilewiseError(
      `"${path}" does not begin with the columns "${format.header}", so it cannot be resumed; give the --top it was begun with, or another --out`,
    );
  }
  const results = format.read(format.header ? rest : [first, ...rest]);
  const other = results.find((result) => result.model !== model);
  if (other) {
    throw new TilewiseError(
      `"${path}" has results of "${other.model}", which "${model}" cannot resume; give another --out`,
    );
  }
  return results.map(({ image }) => image);
}

function formatOf(path: string, { top }: ResultFileOptions): Format {
  switch (extname(path).toLowerCase()) {
    case '.csv':
      return csv(top);
    case '.jsonl':
    case '.ndjson':
      return jsonl(path);
    default:
      throw new TilewiseError(`results are written as .csv or .jsonl, not to "${path}"`);
  }
}

function csv(top: number): Format {
  const columns = Array.from({ length: top }, (_, i) =>
    ['class', 'label', 'probability'].map((name) => `${name}_${i + 1}`),
  );
  return {
    header: ['image', 'model', ...columns.flat()].join(','),
    format: ({ image, model, top: classes }) => {
      const cells = classes.map(({ class: index, label, probability }) => [
        index,
        label,
        probability,
      ]);
      // A line a result, whatever names hold.
      return Papa.unparse([[oneLine(image), model, ...cells.flat()]]);
    },
    read: (lines) =>
      Papa.parse<readonly string[]>(lines.join('\n')).data.map(([image = '', model = '']) => ({
        image,
        model,
      })),
  };
}

function jsonl(path: string): Format {
  return {
    header: '',
    format: (result) => JSON.stringify(result),
    read: (lines) => lines.map((line, i) => parseResult(path, line, i + 1)),
  };
}

function parseResult(path: string, line: string, number: number) {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null && 'image' in value && 'model' in value) {
      return { image: String(value.image), model: String(value.model) };
    }
  } catch {
    // Said below.
  }
  throw new TilewiseError(`"${path}" has no result in line ${number}; give another --out`);
}

function oneLine(name: string): string {
  return name.replace(/[\r\n]/g, ' ');
}

function attempt<T>(path: string, what: 'read' | 'written', work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TilewiseError(`results "${path}" cannot be ${what}: ${reason}`, { cause });
  }
}
