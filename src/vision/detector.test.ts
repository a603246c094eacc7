/** Detectors of every family, whose anchors say something at random, beside a detector written plainly in f64. */
import { describe, expect, it, vi } from 'vitest';
import { useDevice } from '../../test/fixtures/device.ts';
import { Random } from '../../test/fixtures/random.ts';
import { add, mul } from '../layers/arithmetic.ts';
import { reduce } from '../layers/reduce.ts';
import type { ModelDef } from '../models/model.ts';
import { elementCount, type Shape } from '../runtime/tensor.ts';
import type { WeightSource } from '../runtime/weights/weight_source.ts';
import { type Box, overlapOf } from './boxes.ts';
import { cocoLabels } from './coco_labels.ts';
import { type DetectOptions, Detector, type DetectorOptions } from './detector.ts';
import { type DetectorFamily, detectorFamilies } from './detector_family.ts';
import type { Image } from './image.ts';

const device = useDevice();

type Tables = Readonly<Record<string, { readonly shape: Shape; readonly data: Float32Array }>>;

/** A network that says the same of each picture: its tables are weights. */
function saying(tables: Tables, more: Partial<ModelDef> = {}): ModelDef {
  return {
    name: 'saying',
    summary: 'tables',
    domain: 'masks',
    channels: 3,
    size: [64, 96],
    classes: 1,
    build(g, x) {
      const least = reduce(g.at('least'), x, 'min', { keepAxes: false });
      const nothing = mul(g.at('nothing'), least, 0);
      const values = Object.entries(tables).map(([name, { shape }]) => {
        return [name, add(g.at(name), g.weight(name, shape), nothing)] as const;
      });
      const [[, logits] = []] = values;
      if (!logits) throw new RangeError('there is no table');
      return { logits, ...Object.fromEntries(values) };
    },
    ...more,
  };
}

function weightsOf(tables: Tables): WeightSource {
  return {
    name: 'tables',
    tensors: new Map(
      Object.entries(tables).map(([name, { shape }]) => [name, { shape, dtype: 'F32' }]),
    ),
    read: (name) => tables[name]?.data ?? new Float32Array(),
  };
}

const PICTURE: Image = { width: 48, height: 48, data: new Uint8Array(4 * 48 * 48).fill(255) };

/** Cells of 8, 16 and 32 pixels in 64 x 96. */
const CELLS = 8 * 12 + 4 * 6 + 2 * 3;

/** What anchor a says, as the family has it: boxes in pixels of the input, at any place; scores of some classes. */
interface Said {
  /** The edges. */
  readonly box: readonly [number, number, number, number];
  readonly scores: readonly number[];
  readonly objectness: number;
}

function randomSaid(random: Random, anchors: number, classes: number): readonly Said[] {
  return Array.from({ length: anchors }, () => {
    const [left, top] = [90 * random.next() - 10, 60 * random.next() - 10];
    const [right, bottom] = [left + 4 + 36 * random.next(), top + 4 + 36 * random.next()];
    const scores = Array.from({ length: classes }, () => random.next() ** 3);
    return { box: [left, top, right, bottom], scores, objectness: random.next() };
  });
}

/** The four numbers of a box, in the family's form, of the anchor at a place. */
function numbersOf({ boxes, unit }: DetectorFamily, { box }: Said, anchor: number): number[] {
  const [left, top, right, bottom] = box;
  const centred = [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top];
  const [x = 0, y = 0, width = 0, height = 0] = centred;
  if (unit === 'cell') {
    const [stride, columns, before] =
      anchor < 96 ? [8, 12, 0] : anchor < 120 ? [16, 6, 96] : [32, 3, 120];
    const [column, row] = [(anchor - before) % columns, Math.floor((anchor - before) / columns)];
    return [
      x / stride - column,
      y / stride - row,
      Math.log(width / stride),
      Math.log(height / stride),
    ];
  }
  const numbers = boxes === 'edges' ? [...box] : centred;
  return unit === 'input' ? numbers.map((n, i) => n / (i % 2 === 0 ? 96 : 64)) : numbers;
}

