/** How commands end: what went wrong on one line of stderr, and an exit code. */
import { note } from './output.ts';

/** Runs a command. Failures are printed without a stack, which TILEWISE_DEBUG=1 adds, and make exit code 1. */
export async function runCommand(command: () => Promise<unknown>): Promise<void> {
  // The reader of a pipe may leave early (`| head`); that is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  try {
    await command();
  } catch (error) {
    fail(error);
  }
}

/** Prints an error and notes that the process has failed; the command may go on. */
export function fail(error: unknown): void {
  note(`error: ${error instanceof Error ? error.message : String(error)}`);
  if (process.env.TILEWISE_DEBUG && error instanceof Error) note(error.stack ?? '');
  process.exitCode = 1;
}
