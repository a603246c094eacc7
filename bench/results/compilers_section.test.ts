import { expect, it } from 'vitest';
import { compilersSection, readCompilers } from './compilers_section.ts';

const line = (batch: number, figures: object): string =>
  JSON.stringify({
    ...{ model: 'resnet50', batch, precision: 'f32', gpu: 'intel-tgl', adapter: 'Iris Xe' },
    ...{ pipelines: 19, spilling: 0, compiling: 590 },
    ...figures,
  });

it('has a row a GPU, with a figure of each batch, and a dash for what one lacks', () => {
  const text = [
    line(1, {
      rates: { '1x1': 0.6, '3x3': 0.52 },
      peer: { MatMul: 0.49, Conv2dMM: 0.36 },
      peerCompiling: 300,
    }),
    line(1, { gpu: 'amd-navi31', rates: { '1x1': 0.671 } }),
    line(8, { rates: { '1x1': 0.6, Winograd: 0.62 }, pipelines: 13, spilling: 1 }),
  ].join('\n');
  const [, , intel, amd, ...others] = compilersSection(readCompilers(`${text}\n`)).split('\n');
  expect(others).toEqual([]);
  expect(intel).toBe(
    '| intel-tgl | 0.60 / 0.60 | 0.52 / – | – / 0.62 | 0.49 / – | 0.36 / – | 0 of 19 / 1 of 13 | 590 / 590 | 300 / – |',
  );
  expect(amd).toBe('| amd-navi31 | 0.67 | – | – | – | – | 0 of 19 | 590 | – |');
});
