/**
 * Every error that Tilewise throws on purpose. The message says who, what was expected, what was got and, where there
 * is one, the remedy; it is written to be shown to a user as it is.
 *
 * @example
 * await session.run(pixels).catch((error: unknown) => {
 *   if (!(error instanceof TilewiseError)) throw error;
 *   document.body.append(error.message);
 * });
 */
export class TilewiseError extends Error {
  /** The name of its class. */
  override readonly name: string = 'TilewiseError';
}

/** What must be there: without it, a kernel, a pass or a plan contradicts another. */
export function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`there is no ${what}`);
  return value;
}

/**
 * Shapes or attributes do not fit together, or data does not have the length its shape asks for.
 *
 * @example
 * try {
 *   linear(g.at('fc'), x, { features: 10 });
 * } catch (error) {
 *   if (error instanceof ShapeError) console.log(error.message); // linear "fc": weight expects ..., got ...
 * }
 */
export class ShapeError extends TilewiseError {
  /** `ShapeError`. */
  override readonly name = 'ShapeError';
}

/**
 * A weights file is broken, or does not hold what the model needs.
 *
 * @example
 * const opened = await fetchSafetensors('/missing.safetensors').catch((error: unknown) => {
 *   if (error instanceof WeightError) console.log(error.message);
 * });
 */
export class WeightError extends TilewiseError {
  /** `WeightError`. */
  override readonly name = 'WeightError';
}

/**
 * What was asked for does not exist here: no adapter, no such model, a limit of the device.
 *
 * @example
 * try {
 *   checkPrecision('f16', device.profile);
 * } catch (error) {
 *   if (error instanceof UnsupportedError) console.log(error.message); // ... lacks; use precision f32
 * }
 */
export class UnsupportedError extends TilewiseError {
  /** `UnsupportedError`. */
  override readonly name = 'UnsupportedError';
}

/**
 * A kernel did not compile. The message holds its numbered source with the place marked.
 *
 * @example
 * await createSession(device, graph, { weights }).catch((error: unknown) => {
 *   if (error instanceof ShaderError) console.error(error.message); // a bug, of a driver or here: please report it
 * });
 */
export class ShaderError extends TilewiseError {
  /** `ShaderError`. */
  override readonly name = 'ShaderError';
}

/**
 * The GPU device went away: a driver reset, a timeout, or its `dispose()`.
 *
 * @example
 * const result = await session.run(pixels).catch((error: unknown) => {
 *   if (error instanceof DeviceLostError) return session.run(pixels); // on the device that is opened in its place
 *   throw error;
 * });
 */
export class DeviceLostError extends TilewiseError {
  /** `DeviceLostError`. */
  override readonly name = 'DeviceLostError';
}
