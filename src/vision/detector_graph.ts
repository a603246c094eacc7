/** A detector's network, and after it what leaves the best boxes: a few kB are read back in place of megabytes. */
import { sigmoid } from '../layers/activations.ts';
import { argMax } from '../layers/arg_reduce.ts';
import { mul } from '../layers/arithmetic.ts';
import { gather } from '../layers/gather.ts';
import { reshapeTo, slice, transpose } from '../layers/rearrange.ts';
import { reduce } from '../layers/reduce.ts';
import { softmax } from '../layers/softmax.ts';
import { topElements } from '../layers/top_k.ts';
import type { ModelDef } from '../models/model.ts';
import { UnsupportedError } from '../runtime/errors.ts';
import type { Graph, Value } from '../runtime/graph.ts';
import { GraphBuilder } from '../runtime/graph_builder.ts';
import { formatShape } from '../runtime/tensor.ts';
import { cellsOf, type DetectorFamily, detectorFamilies } from './detector_family.ts';

/** Boxes that are read back: those with the highest scores. */
const MOST_CANDIDATES = 1000;

/** More rows of six numbers are anchors of one class. */
const MOST_HIGHEST = 1000;

/** What the graph gives of each candidate, the best first: its score, its class, four numbers, and its anchor. */
export const DETECTOR_OUTPUTS = ['scores', 'classes', 'boxes', 'anchors'] as const;

/** A network with the outputs above. */
export interface DetectorNetwork {
  readonly graph: Graph;
  readonly family: DetectorFamily;
  /** What its scores tell apart; undefined where each anchor says one class only. */
  readonly classes: number | undefined;
}

/** An output of three axes, of one image. */
interface Table {
  readonly name: string;
  readonly value: Value;
  readonly rows: number;
  readonly columns: number;
}

/** What a network says of A anchors. */
interface Anchors {
  /** [A, 4] */
  readonly boxes: Value;
  /** Whatever else there is, along `axis` that of one anchor. */
  readonly scores: Value;
  readonly axis: 0 | 1;
}

/** The best class of each anchor, [A]. */
interface Best {
  readonly scores: Value;
  readonly classes: Value;
}

/**
 * A model for one picture of this size, of a family, or that which its outputs look like. Throws UnsupportedError where
 * they fit none.
 */
export function buildDetector(
  model: ModelDef,
  size: readonly [number, number],
  family?: DetectorFamily,
): DetectorNetwork {
  const g = GraphBuilder.create();
  const values = model.build(g, g.input('input', [1, model.channels, ...size]));
  const tables = tablesOf(values);
  const found = family ?? familyOf(tables, size);
  const at = g.at('detections');
  const anchors = found && anchorsOf(at, tables, found);
  const classes = anchors && classesOf(anchors, found, model.labels?.length);
  if (!classes) throw notDetector(model.name, values, family !== undefined);
  addCandidates(at, anchors.boxes, bestOf(at, anchors, found.scores, classes));
  const counted = found.scores === 'highest' ? undefined : classes;
  return { graph: g.build(model.name), family: found, classes: counted };
}

function tablesOf(values: Readonly<Record<string, Value>>): readonly Table[] {
  const names = new Map(Object.entries(values).map(([name, value]) => [value, name]));
  return [...names].flatMap(([value, name]) => {
    const [batch, rows = 0, columns = 0, ...more] = value.desc.shape;
    return batch === 1 && columns > 0 && more.length === 0 ? [{ name, value, rows, columns }] : [];
  });
}

function familyOf(
  tables: readonly Table[],
  size: readonly [number, number],
): DetectorFamily | undefined {
  const [table, second] = tables;
  if (!table || second) return undefined;
  const { rows, columns } = table;
  if (columns === 6 && rows <= MOST_HIGHEST) return detectorFamilies.yolov10;
  if (rows < columns) return detectorFamilies.yolov8;
  // Three anchors a cell; several families have one.
  return rows === 3 * cellsOf(size) ? detectorFamilies.yolov5 : undefined;
}

