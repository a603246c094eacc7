/**
 * Every error that Tilewise throws on purpose. The message says who, what was expected, what was got
 * and, where there is one, the remedy; it is written to be shown to a user as it is.
 */
export class TilewiseError extends Error {
  override readonly name: string = 'TilewiseError';
}

/** What must be there: without it, a kernel, a pass or a plan contradicts another. */
export function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`there is no ${what}`);
  return value;
}

/** Shapes or attributes do not fit together, or data does not have the length its shape asks for. */
export class ShapeError extends TilewiseError {
  override readonly name = 'ShapeError';
}

/** A weights file is broken, or does not hold what the model needs. */
export class WeightError extends TilewiseError {
  override readonly name = 'WeightError';
}

/** What was asked for does not exist here: no adapter, no such model, a limit of the device. */
export class UnsupportedError extends TilewiseError {
  override readonly name = 'UnsupportedError';
}

/** A kernel did not compile. The message holds its numbered source with the place marked. */
export class ShaderError extends TilewiseError {
  override readonly name = 'ShaderError';
}

/** The GPU device went away: a driver reset, a timeout, or its `dispose()`. */
export class DeviceLostError extends TilewiseError {
  override readonly name = 'DeviceLostError';
}
