/** Variables of the environment for native libraries, which ask the C library and not JavaScript. */
interface Ffi {
  dlopen(
    library: string,
    symbols: object,
  ): { readonly symbols: Readonly<Record<string, (...args: readonly unknown[]) => number>> };
}

/** Sets variables where native libraries see them: Node's `process.env` does so by itself, Bun's does not. */
export async function setEnvironment(variables: Readonly<Record<string, string>>): Promise<void> {
  Object.assign(process.env, variables);
  if (!process.versions.bun || process.platform !== 'linux') return;
  // By another name, since bundlers know no module of this one.
  const name = 'bun:ffi';
  const { dlopen } = (await import(/* @vite-ignore */ name)) as Ffi;
  const setenv = { args: ['cstring', 'cstring', 'i32'], returns: 'i32' };
  const { symbols } = dlopen('libc.so.6', { setenv });
  for (const [key, value] of Object.entries(variables)) {
    symbols.setenv?.(Buffer.from(`${key}\0`), Buffer.from(`${value}\0`), 1);
  }
}
