/** Which outputs of a network are a detector's boxes and scores, and of which family they look. */
import type { ModelDef } from '../models/model.ts';
import { UnsupportedError } from '../runtime/errors.ts';
import type { Value } from '../runtime/graph.ts';
import { formatShape } from '../runtime/tensor.ts';
import { cellsOf, type DetectorFamily, detectorFamilies } from './detector_family.ts';

type Size = readonly [number, number];
type Values = ReturnType<ModelDef['build']>;

/** An output of three axes, of one image. */
export interface Table {
  readonly name: string;
  readonly value: Value;
  readonly rows: number;
  readonly columns: number;
}

/** Where boxes and scores are: in one table, in which boxes come first, or in two. */
export interface Layout {
  readonly boxes: Table;
  readonly scores: Table | undefined;
  /** Along which the numbers of an anchor stand in the table of the scores, or in the only one. */
  readonly axis: 0 | 1;
}

/** Networks that choose by themselves give fewer rows of six numbers. */
const MOST_HIGHEST = 1000;

/** Pixels of the cells of published detectors: the usual grids, with a coarser one (P6), and with a finer one (P2). */
const GRIDS = [
  [8, 16, 32],
  [8, 16, 32, 64],
  [4, 8, 16, 32],
] as const;

/** The outputs that could be boxes and scores, each once, under the name that the model has for it. */
export function tablesOf(values: Values): readonly Table[] {
  return namedOnce(values).flatMap(([name, value]) => {
    const [batch, rows = 0, columns = 0, ...more] = value.desc.shape;
    return batch === 1 && columns > 0 && more.length === 0 ? [{ name, value, rows, columns }] : [];
  });
}

/** `logits` is another name for the first of a file's outputs. */
function namedOnce(values: Values): readonly (readonly [string, Value])[] {
  const names = new Map<Value, string>();
  for (const [name, value] of Object.entries(values)) {
    const known = names.get(value);
    if (known === undefined || known === 'logits') names.set(value, name);
  }
  return [...names].map(([value, name]) => [name, value]);
}

/**
 * The family of an only table, where it is like that of no other. `named` is the number of classes whose names the file
 * has.
 */
export function familyOf(
  tables: readonly Table[],
  size: Size,
  named: number | undefined,
): DetectorFamily | undefined {
  const [table, second] = tables;
  if (!table || second) return undefined;
  const { rows, columns } = table;
  const cells = isOfCells(rows, size);
  // Of two classes, they could be RT-DETR's boxes and scores.
  const chosen = columns === 6 && rows <= MOST_HIGHEST && !cells && named !== 2;
  if (chosen) return detectorFamilies.yolov10;
  // One number more than boxes and classes is an angle.
  const isYolov8 = !cells && isOfCells(columns, size, [1]) && rows - 5 !== named;
  if (isYolov8) return detectorFamilies.yolov8;
  // Three anchors a cell; several families have one.
  return isOfCells(rows, size, [3]) ? detectorFamilies.yolov5 : undefined;
}

function isOfCells(count: number, size: Size, anchors: readonly number[] = [1, 3]): boolean {
  return GRIDS.some((grid) => anchors.some((each) => count === each * cellsOf(size, grid)));
}

/** Undefined where the tables do not have what the family has. */
export function layoutOf(
  tables: readonly Table[],
  { scores, unit }: DetectorFamily,
  size: Size,
): Layout | undefined {
  const [first, second, ...more] = tables;
  if (!first || more.length > 0) return undefined;
  const layout = second ? inTwo([first, second]) : inOne(first, scores, size);
  if (!layout) return undefined;
  const { boxes, axis } = layout;
  const anchors = second || axis === 1 ? boxes.rows : boxes.columns;
  return unit === 'cell' && anchors !== cellsOf(size) ? undefined : layout;
}

function inOne(table: Table, scores: DetectorFamily['scores'], size: Size): Layout {
  const { rows, columns } = table;
  const [rowsAre, columnsAre] = [isOfCells(rows, size), isOfCells(columns, size)];
  const turned = rowsAre === columnsAre ? rows < columns : columnsAre;
  return { boxes: table, scores: undefined, axis: turned && scores !== 'highest' ? 0 : 1 };
}

function inTwo(tables: readonly [Table, Table]): Layout | undefined {
  const fours = tables.filter(({ columns }) => columns === 4);
  const named = fours.filter(({ name }) => /box/i.test(name) && !/score|class|logit/i.test(name));
  const [boxes, ...others] = fours.length === 1 ? fours : named;
  const scores = tables.find((table) => table !== boxes);
  if (!boxes || !scores || others.length > 0) return undefined;
  if (scores.rows === boxes.rows) return { boxes, scores, axis: 1 };
  // As NonMaxSuppression takes them, classes stand before anchors.
  return scores.columns === boxes.rows ? { boxes, scores, axis: 0 } : undefined;
}

/** Outputs that a message lists. */
const MOST_LISTED = 4;

/** What is said where the outputs are none of a detector, of this family or of any that they tell. */
export function notDetector(
  who: string,
  model: string,
  values: Values,
  chosen: boolean,
): UnsupportedError {
  const all = namedOnce(values).map(([name, { desc }]) => `"${name}" ${formatShape(desc.shape)}`);
  const outputs = all.slice(0, MOST_LISTED);
  if (all.length > MOST_LISTED) outputs.push('...');
  const gives = `${who}: model "${model}" gives ${outputs.join(', ')}`;
  if (tablesOf(values).length === 0) {
    return new UnsupportedError(
      `${gives}: no boxes and scores, which are [1, anchors, numbers]; use a Classifier or a Segmenter`,
    );
  }
  const others = all.length > 2 ? '; leave others out by "outputs" of onnxModel' : '';
  const families = Object.keys(detectorFamilies).join(', ');
  return new UnsupportedError(
    chosen
      ? `${gives}, which are no boxes and scores of that family; choose another${others}`
      : `${gives}, which could be boxes and scores in several ways, or none; say the family: ${families}${others}`,
  );
}
