import { element } from '../dom.ts';

export interface FileButtonOptions {
  /** What stands on it. */
  readonly label: string;
  /** What it is for, for those who cannot see what is around it. */
  readonly name: string;
  /** As of an `<input type="file">`. */
  readonly accept: string;
  readonly onFile: (file: File) => void;
}

/** A button that lets a file be chosen. Choosing the same one again counts, too. */
export function fileButton({ label, name, accept, onFile }: FileButtonOptions): HTMLElement {
  const input = element('input', { type: 'file', accept, 'aria-label': name });
  input.addEventListener('change', () => {
    const [chosen] = input.files ?? [];
    if (chosen) onFile(chosen);
    input.value = '';
  });
  return element('label', { class: 'button file' }, label, input);
}
