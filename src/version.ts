/**
 * The version of this library, as in package.json, which pages cannot read.
 *
 * @example
 * console.log(`Tilewise ${VERSION}`);
 */
export const VERSION = '0.1.0';