/** Undefined where there are no boxes with scores. */
function anchorsOf(
  g: GraphBuilder,
  tables: readonly Table[],
  family: DetectorFamily,
): Anchors | undefined {
  const [first, second, ...more] = tables;
  if (!first || more.length > 0) return undefined;
  const { rows, columns } = first;
  if (!second) {
    const axis = rows < columns && family.scores !== 'highest' ? 0 : 1;
    const all = reshapeTo(g.at('all'), first.value, [rows, columns]);
    if ((axis === 0 ? rows : columns) <= 4) return undefined;
    const boxes = slice(g.at('all_boxes'), all, axis, 0, 4);
    return {
      boxes: axis === 0 ? transpose(g.at('all_boxes_4'), boxes, [1, 0]) : boxes,
      scores: slice(g.at('all_scores'), all, axis, 4),
      axis,
    };
  }
  const named = tables.find(({ name }) => /box/i.test(name));
  const boxes = named ?? tables.find((table) => table.columns === 4);
  const rest = tables.find((table) => table !== boxes);
  if (boxes?.columns !== 4 || !rest) return undefined;
  // As NonMaxSuppression takes them, classes stand before anchors.
  if (rest.rows !== boxes.rows && rest.columns !== boxes.rows) return undefined;
  return {
    boxes: reshapeTo(g.at('all_boxes'), boxes.value, [boxes.rows, 4]),
    scores: reshapeTo(g.at('all_scores'), rest.value, [rest.rows, rest.columns]),
    axis: rest.rows === boxes.rows ? 1 : 0,
  };
}

/** How many there are, 0 where the scores are none of the family. After those that the file names may come others. */
function classesOf(
  { scores, axis }: Anchors,
  family: DetectorFamily,
  named = Number.POSITIVE_INFINITY,
): number {
  const numbers = scores.desc.shape[axis] ?? 0;
  if (family.scores === 'highest') return numbers === 2 ? 1 : 0;
  const others = family.scores === 'objectness' || family.scores === 'softmax' ? 1 : 0;
  return Math.max(0, Math.min(named, numbers - others));
}

function bestOf(
  g: GraphBuilder,
  { scores, axis }: Anchors,
  kind: DetectorFamily['scores'],
  classes: number,
): Best {
  const count = scores.desc.shape[1 - axis] ?? 1;
  const flat = (name: string, value: Value) => reshapeTo(g.at(name), value, [count]);
  const column = (name: string, index: number) =>
    flat(name, slice(g.at(`${name}_part`), scores, axis, index, index + 1));
  if (kind === 'highest') return { scores: column('score', 0), classes: column('class', 1) };
  const from = kind === 'objectness' ? 1 : 0;
  const sums = kind === 'softmax' ? softmax(g.at('softmax'), scores, axis) : scores;
  const each = slice(g.at('class_scores'), sums, axis, from, from + classes);
  const highest = reduce(g.at('highest'), each, 'max', { axes: [axis], keepAxes: false });
  const scored =
    kind === 'objectness' ? mul(g.at('scored'), highest, column('objectness', 0)) : highest;
  return {
    // It changes no order, and so may come last.
    scores: kind === 'sigmoid' ? sigmoid(g.at('sigmoid'), scored) : scored,
    classes: argMax(g.at('class'), each, { axis }),
  };
}

/** Leaves those with the highest scores. */
function addCandidates(g: GraphBuilder, boxes: Value, { scores, classes }: Best): void {
  const [count = 1] = scores.desc.shape;
  const k = Math.min(count, MOST_CANDIDATES);
  const best = topElements(g.at('best'), reshapeTo(g.at('row'), scores, [1, count]), k);
  const part = (name: string, index: number) =>
    reshapeTo(g.at(name), slice(g.at(`${name}_part`), best, 2, index, index + 1), [k]);
  const anchors = part('anchors', 1);
  const column = reshapeTo(g.at('class_column'), classes, [count, 1]);
  const outputs: Readonly<Record<(typeof DETECTOR_OUTPUTS)[number], Value>> = {
    scores: part('scores', 0),
    classes: gather(g.at('classes'), column, anchors),
    boxes: gather(g.at('boxes'), boxes, anchors),
    anchors,
  };
  for (const [name, value] of Object.entries(outputs)) g.output(name, value);
}

function notDetector(
  name: string,
  values: Readonly<Record<string, Value>>,
  chosen: boolean,
): UnsupportedError {
  const outputs = Object.entries(values).map(
    ([output, { desc }]) => `"${output}" ${formatShape(desc.shape)}`,
  );
  const remedy = chosen
    ? 'choose another family'
    : `say which family it is of: ${Object.keys(detectorFamilies).join(', ')}`;
  return new UnsupportedError(
    `model "${name}" gives ${outputs.join(', ')}, which could be boxes and scores in several ways, or none; ${remedy}`,
  );
}