const logit = (p: number): number => Math.log(p / (1 - p));

/** What follows the box. */
function scoresOf({ scores: kind }: DetectorFamily, { scores, objectness }: Said): number[] {
  switch (kind) {
    case 'probability':
      return [...scores];
    case 'objectness':
      return [objectness, ...scores];
    case 'sigmoid':
      return scores.map(logit);
    case 'softmax':
      return [...scores.map((score) => Math.log(score)), Math.log(0.5)];
    case 'highest':
      return [Math.max(...scores), scores.indexOf(Math.max(...scores))];
  }
}

/** The probabilities of the classes. */
function probabilitiesOf({ scores: kind }: DetectorFamily, said: Said): readonly number[] {
  const sum = said.scores.reduce((all, score) => all + score, 0.5);
  if (kind === 'softmax') return said.scores.map((score) => score / sum);
  return kind === 'objectness' ? said.scores.map((score) => score * said.objectness) : said.scores;
}

interface Expected {
  readonly class: number;
  readonly score: number;
  readonly box: Box;
}

/** The picture is 64 of the 96 pixels wide, between bars of 16, or stretched over all of them. */
function expectedOf(
  family: DetectorFamily,
  said: readonly Said[],
  { score = 0.25, overlap = family.unique ? 1 : 0.45, most = 100 }: DetectOptions,
): readonly Expected[] {
  const stretched = family.preprocessing?.fit?.mode === 'stretch';
  const [scale, bar] = stretched ? [48 / 96, 0] : [48 / 64, 16];
  const all = said.flatMap((one) => {
    const probabilities = probabilitiesOf(family, one);
    const best = Math.max(...probabilities);
    const [x0, y0, x1, y1] = one.box;
    const [left, top] = [(x0 - bar) * scale, y0 * 0.75];
    const box = { left, top, width: (x1 - x0) * scale, height: (y1 - y0) * 0.75 };
    return best >= score ? [{ class: probabilities.indexOf(best), score: best, box }] : [];
  });
  const kept: Expected[] = [];
  for (const one of all.sort((a, b) => b.score - a.score)) {
    const double = kept.some((k) => k.class === one.class && overlapOf(k.box, one.box) > overlap);
    if (!double) kept.push(one);
  }
  return kept.flatMap((one) => cut(one)).slice(0, most);
}

/** What of a box is in the picture. */
function cut({ box, ...one }: Expected): readonly Expected[] {
  const inside = (value: number): number => Math.min(Math.max(value, 0), 48);
  const [left, right] = [inside(box.left), inside(box.left + box.width)];
  const [top, bottom] = [inside(box.top), inside(box.top + box.height)];
  const cutBox = { left, top, width: right - left, height: bottom - top };
  return cutBox.width > 1e-6 && cutBox.height > 1e-6 ? [{ ...one, box: cutBox }] : [];
}

interface Case {
  readonly what: string;
  readonly family: DetectorFamily;
  readonly tables: (said: readonly Said[]) => Tables;
  readonly anchors: number;
  /** Told by the shapes. */
  readonly known?: boolean;
}

const table = (rows: readonly (readonly number[])[]) => ({
  shape: [1, rows.length, rows[0]?.length ?? 0],
  data: Float32Array.from(rows.flat()),
});
const turned = (rows: readonly (readonly number[])[]): number[][] =>
  (rows[0] ?? []).map((_, i) => rows.map((row) => row[i] ?? 0));

const together =
  (family: DetectorFamily, turn = false) =>
  (said: readonly Said[]): Tables => {
    const rows = said.map((one, i) => [...numbersOf(family, one, i), ...scoresOf(family, one)]);
    return { output0: table(turn ? turned(rows) : rows) };
  };
const apart =
  (family: DetectorFamily, names: readonly [boxes: string, scores: string], turn = false) =>
  (said: readonly Said[]): Tables => {
    const scores = said.map((one) => scoresOf(family, one));
    return {
      [names[0]]: table(said.map((one, i) => numbersOf(family, one, i))),
      [names[1]]: table(turn ? turned(scores) : scores),
    };
  };

