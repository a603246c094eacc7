/** Shorter names in the shaders of built files. */
import { type Plugin, parseSync, Visitor } from 'vite';

/**
 * What constants are called in shaders, and where code makes them: `THREADS`, `TILE_ROWS`; what follows a point is
 * JavaScript's.
 */
const CONSTANT = /(?<![.\w])[A-Z][A-Z\d_]{3,}\b/g;

/** What shaders declare for themselves: variables, functions, parameters, fields. */
const DECLARED = /\b(?:let|var|const|fn)\s+([a-z]\w+)|[(),]\s*([a-z]\w+)\s*:|^([a-z]\w+)\s*:/gm;
const COMPONENTS = /^(?:[xyzw]{2,4}|[rgba]{2,4})$/;
const WORDS_OF_WGSL =
  /^(?:as|do|fn|if|in|is|of|or|const|var|let|for|loop|main|default|enable|else|return)$/;

/**
 * Shortens the names in shaders, in files that nobody reads. When all is in one place, since shaders are put together
 * from several files, and the sizes of a layer are keys there. Source maps do not know of it.
 */
export function shortenNames(): Plugin {
  return {
    name: 'shorten-names-of-shaders',
    apply: 'build',
    generateBundle(_, bundle) {
      const chunks = Object.values(bundle).filter((part) => part.type === 'chunk');
      const codes = shortened(chunks.map(({ code }) => code));
      for (const [i, chunk] of chunks.entries()) chunk.code = codes[i] ?? chunk.code;
    },
  };
}

/** These files with shorter names in their shaders. */
export function shortened(codes: readonly string[]): readonly string[] {
  const constants = shortConstants(codes);
  const locals = shortLocals(codes);
  return codes.map((code) => {
    const pieces: string[] = [];
    let from = 0;
    for (const { start, end } of textsOf(code).shaders) {
      const text = code.slice(start, end);
      pieces.push(code.slice(from, start));
      pieces.push(joined(text.replaceAll(/\b[a-z]\w+/g, (name) => locals.get(name) ?? name)));
      from = end;
    }
    const all = [...pieces, code.slice(from)].join('');
    return all.replaceAll(CONSTANT, (name) => constants.get(name) ?? name);
  });
}

/** Fewer lines: constants that `#for` looks for and directives begin theirs, a comment or a placeholder ends its. */
function joined(text: string): string {
  return text.replaceAll(/^(?!#)(?!.*\/\/)(.+[;{},])\n(?!#|const\b|\s*$)(?=.*\n)/gm, '$1');
}

/** A shorter name for each constant of the shaders in these files, but for those that JavaScript reads by name. */
export function shortConstants(codes: readonly string[]): ReadonlyMap<string, string> {
  const shaders = shadersOf(codes);
  const ofJavaScript = new Set(codes.join('\n').match(/(?<=\.)\w+|(?<=(["'`]))\w+(?=\1)/g));
  const isPutTogether = putTogether(codes);
  const names = (shaders.match(CONSTANT) ?? []).filter(
    (name) => !ofJavaScript.has(name) && !isPutTogether(name),
  );
  const free = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'].flatMap((letter) =>
    Array.from('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ', (next) => letter + next),
  );
  return pairUp(names, free, shaders);
}

/**
 * A shorter name for what the shaders of these files declare for themselves, but for names that stand in strings of
 * JavaScript: these may be pieces of shaders.
 */
export function shortLocals(codes: readonly string[]): ReadonlyMap<string, string> {
  const shaders = shadersOf(codes);
  const strings = codes.flatMap((code) => textsOf(code).strings).join('\n');
  const isPutTogether = putTogether(codes);
  const kept = new Set(strings.match(/\w+/g));
  const functions = new Set(shaders.match(/(?<=\bfn\s+)\w+/g));
  // What is called and not declared is WGSL's own.
  const called = (shaders.match(/\b\w+(?=\()/g) ?? []).filter((name) => !functions.has(name));
  for (const name of called) kept.add(name);
  const declared = new Set([...shaders.matchAll(DECLARED)].map(([, a, b, c]) => a ?? b ?? c ?? ''));
  const stays = (name: string): boolean =>
    kept.has(name) || isPutTogether(name) || COMPONENTS.test(name) || WORDS_OF_WGSL.test(name);
  const names = (shaders.match(/\b[a-z]\w+/g) ?? []).filter(
    (name) => declared.has(name) && !stays(name),
  );
  const letters = [...'abcdefghijklmnopqrstuvwxyz'];
  const free = [...letters, ...letters.flatMap((a) => letters.map((b) => a + b))];
  const usable = free.filter((name) => !kept.has(name) && !WORDS_OF_WGSL.test(name));
  return pairUp(names, usable, shaders);
}

/** Whether JavaScript may make a name of parts, as in `${role}_CHANNEL`: such names are the same in all shaders. */
function putTogether(codes: readonly string[]): (name: string) => boolean {
  const parts = codes.flatMap((code) => textsOf(code).parts);
  const ends = new Set(parts.flatMap((part) => part.match(/^_\w+/) ?? []));
  const begins = new Set(parts.flatMap((part) => part.match(/\w+_$/) ?? []));
  return (name) =>
    [...ends].some((end) => name.endsWith(end)) ||
    [...begins].some((begin) => name.startsWith(begin));
}

/** The names that are longest in all get the first of those that no text has. */
function pairUp(
  names: readonly string[],
  free: readonly string[],
  text: string,
): ReadonlyMap<string, string> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  const longest = [...counts].sort(([a, x], [b, y]) => y * b.length - x * a.length);
  // `row#i` becomes `row0`.
  const taken = new Set(text.match(/\w+/g)?.flatMap((word) => [word, word.replace(/\d+$/, '')]));
  const usable = free.filter((name) => !taken.has(name));
  return new Map(longest.slice(0, usable.length).map(([name], i) => [name, usable[i] ?? name]));
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * Texts of several lines in a file, which are shaders where lines end as those of WGSL do; all other strings; and all
 * parts of strings, in both.
 */
function textsOf(code: string): {
  readonly shaders: readonly Span[];
  readonly strings: readonly string[];
  readonly parts: readonly string[];
} {
  const shaders: Span[] = [];
  const strings: string[] = [];
  const parts: string[] = [];
  new Visitor({
    TemplateLiteral({ start, end, quasis }) {
      const texts = quasis.map((text) => code.slice(text.start, text.end));
      if (/[;{}]\n/.test(code.slice(start, end))) shaders.push(...quasis);
      else strings.push(...texts);
      parts.push(...texts);
    },
    Literal({ value }) {
      if (typeof value !== 'string') return;
      strings.push(value);
      parts.push(value);
    },
  }).visit(parseSync('chunk.js', code).program);
  // Templates in templates are visited after what is around them.
  return { shaders: shaders.sort((a, b) => a.start - b.start), strings, parts };
}

function shadersOf(codes: readonly string[]): string {
  const texts = codes.flatMap((code) =>
    textsOf(code).shaders.map(({ start, end }) => code.slice(start, end)),
  );
  // Two that follow one another are no one text.
  return texts.join('\n;\n');
}
