import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Participant } from './contender.ts';

/** Starts a contender in a process of its own. */
export async function startInNode(
  name: 'tilewise' | 'webgpu' | 'cpu',
  folder: string,
  adapter: string | undefined,
): Promise<Participant> {
  const script = fileURLToPath(new URL('./node_child.ts', import.meta.url));
  const child = fork(script, [name, folder, ...(adapter ? [adapter] : [])], {
    execArgv: ['--import', import.meta.resolve('tsx')],
    // Drivers and Dawn warn on stderr; errors come back as answers.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  await answerOf(child);
  const ask = async (request: string) => {
    const answer = answerOf(child);
    child.send(request);
    return (await answer) as Awaited<ReturnType<Participant['run']>>;
  };
  return {
    load: () => ask('load'),
    run: () => ask('run'),
    async close() {
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
  };
}

async function answerOf(child: ChildProcess): Promise<unknown> {
  const ended = new AbortController();
  const exit = once(child, 'exit', { signal: ended.signal }).then(([code, signal]) => {
    throw new Error(`the process ended with ${code ?? signal}`);
  });
  try {
    const [answer] = await Promise.race([once(child, 'message', { signal: ended.signal }), exit]);
    if (answer instanceof Object && 'error' in answer) throw new Error(String(answer.error));
    return answer;
  } finally {
    exit.catch(() => {});
    ended.abort();
  }
}
