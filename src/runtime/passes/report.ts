import type { Graph, Node } from '../graph.ts';
import type { DeviceProfile, OpTable } from '../operator.ts';
import type { DType } from '../tensor.ts';
import { passesTo } from './index.ts';

/** What one pass did. */
export interface PassReport {
  readonly pass: string;
  readonly nodesBefore: number;
  readonly nodesAfter: number;
  /** The nodes that came, as `input as f16 (convert)`; absent where there is none. */
  readonly added?: readonly string[];
  /** The nodes that went, as `bn1 (batch_norm)`. */
  readonly removed: readonly string[];
  /** The nodes that took their work over, as `conv1 (conv2d) + bias + relu`. */
  readonly changed: readonly string[];
}

/** Runs all passes that lead to a precision, and to a device where one is given, and says what each did. */
export function reportPasses(
  graph: Graph,
  operators: OpTable,
  precision: DType = 'f32',
  device?: DeviceProfile,
): readonly PassReport[] {
  let before = graph;
  return passesTo(precision, device).map((pass) => {
    const after = pass.apply(before, operators);
    const report = compare(pass.name, before, after);
    before = after;
    return report;
  });
}

function compare(pass: string, before: Graph, after: Graph): PassReport {
  const old = new Map(before.nodes.map((node) => [node.name, node]));
  const names = new Set(after.nodes.map((node) => node.name));
  const added = after.nodes.filter((node) => !old.has(node.name));
  return {
    pass,
    nodesBefore: before.nodes.length,
    nodesAfter: after.nodes.length,
    ...(added.length > 0 && { added: added.map(label) }),
    removed: before.nodes.filter((node) => !names.has(node.name)).map(label),
    changed: after.nodes.flatMap((node) => {
      const was = old.get(node.name);
      if (!was || was === node) return [];
      const gains = gained(was, node);
      // Some nodes only read what became of another's output.
      return gains || was.output !== node.output ? [`${label(node)}${gains}`] : [];
    }),
  };
}

function label(node: Node): string {
  return `${node.name} (${node.op})`;
}

/** What a node does now that it did not: ` + bias + relu`, or how it lays its output out: ` + channel-major output`. */
function gained(was: Node, node: Node): string {
  const roles = Object.entries(node.inputs).flatMap(([role, value]) =>
    was.inputs[role]?.name === value.name
      ? []
      : [value.kind === 'derived' ? `folded ${role}` : role],
  );
  const before = new Set(Object.values(was.attributes).map(String));
  const values = Object.values(node.attributes).filter((value) => typeof value === 'string');
  const attributes = values.filter((value) => !before.has(value));
  const { layout } = node.output.desc;
  const layouts = layout === was.output.desc.layout ? [] : [`${layout} output`];
  return [...roles, ...attributes, ...layouts].map((what) => ` + ${what}`).join('');
}
