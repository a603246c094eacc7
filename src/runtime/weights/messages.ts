const LONGEST = 100;

/** The start of a text. What a weights file says may be megabytes long; messages must stay readable. */
export function clipped(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}...`;
}

/** A name out of a weights file in quotes, clipped, with control characters escaped. */
export function quoted(name: string): string {
  return JSON.stringify(clipped(name));
}
