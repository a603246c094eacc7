/** What a name that nobody knows was meant to be. */

const MOST = 3;

/**
 * The names that are near this one, nearest first: those that it is a part of, then those that come of it by changing
 * a third of its letters. Case and signs between letters are nothing: `ResNet-50` is `resnet50`.
 */
export function nearestNames(name: string, known: Iterable<string>): readonly string[] {
  const wanted = lettersOf(name);
  return [...known]
    .map((candidate) => {
      const letters = lettersOf(candidate);
      const isPart = wanted.length > 2 && letters.includes(wanted);
      return { candidate, isPart, distance: editDistance(wanted, letters) };
    })
    .filter(({ isPart, distance }) => isPart || distance <= wanted.length / 3)
    .sort((a, b) => Number(b.isPart) - Number(a.isPart) || a.distance - b.distance)
    .slice(0, MOST)
    .map(({ candidate }) => candidate);
}

function lettersOf(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

/** Levenshtein's: how many letters must be inserted, left out or replaced. */
function editDistance(a: string, b: string): number {
  // Of each beginning of b to what has been read of a.
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const replaced = (row[j] ?? 0) + (letter === b[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
