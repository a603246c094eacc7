import { describe, expect, it } from 'vitest';
import { compareRows, parseRows } from './compare.ts';
import type { Row } from './row.ts';

function row(layer: string, figures: Partial<Row> = {}): Row {
  return {
    ...{ adapter: 'a GPU', layer, kernel: 'conv2d_tiled', config: {}, workgroups: 1, chosen: true },
    ...{ vendor: 'intel', multiplyAdds: 0, milliseconds: 40 },
    ...{ gpu: 'intel-tgl', registers: 100, spills: 0, workgroupMemory: 0, waves: 8 },
    ...figures,
  };
}

function loop(perSlot: number): NonNullable<Row['loop']> {
  const code = {
    multiplyAdds: 64,
    slots: 64,
    vector: 64,
    scalar: 0,
    workgroupMemory: 1,
    memory: 1,
  };
  return { ...code, perSlot, perLoad: 8 };
}

describe('compareRows', () => {
  it('finds what got worse and what got better, layer by layer', () => {
    const before = [row('conv1'), row('conv2', { waves: 4 }), row('fc', { spills: 3 })];
    const after = [row('conv1', { spills: 2 }), row('conv2'), row('fc', { spills: 3 })];
    expect(compareRows(before, after)).toEqual({
      ...{ compared: 3, added: [], gone: [] },
      changes: [
        { gpu: 'intel-tgl', layer: 'conv1', what: 'spills', before: 0, after: 2, worse: true },
        { gpu: 'intel-tgl', layer: 'conv2', what: 'waves', before: 4, after: 8, worse: false },
      ],
    });
  });

  it.each([
    [0.5, 0.48, ['fma/slot']],
    [0.5, 0.495, []],
  ])('takes %f of a slot for another than %f: %j', (before, after, changed) => {
    const { changes } = compareRows(
      [row('conv1', { loop: loop(before) })],
      [row('conv1', { loop: loop(after) })],
    );
    expect(changes.map(({ what }) => what)).toEqual(changed);
  });

  it('compares a step only where both files say it', () => {
    const step = (perStepSlot?: number) => row('conv1', { loop: { ...loop(0.5), perStepSlot } });
    expect(compareRows([step()], [step(0.4)]).changes).toEqual([]);
    expect(compareRows([step(0.4)], [step()]).changes).toEqual([]);
    expect(compareRows([step(0.4)], [step(0.3)]).changes).toMatchObject([{ worse: true }]);
  });

  it('compares each of the pipelines of a layer', () => {
    const before = [row('conv1'), row('conv1', { waves: 16 }), row('conv1')];
    const after = [row('conv1'), row('conv1'), row('conv1')];
    const { compared, changes } = compareRows(before, after);
    expect(compared).toBe(3);
    expect(changes).toMatchObject([{ what: 'waves', before: 16, after: 8, worse: true }]);
  });

  it('leaves candidates out, more registers at as many waves, and says what only one has', () => {
    const before = [row('conv1'), row('conv1', { chosen: false, spills: 9 }), row('old')];
    const after = [row('conv1', { registers: 120 }), row('new', { gpu: 'apple-g13g' })];
    const found = { compared: 1, added: ['apple-g13g new'], gone: ['intel-tgl old'], changes: [] };
    expect(compareRows(before, after)).toEqual(found);
  });
});

describe('parseRows', () => {
  it('reads a line a pipeline', () => {
    const rows = [row('conv1'), row('fc')];
    const text = rows.map((each) => `${JSON.stringify(each)}\n`).join('');
    expect(parseRows(text, 'before.jsonl')).toEqual(rows);
  });

  it.each([
    ['| GPU |', 'before.jsonl, line 1: no JSON'],
    ['{"model":"resnet50"}', 'before.jsonl, line 1: no pipeline'],
    ['null', 'before.jsonl, line 1: no pipeline'],
    [JSON.stringify({ ...row('conv1'), chosen: undefined }), 'before.jsonl, line 1: no pipeline'],
    [JSON.stringify(row('conv1', { loop: loop('9' as never) })), 'line 1: no pipeline'],
    [
      JSON.stringify(row('conv1', { loop: { ...loop(1), perStepSlot: '9' as never } })),
      'line 1: no pipeline',
    ],
    ['\n', 'before.jsonl: no pipelines'],
  ])('refuses %s', (text, message) => {
    expect(() => parseRows(text, 'before.jsonl')).toThrow(message);
  });
});
