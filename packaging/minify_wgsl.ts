import { type Plugin, parseSync, Visitor } from 'vite';

/** Between operands. What is between two operators stays: `a - -b` would become another program. */
const BLANKS_ROUND_OPERATORS = /(?<=[\w)\]]) ([-+*/%<>=&|^!]{1,3}) (?=[\w(#])/g;
/** Behind commas and the like, and before braces. */
const BLANKS_AT_PUNCTUATION = /(?<=[,;]|[\w)]:) (?=[\w(])|(?<=[\w)]) (?={)/g;

/**
 * What constants are called in shaders, and where code makes them: `THREADS`, `TILE_ROWS`; what follows a point is
 * JavaScript's.
 */
const CONSTANT = /(?<![.\w])[A-Z][A-Z\d_]{3,}\b/g;

/**
 * Leaves out of built pages what only people read in shaders: lines of comment, indentation, blanks round operators.
 * They are template literals, which no minifier of JavaScript touches.
 */
export function minifyWgsl(): Plugin {
  return {
    name: 'minify-wgsl',
    apply: 'build',
    transform: {
      filter: { id: /\/shaders\/.*\.ts$/ },
      handler: (code, id) => ({ code: minified(code, id), map: null }),
    },
  };
}

/**
 * Shortens the names of constants in shaders, in files that nobody reads. When all is in one place, since shaders are
 * put together from several files, and the sizes of a layer are keys there. Source maps do not know of it.
 */
export function shortenConstants(): Plugin {
  return {
    name: 'shorten-constants',
    apply: 'build',
    generateBundle(_, bundle) {
      const chunks = Object.values(bundle).filter((part) => part.type === 'chunk');
      const names = shortNames(chunks.map(({ code }) => code));
      for (const chunk of chunks) {
        chunk.code = chunk.code.replaceAll(CONSTANT, (name) => names.get(name) ?? name);
      }
    },
  };
}

/** A shorter name for each constant of the shaders in these files, but for those that JavaScript reads by name. */
export function shortNames(codes: readonly string[]): ReadonlyMap<string, string> {
  const shaders = codes.flatMap(shadersOf).join('\n');
  const ofJavaScript = new Set(codes.join('\n').match(/(?<=\.)\w+|(?<=(["'`]))\w+(?=\1)/g));
  const counts = new Map<string, number>();
  for (const name of shaders.match(CONSTANT) ?? []) counts.set(name, (counts.get(name) ?? 0) + 1);
  const taken = new Set(shaders.match(/\w+/g));
  const free = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ']
    .flatMap((letter) =>
      Array.from('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ', (next) => letter + next),
    )
    .filter((name) => !taken.has(name));
  const longest = [...counts].filter(([name]) => !ofJavaScript.has(name));
  longest.sort(([a, x], [b, y]) => y * b.length - x * a.length);
  return new Map(longest.slice(0, free.length).map(([name], i) => [name, free[i] ?? name]));
}

/** The texts of several lines in a file. */
function shadersOf(code: string): readonly string[] {
  const texts: string[] = [];
  new Visitor({
    TemplateElement({ start, end }) {
      const text = code.slice(start, end);
      if (text.includes('\n')) texts.push(text);
    },
  }).visit(parseSync('chunk.js', code).program);
  return texts;
}

export function minified(code: string, id: string): string {
  const plain = code.replaceAll(/^[ \t]*\/\/.*\n/gm, '').replaceAll(/^[ \t]+/gm, '');
  const pieces: string[] = [];
  let from = 0;
  const squeeze = (start: number, end: number): void => {
    pieces.push(plain.slice(from, start), squeezed(plain.slice(start, end)));
    from = end;
  };
  new Visitor({
    // A message is one line, and is left as it is.
    TemplateElement({ start, end }) {
      if (plain.slice(start, end).includes('\n')) squeeze(start, end);
    },
  }).visit(parseSync(id, plain).program);
  return [...pieces, plain.slice(from)].join('');
}

/** Lines that begin with # are directives of the preprocessor; the first may go on from before a placeholder. */
function squeezed(text: string): string {
  return text
    .split('\n')
    .map((line, i) =>
      i === 0 || line.startsWith('#')
        ? line
        : line.replaceAll(BLANKS_ROUND_OPERATORS, '$1').replaceAll(BLANKS_AT_PUNCTUATION, ''),
    )
    .join('\n');
}
