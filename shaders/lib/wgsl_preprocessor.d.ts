/** The package ships no types and no entry point; this declares the one function that it exports. */
declare module 'wgsl-preprocessor/wgsl-preprocessor.js' {
  export function wgsl(
    strings: TemplateStringsArray,
    ...values: readonly (number | string | boolean)[]
  ): string;
}
