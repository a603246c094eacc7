const COLORS = ['#4c6fd8', '#d9822b', '#2f9e77', '#b5508f', '#8a7a2f', '#5f8fb0', '#a0524a'];

/** A colour for each name, in the order in which they come; the same in light and dark. */
export function colorsFor(names: Iterable<string>): ReadonlyMap<string, string> {
  return new Map([...new Set(names)].map((name, i) => [name, COLORS[i % COLORS.length] ?? '']));
}
