import { element } from '../dom.ts';

/** Hands data to the user as a file. */
export function saveJson(name: string, data: object): void {
  const url = URL.createObjectURL(
    new Blob([JSON.stringify(data, null, 1)], { type: 'application/json' }),
  );
  element('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
