import { expect, it } from 'vitest';
import { parsePipelineLog } from './pipeline_log.ts';
import { figuresOf } from './statistics.ts';

const line = (stats: object, index = 0, of = 1) => `${JSON.stringify({ index, of, stats })}\n`;

it.each<[string, object, object]>([
  [
    'AMD',
    {
      VGPRs: 96,
      'Spilled VGPRs': 1,
      'Spilled SGPRs': 2,
      'LDS size': 4096,
      'Subgroups per SIMD': 16,
    },
    { registers: 96, spills: 3, workgroupMemory: 4096, waves: 16 },
  ],
  [
    'Apple',
    { GPRs: 199, Threads: 512, Spills: 4 },
    { registers: 199, spills: 4, workgroupMemory: 0, waves: 512 },
  ],
  [
    'NVIDIA',
    { 'Number of GPRs': 96, 'Max warps/SM': 20, 'Spills to memory': 5, 'Spills to reg': 9 },
    { registers: 96, spills: 5, workgroupMemory: 0, waves: 20 },
  ],
  [
    'Qualcomm',
    { 'Registers used': 32, 'Max Waves Per Core': 6, 'STP Count': 7, 'Early preamble': true },
    { registers: 32, spills: 7, workgroupMemory: 0, waves: 6 },
  ],
  [
    'Intel',
    { 'Max live registers': 124, Spills: 8, 'Workgroup Memory Size': 3072 },
    { registers: 124, spills: 8, workgroupMemory: 3072, waves: 0 },
  ],
])('reads what the driver of %s says', (_, stats, figures) => {
  expect(parsePipelineLog(line(stats)).map(figuresOf)).toEqual([figures]);
});

it('takes the last part of each pipeline', () => {
  const log = line({ Spills: 1 }, 0, 2) + line({ Spills: 2 }, 1, 2) + line({ Spills: 3 });
  expect(parsePipelineLog(log).map((code) => figuresOf(code).spills)).toEqual([2, 3]);
});
