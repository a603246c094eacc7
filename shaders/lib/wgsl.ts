/**
 * The two preprocessors every shader goes through: `#if` variants by wgsl-preprocessor, then `#for`.
 *
 * `#for i in COUNT` ... `#end` repeats the lines between, with `#i` replaced by 0, 1, ... COUNT - 1.
 * COUNT is a `const` of the same shader. Loops nest; `_` ends an index's name, as in `w#i_#j`. It exists because the
 * compilers of CPU adapters keep an array in registers only when every index is a literal; a plain `for` over a private
 * array was measured 8 times slower on SwiftShader.
 */
import { wgsl as preprocess } from 'wgsl-preprocessor/wgsl-preprocessor.js';

type ShaderValue = number | string | boolean;

/** Template tag for WGSL: evaluates `#if` / `#elif` / `#else` / `#endif`, then unrolls `#for` ... `#end`. */
export function wgsl(strings: TemplateStringsArray, ...values: readonly ShaderValue[]): string {
  return unroll(preprocess(strings, ...values));
}

/** Template tag for a piece of a shader, whose loops are unrolled where it is put in. */
export function piece(strings: TemplateStringsArray, ...values: readonly ShaderValue[]): string {
  return preprocess(strings, ...values);
}

/** A loop without loops in it: its index, the name of its count, and its lines. */
const LOOP =
  /^[ \t]*#for (\w+) in (\w+)\s*\n((?:(?![ \t]*#(?:for|end)\b).*\n)*)[ \t]*#end\b.*\n?/gm;

/** Expands `#for` ... `#end`. Throws when a count is not a literal constant, or a loop is not closed. */
export function unroll(source: string): string {
  const unrolled = source.replaceAll(LOOP, (_, index: string, countName: string, body: string) => {
    const count = new RegExp(`^\\s*const ${countName}\\b[^=]*= *(\\d+)[uif]?;`, 'm').exec(
      source,
    )?.[1];
    if (count === undefined) throw new Error(`#for ${index}: no const ${countName}`);
    const uses = new RegExp(`#${index}(?![A-Za-z0-9])`, 'g');
    const bodies = Array.from({ length: Number(count) }, (_, i) =>
      body.replaceAll(uses, String(i)),
    );
    return bodies.join('');
  });
  if (unrolled !== source) return unroll(unrolled);
  const open = /^[ \t]*(#(?:for|end)\b.*)/m.exec(source);
  if (open) throw new Error(`"${open[1]}" is alone`);
  return source;
}