const f = detectorFamilies;
const ultralytics: DetectorFamily = { ...f['rt-detr'], scores: 'probability' };
const corners: DetectorFamily = {
  boxes: 'edges',
  unit: 'input',
  scores: 'probability',
  unique: false,
};
const CASES: readonly Case[] = [
  {
    what: 'yolov8',
    family: f.yolov8,
    tables: together(f.yolov8, true),
    anchors: CELLS,
    known: true,
  },
  { what: 'yolov5', family: f.yolov5, tables: together(f.yolov5), anchors: 3 * CELLS, known: true },
  { what: 'yolov5 of a cell', family: f.yolov5, tables: together(f.yolov5), anchors: CELLS },
  { what: 'yolov10', family: f.yolov10, tables: together(f.yolov10), anchors: 50, known: true },
  { what: 'yolox', family: f.yolox, tables: together(f.yolox), anchors: CELLS },
  { what: 'detr', family: f.detr, tables: apart(f.detr, ['pred_boxes', 'logits']), anchors: 40 },
  { what: 'rt-detr', family: f['rt-detr'], tables: apart(f['rt-detr'], ['a', 'b']), anchors: 40 },
  {
    what: 'what a suppression would read',
    family: corners,
    tables: apart(corners, ['boxes', 'scores'], true),
    anchors: 90,
  },
  { what: 'rt-detr in one table', family: ultralytics, tables: together(ultralytics), anchors: 40 },
  {
    what: 'many anchors',
    family: f.yolov8,
    tables: together(f.yolov8, true),
    anchors: 3000,
  },
];

const YOLOV8 = { what: 'yolov8', family: f.yolov8, tables: together(f.yolov8, true) };
const ONE_CLASS: Case = {
  what: 'yolov5',
  family: f.yolov5,
  tables: together(f.yolov5),
  anchors: 3 * CELLS,
};

function expectDetections(actual: readonly Expected[], expected: readonly Expected[]): void {
  expect(actual.map((one) => one.class)).toEqual(expected.map((one) => one.class));
  for (const [i, { score, box }] of expected.entries()) {
    expect(actual[i]?.score).toBeCloseTo(score, 5);
    for (const [side, value] of Object.entries(box)) {
      expect(actual[i]?.box[side as keyof Box], `${side} of ${i}`).toBeCloseTo(value, 3);
    }
  }
}

async function openDetector(
  tables: Tables,
  options: Partial<DetectorOptions> = {},
  more: Partial<ModelDef> = {},
): Promise<Detector> {
  return Detector.create(device(), saying(tables, more), {
    weights: weightsOf(tables),
    ...options,
  });
}

