/** How well a GPU's compiler keeps the multipliers busy in a model's convolutions, a line a GPU. */
import type { Row } from './row.ts';

export interface Summary {
  readonly gpu: string;
  /** As its driver calls it, with the driver's version. */
  readonly adapter: string;
  /** Of what the plan runs. */
  readonly pipelines: number;
  readonly spilling: number;
  /** What compiling them took, one after the other, in milliseconds. */
  readonly compiling: number;
  /** Multiply-adds a slot of a step over k, each layer with the weight of its work: by window, `1x1`, `3x3`, .... */
  readonly rates: Readonly<Record<string, number>>;
  /** Of onnxruntime's programs, each with the weight of its dispatches: `MatMul`, `Conv2dMM`, .... */
  readonly peer?: Readonly<Record<string, number>>;
  /** What compiling those took. */
  readonly peerCompiling?: number;
}

/** Multiply-adds in the hottest loop of what multiplies matrices. */
const LEAST_OF_PRODUCTS = 32;

/** What conv2d_winograd multiplies is no 3x3 window any more. */
const WINOGRAD = 'Winograd';

export function summaryOf(rows: readonly Row[]): readonly Summary[] {
  const gpus = [...new Set(rows.map(({ gpu }) => gpu))];
  return gpus.map((gpu) => {
    const compiled = rows.filter((row) => row.gpu === gpu);
    const chosen = compiled.filter((row) => row.chosen);
    const peer = compiled.filter(({ adapter }) => adapter === 'onnxruntime');
    return {
      gpu,
      adapter: chosen[0]?.adapter ?? '',
      pipelines: chosen.length,
      spilling: chosen.filter(({ spills }) => spills > 0).length,
      compiling: compilingOf(chosen),
      rates: ratesOf(chosen, ({ kernel, window }) =>
        kernel === 'conv2d_winograd' ? WINOGRAD : window,
      ),
      ...(peer.length > 0 && {
        peer: ratesOf(peer, ({ kernel }) => kernel.replace('onnxruntime ', '')),
        peerCompiling: compilingOf(peer),
      }),
    };
  });
}

function compilingOf(rows: readonly Row[]): number {
  return Math.round(rows.reduce((sum, { milliseconds }) => sum + milliseconds, 0));
}

/** Work by the slots that all of it takes. */
function ratesOf(
  rows: readonly Row[],
  nameOf: (row: Row) => string | undefined,
): Readonly<Record<string, number>> {
  const sums = new Map<string, { work: number; slots: number }>();
  for (const row of rows) {
    const name = nameOf(row);
    const rate = row.loop?.perStepSlot;
    // Winograd's transforms count as much work as the products between them, and do none of it.
    const multiplies = (row.loop?.multiplyAdds ?? 0) >= LEAST_OF_PRODUCTS;
    if (name === undefined || !rate || !multiplies) continue;
    const { work, slots } = sums.get(name) ?? { work: 0, slots: 0 };
    sums.set(name, {
      work: work + row.multiplyAdds,
      slots: slots + row.multiplyAdds / rate,
    });
  }
  return Object.fromEntries(
    [...sums].map(([name, { work, slots }]) => [name, Number((work / slots).toFixed(3))]),
  );
}
