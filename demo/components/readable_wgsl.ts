const TOKEN =
  /\/\/.*|\/\*.*?\*\/|0x[\da-f.]+(?:p[-+]?\d+)?\w*|\d[\d.]*(?:e[-+]?\d+)?\w*|\w+|[-+*%<>=&|^!/]+|\s+|./giy;
/** After these, `<` begins a list of types and is no comparison. */
const TAKES_TYPES = /^(?:array|vec[234]|mat[234]x[234]|ptr|atomic|bitcast|var|texture_\w+)$/;

/**
 * WGSL for people: indented, with blanks round operators. Built pages carry it without (`packaging/minify_wgsl.ts`),
 * and the preprocessor leaves empty lines where its directives were.
 */
export function readableWgsl(source: string): string {
  const lines = source.trim().replaceAll(/\n(?:\s*\n){2,}/g, '\n\n');
  let depth = 0;
  const indented = lines.split('\n').map((line) => {
    const text = spaced(line.trim());
    const code = text.replace(/\/\/.*/, '');
    const closed = /^[)}\]]*/.exec(code)?.[0].length ?? 0;
    const indent = '  '.repeat(Math.max(0, depth - closed));
    depth += code.replaceAll(/[^({[]/g, '').length - code.replaceAll(/[^)}\]]/g, '').length;
    return text && indent + text;
  });
  return indented.join('\n');
}

/** One line of it, with blanks. */
function spaced(line: string): string {
  const tokens = line.match(TOKEN) ?? [];
  let types = 0;
  return tokens
    .map((token, i) => {
      const before = tokens[i - 1] ?? ' ';
      const after = tokens[i + 1] ?? ' ';
      if (token === '<' && TAKES_TYPES.test(before)) {
        types++;
        return token;
      }
      if (/^>+$/.test(token) && types > 0) {
        types -= token.length;
        return token;
      }
      return withBlanks(token, before, after);
    })
    .join('');
}

function withBlanks(token: string, before: string, after: string): string {
  const afterOperand = /[\w)\]]$/.test(before);
  const beforeOperand = /^[\w(]/.test(after);
  if (/^[-+*%<>=&|^!/]+$/.test(token)) {
    return afterOperand && beforeOperand ? ` ${token} ` : token;
  }
  if (token === ',' || token === ';') return /^[\s)]/.test(after) ? token : `${token} `;
  if (token === ':') return afterOperand && beforeOperand ? `${token} ` : token;
  if (token === '{') return afterOperand ? ` ${token}` : token;
  return token;
}
