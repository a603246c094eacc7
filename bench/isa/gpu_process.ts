/** A process that sees a GPU that need not be there, as a script sets it up, and what its driver says. */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { OF_PIPELINE } from './pipeline_log.ts';

/**
 * The names of `--gpus`, of which `all` stands for all that the script tells without an argument.
 *
 * @throws Error where it tells none, and where it tells others than a name that is given.
 */
export function gpusOf(names: string, envScript: string): readonly string[] {
  const given = names.split(',').map((name) => name.trim());
  if (given.some((name) => name === '')) throw new Error(`--gpus "${names}": a name is empty`);
  const { status, stdout, stderr } = spawnSync('bash', [envScript], { encoding: 'utf8' });
  const known = status === 0 ? stdout.split('\n').filter(Boolean) : [];
  if (names === 'all' && known.length > 0) return known;
  if (names === 'all') {
    throw new Error(
      `${envScript} should list GPUs without an argument; it ended with ${status}: ${stderr.trim()}`,
    );
  }
  const unknown = known.length > 0 && given.find((name) => !known.includes(name));
  if (unknown) throw new Error(`no GPU is called ${unknown}; there are: ${known.join(' ')}`);
  return given;
}

export interface Output {
  /** What it wrote to file descriptor 3. */
  readonly lines: string;
  readonly stdout: string;
  /** Its stderr, and in between, at its time, a line of JSON for each pipeline (pipeline_log.ts). */
  readonly log: string;
}

/**
 * Runs a script of TypeScript with the variables of a GPU set.
 *
 * @param onLine - Told how many lines there are.
 * @throws Error with the end of stderr, where it fails.
 */
export async function runOn(
  gpu: string,
  envScript: string,
  [script, ...args]: readonly [script: string, ...args: readonly string[]],
  onLine: (count: number) => void,
): Promise<Output> {
  const folder = mkdtempSync(join(tmpdir(), 'tilewise-isa-'));
  // Files, since Node's pipes drop what a driver writes too fast; to append to, since the layer writes there, too.
  const files = { stdout: join(folder, 'stdout'), log: join(folder, 'log') };
  const [stdout, stderr] = [openSync(files.stdout, 'a'), openSync(files.log, 'a')];
  try {
    // The `node` that the script puts on the PATH, and no other that it would start. Positional parameters, so that no
    // name is read as shell code.
    const shell = 'set -e; exports=$(bash "$0" "$1"); eval "$exports"; shift; exec "$@"';
    const node = ['node', '--import', import.meta.resolve('tsx'), script, ...args];
    const child = spawn('bash', ['-c', shell, envScript, gpu, ...node], {
      // Mesa's driver of Apple's GPUs prints their code, and tells it no layer.
      env: { ...process.env, ISA_LOG: files.log, AGX_MESA_DEBUG: 'shaders' },
      stdio: ['ignore', stdout, stderr, 'pipe'],
    });
    let lines = '';
    const written = child.stdio[3] as Readable;
    written.setEncoding('utf8').on('data', (text: string) => {
      lines += text;
      onLine(lines.split('\n').length);
    });
    const code = await new Promise((resolve, reject) => {
      child.once('error', reject).once('close', (status, signal) => resolve(status ?? signal));
    });
    const log = existsSync(files.log) ? readFileSync(files.log, 'utf8') : '';
    if (code !== 0) throw new Error(`compiling ended with ${code}\n${endOf(log)}`);
    return { lines, stdout: readFileSync(files.stdout, 'utf8'), log };
  } finally {
    for (const file of [stdout, stderr]) closeSync(file);
    rmSync(folder, { recursive: true, force: true });
  }
}

function endOf(log: string): string {
  const said = log.split('\n').filter((line) => line && !line.startsWith(OF_PIPELINE));
  return said.slice(-5).join('\n');
}
