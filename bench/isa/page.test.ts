import { expect, it } from 'vitest';
import { isaPage } from './page.ts';
import type { Row } from './row.ts';

const LOOP = {
  ...{ multiplyAdds: 64, vector: 10, workgroupMemory: 4, memory: 0, scalar: 2, slots: 80 },
  ...{ perSlot: 0.8, perLoad: 16, perStepSlot: 0.75 },
};

function row(gpu: string, figures: Partial<Row> = {}): Row {
  return {
    ...{ adapter: `${gpu} <b>`, layer: 'conv1', kernel: 'conv2d_tiled', config: { depth: 8 } },
    ...{ vendor: 'intel', multiplyAdds: 0, milliseconds: 40 },
    ...{
      gpu,
      workgroups: 18,
      chosen: true,
      registers: 96,
      spills: 0,
      workgroupMemory: 0,
      waves: 0,
    },
    ...figures,
  };
}

it('a table a GPU, with what its driver says, bars by its largest value, and no markup of names', () => {
  const page = isaPage('lenet', [
    row('intel-tgl', { loop: LOOP }),
    row('intel-tgl', { layer: 'conv2', registers: 48, spills: 3 }),
    row('intel-tgl', { chosen: false, spills: 9 }),
    row('apple-g13g', { waves: 384 }),
  ]);
  expect(page.match(/<table>/g)).toHaveLength(2);
  expect(page).toContain(
    'intel-tgl &lt;b>: the plan runs 2 pipelines, of which 1 spill registers.',
  );
  expect(page).toContain('<td class="number" style="--share: 50%">48</td>');
  expect(page).toContain('<td class="number bad" style="--share: 33%">3</td>');
  expect(page.match(/<tr class="candidate">/g)).toHaveLength(1);
  const [, intel = '', apple = ''] = page.split('<h2>');
  expect(intel).not.toContain('<th>waves</th>');
  expect(apple).toContain('<th>waves</th>');
  expect(intel).toContain('>0.75</td>');
  // Of what loops nowhere, nothing is said.
  expect(page).not.toContain('0.00');
  expect(page).not.toContain('<b>');
});
