import { describeExpression } from '../../../shaders/lib/expression_text.ts';
import { type Graph, isConstant, type Node } from '../graph.ts';
import { checkKinds } from '../kinds.ts';
import { formatShape, shapesEqual } from '../tensor.ts';

/** A stage between a model and its plan. */
export interface StageResult {
  /** Its name, as docs/architecture.md has them. */
  readonly stage: string;
  /** The graph that it was given. */
  readonly before: Graph;
  /** The graph that it made. */
  readonly after: Graph;
}

/** What one stage did, for people. */
export interface StageReport {
  /** Its name. */
  readonly stage: string;
  /** Nodes that it was given. */
  readonly nodesBefore: number;
  /** Nodes that it left. */
  readonly nodesAfter: number;
  /** The nodes that came, as `input as f16 (pointwise)`; absent where there is none. */
  readonly added?: readonly string[];
  /** The nodes that went, as `bn1 (batch_norm)`. */
  readonly removed: readonly string[];
  /** The nodes that took their work over, as `conv1 (conv2d): max(value, 0)`. */
  readonly changed: readonly string[];
}

/**
 * What stages made of their graphs, in words; apart from `prepare`, so that pages that show none carry none.
 *
 * @param log - What `prepare` gave.
 * @throws TilewiseError for what is no log.
 *
 * @example
 * const { log } = prepare(graph, { device: ANY_GPU });
 * for (const { stage, removed } of describeStages(log)) console.log(stage, removed);
 */
export function describeStages(log: readonly StageResult[]): readonly StageReport[] {
  checkKinds('describeStages', { log });
  return log.map(describeStage);
}

function describeStage({ stage, before, after }: StageResult): StageReport {
  const old = new Map(before.nodes.map((node) => [node.name, node]));
  const names = new Set(after.nodes.map((node) => node.name));
  const added = after.nodes.filter((node) => !old.has(node.name));
  return {
    stage,
    nodesBefore: before.nodes.length,
    nodesAfter: after.nodes.length,
    ...(added.length > 0 && { added: added.map(label) }),
    removed: before.nodes.filter((node) => !names.has(node.name)).map(label),
    changed: after.nodes.flatMap((node) => {
      const was = old.get(node.name);
      const gains = was && was !== node ? gained(was, node) : [];
      return gains.length > 0 ? [`${label(node)}${gains.join('')}`] : [];
    }),
  };
}

function label(node: Node): string {
  return `${node.name} (${node.op.name})`;
}

/** What a node does now that it did not, and how its output lies. */
function gained(was: Node, node: Node): readonly string[] {
  const folded = Object.entries(node.inputs).flatMap(([role, value]) =>
    isConstant(value) && value !== was.inputs[role] && value.kind === 'derived'
      ? [` + folded ${role}`]
      : [],
  );
  const epilogue =
    node.epilogue && node.epilogue !== was.epilogue
      ? [`: ${describeExpression(node.epilogue)}`]
      : [];
  const { desc } = node.output;
  const before = was.output.desc;
  const shape = shapesEqual(desc.shape, before.shape) ? [] : [` as ${formatShape(desc.shape)}`];
  const dtype = desc.dtype === before.dtype ? [] : [` + ${desc.dtype} output`];
  const merged =
    (node.sources?.length ?? 1) > (was.sources?.length ?? 1) && epilogue.length === 0
      ? [` for ${node.sources?.join(', ')}`]
      : [];
  return [...folded, ...epilogue, ...shape, ...dtype, ...merged, ...placed(was, node)];
}

/** Where the output lies, that lay elsewhere. */
function placed({ output: was }: Node, { output }: Node): readonly string[] {
  const { within, desc } = output;
  if (within && within.name !== was.within?.name) return [` in the memory of ${within.name}`];
  // Of what has memory of its own, no pass but use_channel_major changes the order.
  return desc.view && !was.desc.view ? [' + channel-major output'] : [];
}
