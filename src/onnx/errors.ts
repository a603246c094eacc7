import { TilewiseError } from '../runtime/errors.ts';

/** An .onnx file is broken, or larger than is read. */
export class OnnxError extends TilewiseError {
  override readonly name = 'OnnxError';
}

/** For messages: a name out of a file, cut to a line. */
export function shownName(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 77)}...` : name);
}
