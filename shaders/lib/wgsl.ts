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

const CONSTANT = /^\s*const\s+(\w+)\s*(?::\s*\w+\s*)?=\s*(\d+)[uif]?\s*;/gm;
const FOR = /^\s*#for\s+(\w+)\s+in\s+(\w+)\s*$/;
const END = /^\s*#end\s*$/;

/** Expands `#for` ... `#end`. Throws when a count is not a literal constant, or a loop is not closed. */
export function unroll(source: string): string {
  const constants = new Map<string, number>();
  for (const [, name = '', value] of source.matchAll(CONSTANT)) constants.set(name, Number(value));
  const lines = source.split('\n');
  const { output, next } = expand(lines, 0, constants);
  if (next < lines.length) throw new Error(`line ${next + 1}: #end without #for`);
  return output.join('\n');
}

/** Expands from `start` to the `#end` that closes this level, or to the end of the file. */
function expand(
  lines: readonly string[],
  start: number,
  constants: ReadonlyMap<string, number>,
): { output: readonly string[]; next: number } {
  const output: string[] = [];
  let at = start;
  while (at < lines.length) {
    const line = lines[at] ?? '';
    if (END.test(line)) return { output, next: at };
    const loop = FOR.exec(line);
    if (!loop) {
      output.push(line);
      at++;
      continue;
    }
    const [, variable = '', countName = ''] = loop;
    const count = constants.get(countName);
    if (count === undefined) {
      throw new Error(`line ${at + 1}: #for needs a literal "const ${countName}"`);
    }
    const body = expand(lines, at + 1, constants);
    if (body.next >= lines.length) throw new Error(`line ${at + 1}: #for without #end`);
    const index = new RegExp(`#${variable}(?![A-Za-z0-9])`, 'g');
    for (let i = 0; i < count; i++) {
      for (const inner of body.output) output.push(inner.replace(index, String(i)));
    }
    at = body.next + 1;
  }
  return { output, next: at };
}
