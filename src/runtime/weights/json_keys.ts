/**
 * The first key that the outermost object of `json` holds twice, compared after unescaping. JSON.parse
 * keeps the last of them silently. `json` must be valid JSON and an object.
 */
export function duplicateKey(json: string): string | undefined {
  const seen = new Set<string>();
  let depth = 0;
  let keyIsNext = false;
  for (let at = 0; at < json.length; at++) {
    const next = json[at] ?? '';
    if (next === '"') {
      const end = endOfString(json, at);
      if (keyIsNext) {
        const key: string = JSON.parse(json.slice(at, end));
        if (seen.has(key)) return key;
        seen.add(key);
      }
      keyIsNext = false;
      at = end - 1;
    } else if ('}]'.includes(next)) depth--;
    else if ('{[,'.includes(next)) {
      if (next !== ',') depth++;
      keyIsNext = depth === 1;
    }
  }
  return undefined;
}

/** The position after the closing quote of the string that opens at `start`. */
function endOfString(json: string, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
  return at + 1;
}
