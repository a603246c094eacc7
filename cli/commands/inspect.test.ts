import { describe, expect, it } from 'vitest';
import { fileTuningStore } from '../../node/tuning_file.ts';
import {
  buildModel,
  type Device,
  findModel,
  keepTuning,
  prepare,
  shapeKey,
} from '../../src/index.ts';
import { type CliResult, runCli, temporaryFolder } from '../../test/fixtures/cli.ts';
import { useDevice } from '../../test/fixtures/device.ts';

const device = useDevice();
const folder = temporaryFolder();

interface Report {
  readonly parts: number;
  readonly passes: readonly { readonly stage: string }[];
  readonly dispatches: readonly {
    readonly layer: string;
    readonly kernel: string;
    readonly config: object;
  }[];
  readonly layers: readonly { readonly layer: string; readonly kernel: string }[];
}

function reportOf({ code, stdout, stderr }: CliResult): Report {
  expect(stderr).not.toMatch(/error/);
  expect(code).toBe(0);
  return JSON.parse(stdout) as Report;
}

/** Keeps for a layer of LeNet another kernel than the one that would run untuned. */
async function tuneOtherwise(opened: Device, layer: string) {
  const { profile } = opened;
  const { plan } = prepare(buildModel(findModel('lenet')), { device: profile });
  const planned = plan.dispatches.find(({ node }) => node.name === layer);
  const other = planned?.node.op
    .candidates(planned.node, profile)
    .find(({ kernel }) => kernel !== planned.kernel);
  if (!planned || !other) throw new Error(`no kernel but one can run "${layer}"`);
  const { kernel, config } = other;
  const tuning = new Map([[shapeKey(planned.node), { kernel, config }]]);
  await keepTuning(opened, fileTuningStore(folder), tuning);
  return { kernel, config };
}

describe('tilewise inspect', () => {
  it('shows the kernels that a run takes, as tuned; so does verify', async () => {
    const tuned = await tuneOtherwise(device(), 'conv2');
    const env = { TILEWISE_TUNING_DIR: folder };
    const args = ['--model', 'lenet', '--json'];
    const { dispatches } = reportOf(await runCli(['inspect', '--kernels', ...args], env));
    expect(dispatches.find(({ layer }) => layer === 'conv2')).toMatchObject(tuned);
    const profiled = reportOf(await runCli(['profile', '--runs', '1', ...args], env));
    expect(dispatches.map(({ kernel, config }) => ({ kernel, config }))).toEqual(
      profiled.dispatches.map(({ kernel, config }) => ({ kernel, config })),
    );
    const { layers } = reportOf(await runCli(['verify', ...args], env));
    expect(layers.find(({ layer }) => layer === 'conv2')).toMatchObject({ kernel: tuned.kernel });
  });

  it.each(['--kernels', '--memory'])(
    '%s cuts a batch that is too large, as a run does',
    async (what) => {
      // The first convolution puts out 74 kB an image.
      const { maxBufferSize, maxStorageBufferBindingSize } = device().profile.limits;
      const images = Math.ceil(Math.min(maxBufferSize, maxStorageBufferBindingSize) / 60_000);
      const batch = ['--batch', String(2 * Math.ceil(images / 2))];
      const inspect = ['inspect', '--model', 'lenet', ...batch, what];
      expect(reportOf(await runCli([...inspect, '--json'])).parts).toBeGreaterThan(1);
      expect((await runCli(inspect)).stdout).toMatch(/\nruns in \d+ parts of \d+: a batch of/);
    },
  );

  it('--passes shows every stage, without an adapter for any GPU', async () => {
    const args = ['inspect', '--model', 'lenet', '--batch', '4000', '--passes', '--json'];
    const { parts, passes } = reportOf(await runCli(args));
    expect(parts).toBe(4);
    expect(passes.map(({ stage }) => stage)).toEqual([
      'cut batch',
      'remove unread nodes',
      'fold batch norm',
      'merge movements',
      'sink transposes',
      'absorb padding',
      'merge pointwise',
      'sink reshapes',
      'fold factors',
      'absorb affine',
      'fuse epilogue',
      'inline scalars',
      'one pixel as linear',
      'store as f32',
      'split large weights',
      'assign layouts',
    ]);
  });
});
