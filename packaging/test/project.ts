/** An empty project of a user's, for tests. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inject } from 'vitest';

export type Files = Readonly<Record<string, string>>;

export class Project implements Disposable {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'tilewise-project-'));

  /** With these files. */
  constructor(files: Files) {
    this.write({ 'package.json': '{"private": true, "type": "module"}', ...files });
  }

  write(files: Files): void {
    for (const [name, text] of Object.entries(files)) {
      const path = join(this.folder, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
  }

  /** Puts the package where npm would, without npm. */
  unpack(): void {
    const target = join(this.folder, 'node_modules', 'tilewise');
    mkdirSync(target, { recursive: true });
    execFileSync('tar', ['xzf', inject('tarball'), '-C', target, '--strip-components=1']);
  }

  /** Has npm install the package, and others beside it. */
  install(...packages: readonly string[]): Promise<string> {
    const options = ['--no-audit', '--no-fund', '--no-save', '--ignore-scripts'];
    return this.run('npm', ['install', ...options, inject('tarball'), ...packages]);
  }

  /** What a program prints. Throws with all that it says where it fails. */
  run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
    const options = { cwd: this.folder, env: { ...process.env, ...env }, maxBuffer: 2 ** 26 };
    return new Promise((resolve, reject) => {
      execFile(program, args, options, (error, stdout, stderr) => {
        if (error) reject(new Error(`${program} ${args.join(' ')}:\n${stdout}${stderr}`));
        else resolve(stdout);
      });
    });
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
