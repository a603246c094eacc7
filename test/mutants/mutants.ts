/**
 * Which mutants a source file has: small changes that a test should notice. They are Stryker's, less its changes of
 * optional chains, which strict types refuse, and with numbers plus one.
 */
import { type ESTree, parseSync, Visitor } from 'vite';

export interface Mutant {
  readonly id: number;
  /** Path from the root of the project. */
  readonly file: string;
  readonly line: number;
  /** What is replaced: characters of the file, `end` exclusive. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** Statements are dropped, expressions replaced. */
  readonly kind: 'expression' | 'statement';
}

type Span = Pick<ESTree.Node, 'start' | 'end'>;
type Literal = Span & { readonly value: unknown };
type Change = Pick<Mutant, 'start' | 'end' | 'text' | 'kind'>;

const OPERATORS: Readonly<Record<string, readonly string[]>> = {
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '===': ['!=='],
  '!==': ['==='],
  '&&': ['||'],
  '||': ['&&'],
  '??': ['&&'],
  '<<': ['>>'],
  '>>': ['<<'],
  '>>>': ['<<'],
  '&': ['|'],
  '|': ['&'],
  '^': ['&'],
  '+=': ['-='],
  '-=': ['+='],
  '*=': ['/='],
  '/=': ['*='],
};

const METHODS: Readonly<Record<string, string>> = {
  startsWith: 'endsWith',
  endsWith: 'startsWith',
  some: 'every',
  every: 'some',
  min: 'max',
  max: 'min',
  floor: 'ceil',
  ceil: 'floor',
  toLowerCase: 'toUpperCase',
  toUpperCase: 'toLowerCase',
};

/** Methods whose receiver may stand for their result. */
const DROPPED = new Set(['slice', 'filter', 'sort', 'toSorted', 'reverse', 'toReversed', 'trim']);

/** Mutants of `source`, by their place, with ids from `firstId` on. */
export function mutantsOf(file: string, source: string, firstId: number): readonly Mutant[] {
  const { program } = parseSync(file, source);
  const changes = new Changes(source);
  changes.visitor().visit(program);
  const starts = [...source.matchAll(/\n/g)].map(({ index }) => index);
  return changes.outsideTypes().map((change, at) => ({
    ...change,
    id: firstId + at,
    file,
    line: 1 + starts.filter((newline) => newline < change.start).length,
  }));
}

/** `source` with `mutant` in it. */
export function mutate(source: string, { start, end, text }: Mutant): string {
  return source.slice(0, start) + text + source.slice(end);
}

class Changes {
  readonly #source: string;
  readonly #all: Change[] = [];
  /** Types, names of properties and modules: no values. */
  readonly #frozen: Span[] = [];
  readonly #chains: Span[] = [];

  constructor(source: string) {
    this.#source = source;
  }

  outsideTypes(): readonly Change[] {
    return this.#all
      .filter(({ start, end }) => !this.#frozen.some((of) => of.start <= start && end <= of.end))
      .toSorted((a, b) => a.start - b.start || b.end - a.end);
  }

  visitor(): Visitor {
    return new Visitor({
      ...this.#expressions(),
      ...this.#branches(),
      ...this.#statements(),
      ...this.#noValues(),
    });
  }

  #expressions() {
    return {
      BinaryExpression: (node: ESTree.BinaryExpression) => this.#operator(node),
      LogicalExpression: (node: ESTree.LogicalExpression) => this.#operator(node),
      AssignmentExpression: (node: ESTree.AssignmentExpression) => this.#operator(node),
      UpdateExpression: (node: ESTree.UpdateExpression) =>
        this.#replace(node, swapped(this.#text(node), '++', '--')),
      UnaryExpression: (node: ESTree.UnaryExpression) => {
        if (node.operator === '!' || node.operator === '-' || node.operator === '~')
          this.#replace(node, this.#text(node.argument));
      },
      Literal: (node: Literal) => this.#literal(node),
      TemplateLiteral: (node: ESTree.TemplateLiteral) => this.#replace(node, "''"),
      ArrayExpression: (node: ESTree.ArrayExpression) => {
        if (node.elements.length > 0) this.#replace(node, '[]');
      },
      CallExpression: (node: ESTree.CallExpression) => this.#call(node),
    };
  }

