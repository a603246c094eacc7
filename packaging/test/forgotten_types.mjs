/**
 * Prints the types that signatures of the entries name, and that no entry exports: `node forgotten_types.mjs COMPILER
 * ENTRY...`. COMPILER is a TypeScript that has an API, which 7 lacks.
 */
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const [, , compiler, ...entries] = process.argv;
const ts = createRequire(import.meta.url)(resolve(compiler));
const files = entries.map((entry) => resolve(entry));
const { NodeNext: module } = ts.ModuleKind;
const program = ts.createProgram(files, { strict: true, module, target: ts.ScriptTarget.ES2022 });
const checker = program.getTypeChecker();

const symbolOf = (symbol) =>
  symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;

const exported = new Set(
  files.flatMap((file) => {
    const entry = checker.getSymbolAtLocation(program.getSourceFile(file));
    return checker.getExportsOfModule(entry).map(symbolOf);
  }),
);
const forgotten = new Map();

for (const owner of exported) for (const part of owner.declarations ?? []) visit(part, owner);
for (const [name, owner] of forgotten) console.log(`${name}, of ${owner}`);

function visit(node, owner) {
  const modifiers = ts.canHaveModifiers(node) ? (ts.getModifiers(node) ?? []) : [];
  if (modifiers.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword)) return;
  if (ts.isTypeReferenceNode(node) || ts.isExpressionWithTypeArguments(node)) {
    const named = checker.getSymbolAtLocation(node.typeName ?? node.expression);
    const type = named && symbolOf(named);
    if (type && isOurs(type) && !exported.has(type)) forgotten.set(type.name, owner.name);
  }
  ts.forEachChild(node, (child) => visit(child, owner));
}

/** Declared by this package, and exported by its module: helpers within one are no names for others. */
function isOurs({ declarations: [declaration] = [], flags }) {
  if (!declaration || flags & ts.SymbolFlags.TypeParameter) return false;
  const { fileName } = declaration.getSourceFile();
  const modifiers = ts.canHaveModifiers(declaration) ? ts.getModifiers(declaration) : [];
  return (
    fileName.includes('/tilewise/') &&
    (modifiers ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
  );
}
