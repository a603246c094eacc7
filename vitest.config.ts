import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Examples import what users import.
  resolve: { tsconfigPaths: true },
  test: {
    include: ['{src,shaders,node,measure,terminal,cli,bench,packaging,test}/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'bench/peers/**', 'packaging/test/**', 'test/examples/**'],
    // The software GPU of a test machine uses every core by itself; one process at a time is fastest,
    // and each file gets its own, since drivers keep state.
    pool: 'forks',
    // Memory is measured after garbage was collected.
    execArgv: ['--expose-gc'],
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
