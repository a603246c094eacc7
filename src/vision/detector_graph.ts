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
import { checkArgument } from '../runtime/arguments.ts';
import { ShapeError } from '../runtime/errors.ts';
import type { Graph, Value } from '../runtime/graph.ts';
import { GraphBuilder } from '../runtime/graph_builder.ts';
import { type DetectorFamily, detectorFamilies } from './detector_family.ts';
import { familyOf, type Layout, layoutOf, notDetector, tablesOf } from './detector_tables.ts';

/** Boxes that are read back: those with the highest scores. */
const MOST_CANDIDATES = 1000;

/** What the graph gives of each candidate, the best first: its score, its class, four numbers, and its anchor. */
export const DETECTOR_OUTPUTS = ['scores', 'classes', 'boxes', 'anchors'] as const;

/** What is asked for, of which the rest is told by the model. */
export interface DetectorBuild {
  /** [height, width] of the input. */
  readonly size: readonly [number, number];
  readonly family: DetectorFamily | undefined;
  readonly classes: number | undefined;
}

/** A network with the outputs above. */
export interface DetectorNetwork {
  readonly graph: Graph;
  readonly family: DetectorFamily;
  /** What its scores tell apart; undefined where each anchor says one class only. */
  readonly classes: number | undefined;
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
 * A model for one picture. Throws UnsupportedError, in the name of `who`, where its outputs fit no family, or another
 * than that asked for, and ShapeError for more classes than they have.
 */
export function buildDetector(who: string, model: ModelDef, asked: DetectorBuild): DetectorNetwork {
  const { size, family } = asked;
  const g = GraphBuilder.create();
  const values = model.build(g, g.input('input', [1, model.channels, ...size]));
  const tables = tablesOf(values);
  const named = asked.classes ?? model.labels?.length;
  const found = inUnitOf(model, family ?? familyOf(tables, size, named));
  const layout = found && layoutOf(tables, found, size);
  const at = g.at('detections');
  const anchors = layout && anchorsOf(at, layout);
  const most = anchors ? mostClassesOf(anchors, found.scores) : 0;
  if (!anchors || most < 1) throw notDetector(who, model.name, values, family !== undefined);
  const classes = found.scores === 'highest' ? 1 : (named ?? most);
  const expected = `at most ${most}, for which the outputs have scores`;
  checkArgument(classes <= most, `${who}: the number of classes`, expected, classes, ShapeError);
  addCandidates(at, anchors.boxes, bestOf(at, anchors, found.scores, classes));
  const counted = found.scores === 'highest' ? undefined : classes;
  return { graph: g.build(model.name), family: found, classes: counted };
}

/** What is known of a family by its name is of files that do not say their unit. */
function inUnitOf(
  { boxUnit }: ModelDef,
  family: DetectorFamily | undefined,
): DetectorFamily | undefined {
  const isKnown = Object.values(detectorFamilies).some((known) => known === family);
  const differs = isKnown && boxUnit && family?.unit === 'pixel';
  return differs ? { ...family, unit: boxUnit } : family;
}

/** Undefined where nothing is left of a table but boxes. */
function anchorsOf(g: GraphBuilder, { boxes, scores, axis }: Layout): Anchors | undefined {
  const { value, rows, columns } = boxes;
  const all = reshapeTo(g.at('all'), value, [rows, columns]);
  if (scores) {
    const others = reshapeTo(g.at('all_scores'), scores.value, [scores.rows, scores.columns]);
    return { boxes: all, scores: others, axis };
  }
  if ((axis === 0 ? rows : columns) <= 4) return undefined;
  const part = slice(g.at('all_boxes'), all, axis, 0, 4);
  return {
    boxes: axis === 0 ? transpose(g.at('all_boxes_4'), part, [1, 0]) : part,
    scores: slice(g.at('all_scores'), all, axis, 4),
    axis,
  };
}

/** Less than 1 where the scores are none of the family; not all may be classes'. */
function mostClassesOf({ scores, axis }: Anchors, kind: DetectorFamily['scores']): number {
  const numbers = scores.desc.shape[axis] ?? 0;
  if (kind === 'highest') return numbers === 2 ? 1 : 0;
  return numbers - (kind === 'objectness' || kind === 'softmax' ? 1 : 0);
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