  #branches() {
    const test = (node: { readonly test: ESTree.Expression }) => {
      this.#replace(node.test, 'true');
      this.#replace(node.test, 'false');
    };
    return {
      IfStatement: test,
      ConditionalExpression: test,
      WhileStatement: (node: ESTree.WhileStatement) => this.#replace(node.test, 'false'),
      ForStatement: (node: ESTree.ForStatement) => {
        if (node.test) this.#replace(node.test, 'false');
      },
    };
  }

  #statements() {
    const drop = (node: Span) => this.#drop(node, ';');
    return {
      ExpressionStatement: drop,
      ThrowStatement: drop,
      BreakStatement: drop,
      ContinueStatement: drop,
      BlockStatement: (node: ESTree.BlockStatement) => {
        if (node.body.length > 1) this.#drop(node, '{}');
      },
    };
  }

  #noValues() {
    const freeze = (node: Span) => {
      this.#frozen.push(node);
    };
    const freezeKey = (node: { readonly key: Span; readonly computed: boolean }) => {
      if (!node.computed) freeze(node.key);
    };
    return {
      ImportDeclaration: freeze,
      ExportAllDeclaration: freeze,
      TSInterfaceDeclaration: freeze,
      TSTypeAliasDeclaration: freeze,
      TSTypeAnnotation: freeze,
      TSTypeParameterInstantiation: freeze,
      TSTypeParameterDeclaration: freeze,
      TSLiteralType: freeze,
      TaggedTemplateExpression: (node: ESTree.TaggedTemplateExpression) => freeze(node.quasi),
      ExportNamedDeclaration: (node: ESTree.ExportNamedDeclaration) => {
        if (node.source) freeze(node);
      },
      Property: freezeKey,
      PropertyDefinition: freezeKey,
      MethodDefinition: freezeKey,
      ChainExpression: (node: ESTree.ChainExpression) => {
        this.#chains.push(node);
      },
    };
  }

  #operator(node: {
    readonly left: Span & { readonly type: string };
    readonly right: Span & { readonly type: string };
    readonly operator: string;
    readonly start: number;
    readonly end: number;
  }): void {
    for (const operator of OPERATORS[node.operator] ?? [])
      this.#replace(node, `${this.#operand(node.left)} ${operator} ${this.#operand(node.right)}`);
  }

  /** In parentheses where another operator beside it could bind more, or may not stand, without them. */
  #operand(node: Span & { readonly type: string }): string {
    return node.type === 'LogicalExpression' ? `(${this.#text(node)})` : this.#text(node);
  }

  #literal(node: Literal): void {
    if (typeof node.value === 'boolean') this.#replace(node, String(!node.value));
    if (typeof node.value === 'number') this.#replace(node, `${this.#text(node)} + 1`);
    if (typeof node.value === 'string') this.#replace(node, node.value === '' ? "'?'" : "''");
  }

  #call(node: ESTree.CallExpression): void {
    const { callee } = node;
    if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier') return;
    if (this.#chains.some(({ start, end }) => start <= node.start && node.end <= end)) return;
    const { name } = callee.property;
    const object = this.#text(callee.object);
    const other = METHODS[name];
    if (other) this.#replace(node, `${object}.${other}${this.#after(node, callee.end)}`);
    if (DROPPED.has(name)) this.#replace(node, object);
  }

  #after(node: Span, from: number): string {
    return this.#source.slice(from, node.end);
  }

  #text({ start, end }: Span): string {
    return this.#source.slice(start, end);
  }

  #replace({ start, end }: Span, text: string): void {
    this.#all.push({ start, end, text: `(${text})`, kind: 'expression' });
  }

  #drop({ start, end }: Span, text: string): void {
    this.#all.push({ start, end, text, kind: 'statement' });
  }
}

function swapped(text: string, one: string, other: string): string {
  return text.includes(one) ? text.replace(one, other) : text.replace(other, one);
}
