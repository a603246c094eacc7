/** Configurations of kernels in few characters, for columns of tables. */

interface Field {
  readonly name: string;
  readonly value: string;
  /** Whether the value says by itself what it is. */
  readonly isWord: boolean;
}

/** `t4 l64 p4`: each field by its initials, words as they are, switches where they are on; see `configLegend`. */
export function shortConfig(config: object): string {
  return fieldsOf(config)
    .map(({ name, value, isWord }) => (isWord ? value : `${initials(name)}${value}`))
    .join(' ');
}

/** `l lanes, p pixels`: what the initials in these configurations stand for. */
export function configLegend(configs: readonly object[]): string {
  const fields = configs.flatMap(fieldsOf).filter(({ isWord }) => !isWord);
  const names = new Set(fields.map(({ name }) => name));
  return [...names]
    .sort()
    .map((name) => `${initials(name)} ${wordsOf(name).join(' ')}`)
    .join(', ');
}

/** All fields, and those of a configuration inside: of the GEMM in an algorithm. */
function fieldsOf(config: object): readonly Field[] {
  return Object.entries(config).flatMap(([name, value]: [string, unknown]): readonly Field[] => {
    if (value === 'none' || value === false) return [];
    if (value === true) return [{ name, value: name, isWord: true }];
    if (Array.isArray(value)) return [{ name, value: value.join('x'), isWord: false }];
    if (typeof value === 'object' && value !== null) return fieldsOf(value);
    return [{ name, value: String(value), isWord: typeof value === 'string' }];
  });
}

/** `pixelQuads`: `pixel`, `quads`. */
function wordsOf(name: string): readonly string[] {
  return name.split(/(?=[A-Z])/).map((word) => word.toLowerCase());
}

function initials(name: string): string {
  return wordsOf(name)
    .map((word) => word[0])
    .join('');
}
