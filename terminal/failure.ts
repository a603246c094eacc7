/** How commands end: what went wrong on one line of stderr, and an exit code. */
import { stderr, stdout } from 'node:process';
import { note } from './output.ts';

/** Runs a command. Failures are printed without a stack, which TILEWISE_DEBUG=1 adds, and make exit code 1. */
export async function runCommand(command: () => Promise<unknown>): Promise<void> {
  watchStreams();
  try {
    await command();
  } catch (error) {
    fail(error);
  }
}

/** Results that cannot be printed end the command; without what it says beside them, it goes on. */
function watchStreams(): void {
  let heard: NodeJS.ErrnoException | null = null;
  stderr.on('error', () => undefined);
  stdout.on('error', (error) => {
    heard = error;
    process.exit();
  });
  process.on('exit', () => {
    // A command that ends by itself at once, as --help does, has not heard of it.
    const error: NodeJS.ErrnoException | null = heard ?? stdout.errored;
    // The reader of a pipe may leave early (`| head`); that is no failure.
    if (error && error.code !== 'EPIPE') fail(`stdout cannot be written: ${error.message}`);
  });
}

/** Prints an error and notes that the process has failed; the command may go on. */
export function fail(error: unknown): void {
  note(`error: ${error instanceof Error ? error.message : String(error)}`);
  if (process.env.TILEWISE_DEBUG && error instanceof Error) note(error.stack ?? '');
  process.exitCode = 1;
}
