/** The names of classes, where whoever exported a file wrote them beside the network. */

/** More are no list of names. */
const MOST_NAMES = 65_536;

const TEXT = String.raw`'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"`;
const IN_LIST = new RegExp(TEXT, 'g');
const BY_INDEX = new RegExp(String.raw`(\d+)["']?\s*:\s*(?:${TEXT})`, 'g');

/**
 * Those of the key `names`, in index order: as Ultralytics writes them, the text of a dictionary in Python,
 * `{0: 'cat', 1: "rock 'n' roll"}`, or of a list, `['cat', 'dog']`; or as JSON has them. Undefined where there are
 * none, or not one for each index from 0 on.
 */
export function classNames(metadata: ReadonlyMap<string, string>): readonly string[] | undefined {
  const text = (metadata.get('names') ?? '').trim();
  const isList = text.startsWith('[');
  const names: string[] = [];
  for (const groups of text.matchAll(isList ? IN_LIST : BY_INDEX)) {
    const [single, double] = groups.slice(isList ? 1 : 2);
    const inOrder = isList || Number(groups[1]) === names.length;
    if (!inOrder || names.length === MOST_NAMES) return undefined;
    names.push((single ?? double ?? '').replaceAll(/\\(.)/g, '$1'));
  }
  return names.length > 0 ? names : undefined;
}
