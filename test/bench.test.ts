import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ModelRun } from '../measure/model_runs.ts';
import { COMMAND, runCli, temporaryFolder } from './fixtures/cli.ts';

const folder = temporaryFolder();
const adapter = process.env.TILEWISE_ADAPTER;
const adapterOption = adapter === undefined ? [] : ['--adapter', adapter];

function runsIn(stdout: string): readonly ModelRun[] {
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ModelRun);
}

describe('bench model', () => {
  const bench = ['bench', 'model', '--model', 'lenet', '--json'];

  it('measures every combination of batches and sizes', async () => {
    const lists = ['--batch', '1,2', '--runs', '1'];
    const { stdout, code } = await runCli([...bench, ...lists]);
    expect(code).toBe(0);
    expect(runsIn(stdout).map(({ inputShape }) => inputShape)).toEqual([
      [1, 1, 28, 28],
      [2, 1, 28, 28],
    ]);
  });

  it('does as many runs as three seconds hold, where nobody says how many', async () => {
    const begun = performance.now();
    const [run] = runsIn((await runCli(bench)).stdout);
    expect(run?.runs).toBeGreaterThanOrEqual(10);
    expect(run).toHaveProperty('noise');
    expect(performance.now() - begun).toBeGreaterThan(3000);
  });

  it('compares with an earlier run: exit code 1 where it is slower than the tolerance allows', async () => {
    const { stdout } = await runCli([...bench, '--runs', '5']);
    const [run] = runsIn(stdout);
    if (!run) throw new Error('there is no run');
    const compareWith = async (earlier: ModelRun, tolerance: string) => {
      const file = join(folder, 'earlier.json');
      writeFileSync(file, JSON.stringify([earlier]));
      const options = ['--runs', '5', '--compare', file, '--tolerance', tolerance];
      return runCli([...bench, ...options]);
    };
    const faster = { ...run, medianMs: run.medianMs / 100, highMs: run.medianMs / 100 };
    const regression = await compareWith(faster, '10');
    expect(regression.code).toBe(1);
    expect(JSON.parse(regression.stdout)).toMatchObject({ comparison: { verdict: 'slower' } });
    const tolerated = await compareWith(faster, '1000000%');
    expect(tolerated.code).toBe(0);
    expect(JSON.parse(tolerated.stdout)).toMatchObject({ comparison: { verdict: 'same' } });
  });

  it('--cold: stages of starts in new processes, one after the other, and the slowest kernels', async () => {
    const { stdout, code } = await runCli([...bench, '--cold', '--runs', '2', '--batch', '3']);
    expect(code).toBe(0);
    const { stages, totals, totalMs, otherMs, slowest, ...report } = JSON.parse(stdout);
    expect(report).toMatchObject({ model: 'lenet', inputShape: [3, 1, 28, 28] });
    expect(totals).toHaveLength(2);
    expect(totals[0]).toBe(totalMs);
    const names = stages.map(({ stage }: { stage: string }) => stage);
    const steps = ['graph', 'adapter', 'device', 'plan', 'compile', 'read', 'arrange', 'upload'];
    expect(names.filter((name: string) => name !== 'warmUp')).toEqual([...steps, 'bind', 'run']);
    // Every stage took its time, within the whole; little is unaccounted for.
    for (const { ms, fromMs, toMs } of stages) {
      expect(ms).toBeGreaterThan(0);
      expect(fromMs + ms).toBeLessThan(toMs + 0.01);
      expect(toMs).toBeLessThan(totalMs + 0.01);
    }
    expect(otherMs).toBeLessThan(totalMs / 10);
    expect(report.kernels).toBeGreaterThanOrEqual(5);
    expect(slowest).toHaveLength(3);
    const times = slowest.map(({ ms }: { ms: number }) => ms);
    expect(times).toEqual(times.toSorted((a: number, b: number) => b - a));
    expect(slowest[0].kernel).toMatch(/ "(conv|relu|fc|pool)\d"$/);
    expect(report.aloneMs).toBeGreaterThanOrEqual(times[0] + times[1] + times[2] - 0.01);
  });

  it('--cold: as a table, and with the failure of the process that it started', async () => {
    const cold = ['bench', 'model', '--model', 'lenet', '--cold', '--runs', '1'];
    const { stdout } = await runCli(cold);
    expect(stdout).toContain('from weights in memory to the first result\n');
    expect(stdout).toMatch(/^fold and rearrange weights +\d/m);
    expect(stdout).toMatch(/kernels for \d dispatches: .* together;/);
    const failed = await runCli([...cold, '--weights', 'nowhere.safetensors']);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain('error: weights file "nowhere.safetensors" cannot be read');
  });

  it('says what is wrong with a file to compare with', async () => {
    const file = join(folder, 'wrong.json');
    writeFileSync(file, '{"medianMs":1}');
    const { code, stderr } = await runCli([...bench, '--compare', file]);
    expect(code).not.toBe(0);
    expect(stderr).toContain(`--compare "${file}" cannot be read: it is no output of this version`);
  });
});

describe('bench kernels', () => {
  const bench = ['bench', 'kernels', ...adapterOption];

  it('reports a shape as JSON with the limits of the same run and the machine, and as a page', async () => {
    const html = join(folder, 'kernels.html');
    const shape = ['--shape', 'conv2d 1,4,9,9 channels=8 kernel=3', '--quick'];
    const { stdout, code } = await runCli([...bench, ...shape, '--html', html, '--json']);
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(report.layers).toHaveLength(1);
    expect(report.ceilings.gflops).toBeGreaterThan(0);
    expect(report.machine.cores).toBeGreaterThan(0);
    expect(readFileSync(html, 'utf8')).toContain('conv2d 1,4,9,9 channels=8 kernel=3');
  });

  it('prints what is done when Ctrl-C comes, and ends with exit code 130', async () => {
    const child = spawn(process.execPath, [...COMMAND, ...bench, '--quick'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.stdout.on('data', (chunk: Buffer) => {
      if (stdout === '') child.kill('SIGINT');
      stdout += chunk.toString();
    });
    const [code] = await once(child, 'close');
    expect(code).toBe(130);
    expect(stdout).toContain('conv2d 1,3,224,224 channels=64 kernel=7');
    expect(stdout).toContain('limits measured');
    expect(stderr).toMatch(/stopped: [12] of \d+ layer shapes/);
  });
});
