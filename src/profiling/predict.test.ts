import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { findModel } from '../models/index.ts';
import { buildModel } from '../models/model.ts';
import type { DType } from '../runtime/tensor.ts';
import { GPUS, type GpuFigures } from './gpus.ts';
import { type PredictedLayer, predict } from './predict.ts';

const H200: GpuFigures = gpuOf('nvidia-h200');

function gpuOf(name: string): GpuFigures {
  const found = GPUS.find((gpu) => gpu.name === name);
  if (!found) throw new Error(`no ${name}`);
  return found;
}

/** All that the host does for a run. */
function hostMsOf(layers: readonly PredictedLayer[]): number {
  return 0.1 + 0.007 * layers.reduce((sum, layer) => sum + layer.dispatches, 0);
}

interface Measured {
  readonly model: string;
  readonly precision: DType;
  readonly medianMs: number;
  readonly inputShape: readonly number[];
}

const MEASURED = JSON.parse(
  readFileSync(
    fileURLToPath(new URL('../../bench/results/models-nvidia-h200.json', import.meta.url)),
    'utf8',
  ),
) as readonly Measured[];

describe('predict', () => {
  it.each(MEASURED.map((run) => [run.model, run.precision, run.inputShape[0] ?? 1, run] as const))(
    'is within a quarter of what an H200 took: %s in %s, batch %i',
    (model, precision, batch, { medianMs }) => {
      const { layers } = predict(buildModel(findModel(model), { batch }), H200, { precision });
      // Those runs were submitted once, so that the GPU waited for all that the host did.
      const ms = layers.reduce((sum, layer) => sum + layer.ms, hostMsOf(layers));
      expect(ms / medianMs).toBeGreaterThan(0.75);
      expect(ms / medianMs).toBeLessThan(1.25);
    },
  );

  it.each([
    ['efficientnet_b0', 0.2, 0.4],
    ['resnet50', 0.1, 0.25],
  ])('has the GPU of %s wait for a part of what the host takes', (model, least, most) => {
    const { waitMs, layers } = predict(buildModel(findModel(model)), H200);
    expect(waitMs).toBeGreaterThan(least);
    expect(waitMs).toBeLessThan(most);
    expect(waitMs).toBeLessThan(0.7 * hostMsOf(layers));
  });

  it('adds up its layers and the host, and says what it takes for granted', () => {
    const { ms, waitMs, layers, assumptions } = predict(buildModel(findModel('lenet')), H200);
    expect(ms).toBeCloseTo(
      layers.reduce((sum, layer) => sum + layer.ms, waitMs),
      10,
    );
    expect(layers.map(({ dispatches }) => dispatches)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(layers.filter(({ limit }) => limit === 'launch').length).toBeGreaterThan(3);
    expect(assumptions.join('\n')).toContain('132 units');
  });

  it('cuts no batch that such GPUs run at once, and adds up the parts of one that is cut', () => {
    const of = (batch: number) => predict(buildModel(findModel('resnet50'), { batch }), H200);
    expect(of(127).ms).toBeLessThan(of(128).ms);
    const { ms, waitMs, layers } = of(2048);
    expect(ms).toBeCloseTo(
      layers.reduce((sum, layer) => sum + layer.ms, waitMs),
      6,
    );
    expect(ms).toBeGreaterThan(15 * of(128).ms);
  });

  it.each([
    ['null', null],
    ['a name', 'apple-m1'],
    ['nothing', {}],
    ['no units', { ...H200, units: 0 }],
    ['a clock that is no number', { ...H200, gigahertz: Number.NaN }],
    ['a bandwidth in words', { ...H200, gigabytesPerSecond: '8' }],
  ])('refuses figures that are none: %s', (_, figures) => {
    const graph = buildModel(findModel('lenet'));
    expect(() => predict(graph, figures as never)).toThrow('predict: figures must be GpuFigures');
  });

  it('takes less on a GPU with more units, a faster clock or faster memory, all else being equal', () => {
    const graph = buildModel(findModel('resnet50'), { batch: 8 });
    const time = (figures: Partial<GpuFigures>) =>
      predict(graph, { ...gpuOf('apple-m1'), ...figures }).ms;
    const usual = time({});
    expect(time({ units: 16 })).toBeLessThan(0.7 * usual);
    expect(time({ gigahertz: 2.56 })).toBeLessThan(0.7 * usual);
    expect(time({ gigabytesPerSecond: 6.8 })).toBeGreaterThan(1.5 * usual);
  });

  it('knows GPUs whose makers WebGPU names, each once', () => {
    const names = GPUS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { vendor } of GPUS) {
      expect(['amd', 'apple', 'intel', 'nvidia', 'qualcomm']).toContain(vendor);
    }
  });
});