describe('Detector', () => {
  const ways: readonly DetectOptions[] = [{}, { score: 0.5, overlap: 0.1 }, { score: 0, most: 7 }];
  it.each(CASES.map((one) => [one.what, one] as const))(
    'finds what a network says: %s',
    async (_, { family, tables, anchors, known }) => {
      const said = randomSaid(new Random(anchors), anchors, 5);
      using detector = await openDetector(tables(said), known ? {} : { family });
      for (const way of ways) {
        const expected = expectedOf(family, said, way);
        expect(expected.length).toBeGreaterThan(2);
        expectDetections(await detector.detect(PICTURE, way), expected);
      }
    },
  );

  it('reads back a thousand boxes at most, those with the highest scores', async () => {
    const said = randomSaid(new Random(1), 3000, 5);
    using detector = await openDetector(together(f.yolov8, true)(said), { family: 'yolov8' });
    const [scores, boxes] = detector.session.outputs.map(({ shape }) => shape);
    expect([scores, boxes]).toEqual([[1000], [1000, 1]]);
    const found = await detector.detect(PICTURE, { score: 0, overlap: 1, most: 3000 });
    expect(found.length).toBeLessThanOrEqual(1000);
    expect(elementCount(scores ?? [])).toBe(1000);
  });

  it('names classes: by its options, by the file, as COCO', async () => {
    const random = new Random(2);
    const few = together(f.yolov8, true)(randomSaid(random, CELLS, 3));
    using named = await openDetector(few, { labels: ['a', 'b', 'c'] }, { labels: ['x', 'y', 'z'] });
    expect(named.labels).toEqual(['a', 'b', 'c']);
    using known = await openDetector(few, {}, { labels: ['x', 'y', 'z'] });
    expect((await known.detect(PICTURE))[0]?.label).toMatch(/^[xyz]$/);
    using unknown = await openDetector(few);
    expect((await unknown.detect(PICTURE))[0]?.label).toMatch(/^[012]$/);
    using coco = await openDetector(together(f.yolov8, true)(randomSaid(random, CELLS, 80)));
    expect(coco.labels).toBe(cocoLabels);
    // Where each anchor says its class, nothing tells how many there are.
    using highest = await openDetector(together(f.yolov10)(randomSaid(random, 9, 3)));
    expect(highest.labels).toEqual([]);
  });

  it('looks at as many classes as the file names, or as it is told: others are masks or key points', async () => {
    const tables = together(f.yolov8, true)(randomSaid(new Random(5), CELLS, 6));
    for (const [options, more] of [
      [{}, { labels: ['x', 'y'] }],
      [{ classes: 2, labels: ['x', 'y'] }, {}],
      [{ classes: 2, labels: ['x', 'y'] }, { labels: ['a', 'b', 'c', 'd', 'e', 'f'] }],
    ] as const) {
      using detector = await openDetector(tables, options, more);
      const found = await detector.detect(PICTURE);
      expect(new Set(found.map(({ label }) => label))).toEqual(new Set(['x', 'y']));
    }
  });

  it.each<[string, readonly [number, number], Case, DetectorFamily | undefined]>([
    // 21 anchors of 84 numbers.
    ['more numbers than anchors', [32, 32], { ...YOLOV8, anchors: 21 }, f.yolov8],
    ['the same, told by the cells', [32, 32], { ...YOLOV8, anchors: 21 }, undefined],
    ['six numbers of three anchors a cell', [64, 96], ONE_CLASS, undefined],
  ])('reads %s', async (_, size, { tables, anchors, family }, told) => {
    const random = randomSaid(new Random(6), anchors, family === f.yolov8 ? 80 : 1);
    const said = random.map((one): Said => ({ ...one, box: [2, 2, 20, 20] }));
    using detector = await openDetector(tables(said), told ? { family: told } : {}, { size });
    const classes = (await detector.detect(PICTURE, { score: 0.5 })).map((one) => one.class);
    const best = (one: Said): number => Math.max(...probabilitiesOf(family, one));
    const [first] = [...said].sort((p, q) => best(q) - best(p));
    expect(classes[0]).toBe(first && probabilitiesOf(family, first).indexOf(best(first)));
  });

  it('finds boxes and scores by their shapes and names, whatever their order', async () => {
    const said = randomSaid(new Random(7), 30, 4);
    const expected = expectedOf(corners, said, {});
    for (const names of [
      ['dets_box', 'cls'],
      ['bbox', 'box_scores'],
    ] as const) {
      const tables = apart(corners, names)(said);
      for (const inOrder of [tables, Object.fromEntries(Object.entries(tables).toReversed())]) {
        using detector = await openDetector(inOrder, { family: corners });
        expectDetections(await detector.detect(PICTURE), expected);
      }
    }
  });

  it("takes the unit of boxes from the file, but not for a family of one's own", async () => {
    const said = randomSaid(new Random(11), CELLS, 3);
    const inShares: DetectorFamily = { ...f.yolov8, unit: 'input' };
    const expected = expectedOf(inShares, said, {});
    const shares = together(inShares, true)(said);
    using detector = await openDetector(shares, {}, { boxUnit: 'input' });
    expectDetections(await detector.detect(PICTURE), expected);
    const pixels = together(f.yolov8, true)(said);
    const own = { family: { ...f.yolov8 } };
    using other = await openDetector(pixels, own, { boxUnit: 'input' });
    expectDetections(await other.detect(PICTURE), expected);
  });

  it('takes the size of a picture as it was', async () => {
    const said = randomSaid(new Random(8), CELLS, 3);
    using detector = await openDetector(together(f.yolov8, true)(said));
    const changing = { ...PICTURE };
    const { session } = detector;
    const run = session.run.bind(session);
    // A frame is closed when it has been uploaded.
    vi.spyOn(session, 'run').mockImplementation(async (...given) => {
      const outputs = await run(...given);
      Object.assign(changing, { width: 0, height: 0 });
      return outputs;
    });
    const found = await detector.detect(changing);
    expect(changing.width).toBe(0);
    expectDetections(found, expectedOf(f.yolov8, said, {}));
  });

  it.each(['yolox', 'detr'] as const)('sees in grey by a %s, too', async (name) => {
    const family = f[name];
    const said = randomSaid(new Random(9), CELLS, 3);
    const make = name === 'yolox' ? together(family) : apart(family, ['boxes', 'scores']);
    using detector = await openDetector(make(said), { family }, { channels: 1 });
    expectDetections(await detector.detect(PICTURE), expectedOf(family, said, {}));
  });

  it.each<[string, Partial<Said>, DetectorFamily, string]>([
    ['a score above 1', { scores: [2.2, 0] }, f.yolov8, 'a score is 2.2'],
    [
      'an infinite score',
      { scores: [Number.POSITIVE_INFINITY, 0] },
      f.yolov8,
      'a score is Infinity',
    ],
    ['a score that is no number', { scores: [Number.NaN, 0] }, f.yolov8, 'a score is NaN'],
  ])('refuses %s', async (_, wrong, family, message) => {
    const [first, ...rest] = randomSaid(new Random(4), CELLS, 2);
    if (!first) throw new RangeError('there is a first one');
    using detector = await openDetector(together(family, true)([{ ...first, ...wrong }, ...rest]));
    await expect(detector.detect(PICTURE)).rejects.toThrow(`Detector.detect: ${message}`);
  });

  it.each([Number.NaN, -1, 1.5])('refuses the class %d', async (wrong) => {
    const rows = [[1, 2, 3, 4, 0.9, wrong]];
    using detector = await openDetector({ out: table(rows) });
    await expect(detector.detect(PICTURE)).rejects.toThrow(`a class is ${wrong}; say the family`);
  });

  const zeros = (rows: number, columns: number) =>
    table(Array.from({ length: rows }, () => Array.from({ length: columns }, () => 0)));
  const several =
    'which could be boxes and scores in several ways, or none; say the family: detr, rt-detr, yolov5, yolov8, yolov10, yolox';
  const none = 'which are no boxes and scores of that family; choose another';
  it.each<[string, Tables, Partial<DetectorOptions>, string]>([
    ['one anchor a cell', { out: zeros(CELLS, 8) }, {}, `gives "out" [1, 126, 8], ${several}`],
    ['RT-DETR of many classes', { out: zeros(300, 369) }, {}, `"out" [1, 300, 369], ${several}`],
    ['three anchors a cell, turned', { out: zeros(10, 3 * CELLS) }, {}, several],
    ['one class in one anchor a cell', { out: zeros(CELLS, 6) }, {}, several],
    [
      'two tables',
      { a: zeros(1, 4), b: zeros(1, 2) },
      {},
      `"a" [1, 1, 4], "b" [1, 1, 2], ${several}`,
    ],
    [
      'three tables',
      { a: zeros(2, 4), b: zeros(2, 2), c: zeros(2, 2) },
      { family: 'detr' },
      `"c" [1, 2, 2], ${none}; leave others out by "outputs" of onnxModel`,
    ],
    ['two that could both be boxes', { a: zeros(9, 4), b: zeros(9, 4) }, { family: 'detr' }, none],
    ['another family', { a: zeros(1, 5) }, { family: 'yolov10' }, `"a" [1, 1, 5], ${none}`],
    ['boxes alone', { a: zeros(9, 4) }, { family: 'yolov8' }, none],
    ['other cells than those of YOLOX', { a: zeros(200, 8) }, { family: 'yolox' }, none],
    [
      'more classes than there are',
      { a: zeros(9, CELLS) },
      { classes: 6 },
      'Detector.create: the number of classes must be at most 5, for which the outputs have scores, got 6',
    ],
    [
      'classes',
      { logits: { shape: [1, 10], data: new Float32Array(10) } },
      { family: 'yolov8' },
      'Detector.create: model "saying" gives "logits" [1, 10]: no boxes and scores, which are [1, anchors, numbers]; use a Classifier or a Segmenter',
    ],
    [
      'a family that is none',
      { a: zeros(1, 5) },
      { family: 'yolo' as 'yolox' },
      'Detector.create: options.family must be a DetectorFamily, or one of detr, rt-detr, yolov5, yolov8, yolov10, yolox, got yolo',
    ],
    [
      'a unit that is none',
      { a: zeros(1, 5) },
      { family: { ...f.detr, unit: 'relative' as 'input' } },
      'Detector.create: options.family.unit must be one of pixel, input, cell, got relative',
    ],
    [
      'edges in cells',
      { a: zeros(1, 5) },
      { family: { ...f.yolox, boxes: 'edges' } },
      'Detector.create: options.family.boxes must be centre in cells, got edges',
    ],
    [
      'too few labels',
      { a: zeros(9, CELLS) },
      { labels: ['a'] },
      'Detector.create: options.labels must be 5 strings, one for each class of "saying", got Array of 1',
    ],
    [
      'ink',
      { a: zeros(9, CELLS) },
      { preprocessing: { fit: { mode: 'ink', length: 20 } } },
      'Detector.create: options.preprocessing.fit must be letterbox, stretch, or of a side, got ink; leave it out for a letterbox',
    ],
  ])('refuses %s', async (_, tables, options, message) => {
    await expect(openDetector(tables, options)).rejects.toThrow(message);
  });

  it.each<[string, unknown, string]>([
    ['without data', { width: 4, height: 4 }, '4 x 4 pixels of RGBA are 64 bytes, got undefined'],
    [
      'without alpha',
      { width: 4, height: 4, data: new Uint8Array(48) },
      'are 64 bytes, got 48; give each pixel an alpha byte, too',
    ],
    ['that is a path', 'cat.jpg', 'expected a picture, such as { data, width, height }'],
  ])('refuses a picture %s', async (_, picture, message) => {
    using detector = await openDetector(together(f.yolov10)(randomSaid(new Random(3), 9, 2)));
    await expect(detector.detect(picture as Image)).rejects.toThrow(message);
  });

  it('asks where six numbers could be boxes and scores of the two classes that a file names', async () => {
    const tables = { out: zeros(300, 6) };
    await expect(openDetector(tables, {}, { labels: ['cat', 'dog'] })).rejects.toThrow(several);
    using one = await openDetector(tables, {}, { labels: ['cat', 'dog', 'cow'] });
    expect(one.labels).toHaveLength(3);
  });

  it('refuses options of `detect` that are none', async () => {
    using detector = await openDetector(together(f.yolov10)(randomSaid(new Random(3), 9, 2)));
    for (const [option, value, expected] of [
      ['score', 25, 'from 0 to 1, got 25'],
      ['score', '0.5' as unknown as number, 'from 0 to 1, got 0.5'],
      ['overlap', Number.NaN, 'from 0 to 1, got NaN'],
      ['most', 0, 'a positive integer, got 0'],
    ] as const) {
      await expect(detector.detect(PICTURE, { [option]: value })).rejects.toThrow(
        `Detector.detect: options.${option} must be ${expected}`,
      );
    }
    await expect(detector.detect(PICTURE, { signal: AbortSignal.abort('enough') })).rejects.toBe(
      'enough',
    );
    detector.dispose();
    await expect(detector.detect(PICTURE)).rejects.toThrow('the detector was disposed');
  });
});
