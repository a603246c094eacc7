/** What a node computes, in words: activations and residual connections by their names, all else as a formula. */
import {
  ANY_GPU,
  add,
  clip,
  describeExpression,
  describeMovement,
  elu,
  GraphBuilder,
  gelu,
  hardSigmoid,
  hardSwish,
  isPointwise,
  isRearrange,
  leakyRelu,
  mish,
  type Node,
  prepare,
  relu,
  selu,
  sigmoid,
  silu,
  softplus,
  tanh,
  type Value,
} from '../../src/index.ts';

type Activation = Node['output'];

type Activate = (g: GraphBuilder, x: Value) => Activation;

/** The activations that have a name. */
export const ACTIVATIONS: ReadonlyMap<string, Activate> = new Map<string, Activate>([
  ['relu', relu],
  ['relu6', (g, x) => clip(g, x, { least: 0, most: 6 })],
  ['sigmoid', sigmoid],
  ['tanh', tanh],
  ['silu', silu],
  ['hard_sigmoid', (g, x) => hardSigmoid(g, x)],
  ['hard_swish', hardSwish],
  ['leaky_relu', (g, x) => leakyRelu(g, x)],
  ['elu', (g, x) => elu(g, x)],
  ['selu', (g, x) => selu(g, x)],
  ['gelu', (g, x) => gelu(g, x)],
  ['softplus', softplus],
  ['mish', mish],
]);

/** The word for what is added to a result before its activation. */
export const RESIDUAL = 'residual';

/** A node's own result, as its epilogue calls it. */
const VALUE = 'value';

/** The words for the expressions that have some, by their texts. Which of two is added to which is all the same. */
const NAMED: ReadonlyMap<string, readonly string[]> = new Map([
  ...namedExpressions((g, value, residual) => add(g, value, residual)),
  ...namedExpressions((g, value, residual) => add(g, residual, value)),
]);

function namedExpressions(
  sum: (g: GraphBuilder, value: Value, residual: Value) => Activation,
): readonly (readonly [string, readonly string[]])[] {
  const g = GraphBuilder.create();
  const value = g.input(VALUE, [1]);
  const residual = g.input(RESIDUAL, [1]);
  g.output(RESIDUAL, sum(g, value, residual));
  for (const [name, activate] of ACTIVATIONS) {
    g.output(name, activate(g, value));
    g.output(`${RESIDUAL} ${name}`, activate(g, sum(g, value, residual)));
  }
  // Merges each sum with its activation.
  const { graph } = prepare(g.build('activations'), { device: ANY_GPU }).plan;
  return graph.nodes.filter(isPointwise).flatMap((node) => {
    const [words] = [...graph.outputs].find(([, y]) => y === node.output) ?? [];
    const text = describeExpression(node.attributes.expression).replace(
      /\bx\d+\b/g,
      (role) => node.inputs[role]?.name ?? role,
    );
    return words === undefined ? [] : [[text, words.split(' ')] as const];
  });
}

/** What follows a node's own result, as words of `--shape`; undefined where there are none for it. */
export function epilogueWords({ epilogue, inputs, output }: Node): readonly string[] | undefined {
  if (!epilogue) return [];
  const text = describeExpression(epilogue).replace(/\boperand\d+\b/g, RESIDUAL);
  const operands = Object.entries(inputs).filter(([role]) => role.startsWith('operand'));
  const alike = operands.every(([, { desc }]) => desc.shape.join() === output.desc.shape.join());
  return alike && operands.length < 2 ? NAMED.get(text) : undefined;
}

/** A pointwise node as words of `--shape`, such as `silu` or `add relu`; undefined where there are none for it. */
export function pointwiseWords(node: Node): readonly string[] | undefined {
  if (!isPointwise(node)) return undefined;
  const { attributes, inputs, output } = node;
  const text = describeExpression(attributes.expression).replace(/\bx\d+\b/g, (role) =>
    role === 'x0' ? VALUE : RESIDUAL,
  );
  const values = Object.values(inputs);
  const alike = values.every(({ desc }) => desc.shape.join() === output.desc.shape.join());
  const [first, ...rest] = (alike && values.length < 3 && NAMED.get(text)) || [];
  if (first === undefined) return undefined;
  return first === RESIDUAL ? ['add', ...rest] : [first];
}

/** What a node computes: `conv2d, residual relu`, `add relu`, `flatten`, `pointwise x0 * sigmoid(x1)`. */
export function operatorText(node: Node): string {
  const words = pointwiseWords(node);
  if (words) return words.join(' ');
  if (isPointwise(node)) return `pointwise ${describeExpression(node.attributes.expression)}`;
  if (isRearrange(node)) return describeMovement(node.attributes.steps);
  const { op, epilogue } = node;
  if (!epilogue) return op.name;
  return `${op.name}, ${epilogueWords(node)?.join(' ') ?? describeExpression(epilogue)}`;
}
