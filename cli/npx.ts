/** What `npx tilewise` adds: optional packages that a command turns out to need, in npx's own cache. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { MissingPackageError } from '../node/missing_package_error.ts';
import { packageFile } from '../node/package_file.ts';
import { note } from '../terminal/output.ts';

/** What the command takes beside itself, where it is asked for one of these; SwiftShader's package only by name. */
const USUAL = ['webgpu', 'sharp', '@huggingface/hub', 'undici'];

/** Names what a run that was started here was given, so that none is started for what did not help. */
const GIVEN = 'TILEWISE_NPX_PACKAGES';

/**
 * Runs a command. Where npx runs it and it lacks packages, npm runs it again with them, which it keeps for the next
 * time, and asks before where it would ask. Installed anywhere else, the command fails with the line that installs
 * them.
 */
export async function withPackages(command: () => Promise<unknown>): Promise<void> {
  try {
    await command();
  } catch (error) {
    if (!(error instanceof MissingPackageError) || !(await runWith(error.packages))) throw error;
  }
}

/** Whether npm ran the command again with these packages; its exit code is then this one's. */
async function runWith(missing: readonly string[]): Promise<boolean> {
  const npm = process.env.npm_execpath;
  const given = (process.env[GIVEN] ?? '').split(' ');
  const isNpx = /[/\\]_npx[/\\]/.test(packageFile('package.json'));
  if (!isNpx || !npm || missing.every((name) => given.includes(name))) return false;
  const packages = [...new Set([...USUAL, ...missing])];
  note(`npm adds ${missing.join(', ')}, which this needs`);
  const { version, peerDependencies: ranges } = readManifest();
  const specs = packages.map((name) => `--package=${name}@${ranges[name] ?? 'latest'}`);
  const options = [
    'exec',
    '--prefer-offline',
    `--package=tilewise@${version}`,
    ...specs,
    '--',
    'tilewise',
  ];
  const child = spawn(process.execPath, [npm, ...options, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, [GIVEN]: packages.join(' ') },
  });
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
  return true;
}

function readManifest(): {
  readonly version: string;
  readonly peerDependencies: Readonly<Record<string, string>>;
} {
  return JSON.parse(readFileSync(packageFile('package.json'), 'utf8'));
}
