/** From the text of an option to its value, for commander: what does not fit throws InvalidArgumentError. */
import { InvalidArgumentError } from 'commander';

/** `4` */
export function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new InvalidArgumentError('expected an integer of at least 1.');
  }
  return count;
}

/** For options that may be given several times. */
export function collect(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}

/** `224,224` or `224` */
export function parseSize(text: string): readonly [number, number] {
  const [height, width, ...rest] = text.split(',').map(parseCount);
  if (height === undefined || rest.length > 0) {
    throw new InvalidArgumentError('expected H,W, such as 224,224.');
  }
  return [height, width ?? height];
}

/** `1,3,224,224` */
export function parseShape(text: string): readonly number[] {
  const shape = text.split(',').map(parseCount);
  if (shape.length !== 4) throw new InvalidArgumentError('expected N,C,H,W, such as 1,3,224,224.');
  return shape;
}
