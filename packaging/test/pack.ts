/** Builds and packs, once for all tests. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    readonly tarball: string;
  }
}

export default function pack(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'tilewise-pack-'));
  // What it would do by itself prints, as `--json` does.
  execFileSync('npm', ['run', '-s', 'build'], { stdio: ['ignore', 'ignore', 'inherit'] });
  const options = ['--ignore-scripts', '--json', '--pack-destination', folder];
  const report: unknown = JSON.parse(
    execFileSync('npm', ['pack', ...options], { encoding: 'utf8' }),
  );
  // A list in older versions of npm, an object by name in newer.
  const [packed] = Object.values(report as Record<string, { readonly filename: string }>);
  project.provide('tarball', join(folder, packed?.filename ?? ''));
  return () => rmSync(folder, { recursive: true });
}
