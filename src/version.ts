/** The version of this library, as in package.json, which pages cannot read. */
export const VERSION = '0.1.0';
