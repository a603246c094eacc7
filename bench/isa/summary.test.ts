import { expect, it } from 'vitest';
import type { Row } from './row.ts';
import { summaryOf } from './summary.ts';

const LOOP = { vector: 0, workgroupMemory: 1, memory: 0, scalar: 0, slots: 100, perLoad: 1 };

function row(figures: Partial<Row>, perStepSlot?: number, multiplyAdds = 64): Row {
  return {
    ...{ gpu: 'intel-tgl', adapter: 'Iris Xe', vendor: 'intel', layer: 'conv', chosen: true },
    ...{ kernel: 'conv2d_tiled', config: {}, workgroups: 1, multiplyAdds: 0, registers: 64 },
    ...{ spills: 0, workgroupMemory: 0, waves: 8, milliseconds: 40.2 },
    loop: { ...LOOP, multiplyAdds, perSlot: 0.9, perStepSlot },
    ...figures,
  };
}

it('weighs the layers of a window by their work, and counts what spills', () => {
  const rows = [
    row({ window: '1x1', multiplyAdds: 300 }, 0.75),
    row({ window: '1x1', multiplyAdds: 100, spills: 3 }, 0.25),
    // A candidate, a pool and a transform of Winograd's.
    row({ window: '1x1', multiplyAdds: 999, chosen: false }, 0.1),
    row({ kernel: 'max_pool2d' }, undefined, 0),
    row({ window: '3x3', kernel: 'conv2d_winograd', multiplyAdds: 400 }, 0.04, 6),
    row({ window: '3x3', kernel: 'conv2d_winograd', multiplyAdds: 400 }, 0.5),
    row({ gpu: 'apple-g13g', adapter: 'M1', window: '3x3', multiplyAdds: 1 }, 0.6),
  ];
  expect(summaryOf(rows)).toEqual([
    {
      ...{ gpu: 'intel-tgl', adapter: 'Iris Xe', pipelines: 5, spilling: 1, compiling: 201 },
      // 400 multiply-adds in 300 / 0.75 + 100 / 0.25 = 800 slots.
      rates: { '1x1': 0.5, Winograd: 0.5 },
    },
    {
      ...{ gpu: 'apple-g13g', adapter: 'M1', pipelines: 1, spilling: 0, compiling: 40 },
      rates: { '3x3': 0.6 },
    },
  ]);
});

it("has onnxruntime's programs beside them, each as often as it is dispatched", () => {
  const peer = (program: string, dispatches: number, rate: number): Row =>
    row(
      {
        ...{ adapter: 'onnxruntime', kernel: `onnxruntime ${program}`, chosen: false },
        multiplyAdds: dispatches,
      },
      rate,
    );
  const [summary] = summaryOf([
    row({ window: '1x1', multiplyAdds: 1 }, 0.6),
    peer('MatMul', 16, 0.5),
    peer('Conv2dMM', 3, 0.25),
    peer('Conv2dMM', 9, 0.5),
  ]);
  expect(summary).toMatchObject({
    ...{ pipelines: 1, peer: { MatMul: 0.5, Conv2dMM: 0.4 } },
    ...{ compiling: 40, peerCompiling: 121 },
  });
});
