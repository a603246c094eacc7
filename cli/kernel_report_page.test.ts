import { expect, it } from 'vitest';
import type { KernelReport } from '../measure/kernels/index.ts';
import { kernelReportPage } from './kernel_report_page.ts';

const report: KernelReport = {
  adapter: { name: 'adapter </script><b>', software: true },
  clock: 'gpu',
  ceilings: { gflops: 10, gigabytesPerSecond: 2 },
  stopped: false,
  layers: [
    {
      layer: 'relu 1,8,4,4',
      names: ['relu1'],
      flops: 0,
      bytes: 1024,
      limitMs: 0.001,
      kernels: [
        {
          kernel: 'relu',
          config: { threads: 64 },
          chosen: true,
          status: 'timed',
          ms: { median: 0.5, low: 0.4, high: 0.6, samples: 5 },
          gflops: 0,
          gigabytesPerSecond: 1,
          shareOfLimit: 0.002,
          error: 0,
        },
        { kernel: 'broken', config: {}, chosen: false, status: 'wrong', message: 'gives <9>' },
      ],
    },
  ],
};

it('a kernel report is one page, with a chart for the roofline and one a layer, that runs nothing of its data', () => {
  const page = kernelReportPage(report);
  expect(page.match(/<canvas/g)).toHaveLength(2);
  expect(page).toContain('broken is wrong: gives &lt;9>');
  expect(page).not.toContain('<b>');
  expect(page.match(/<\/script>/g)).toHaveLength(2);
  expect(page).not.toMatch(/(src|href)="?http/);
});
