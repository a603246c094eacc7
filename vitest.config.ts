import { defineConfig } from 'vitest/config';

/** Tests that hardly use a GPU. One process runs many of their files: an eighth less time. */
const PLAIN = [
  '{shaders,terminal}/**/*.test.ts',
  'src/{onnx,tflite,numpy,models}/**/*.test.ts',
  'src/runtime/{movement,passes,weights}/**/*.test.ts',
];

export default defineConfig({
  // Examples import what users import.
  resolve: { tsconfigPaths: true },
  test: {
    // The software GPU of a test machine uses every core by itself; one process at a time is fastest.
    pool: 'forks',
    // Memory is measured after garbage was collected.
    execArgv: ['--expose-gc'],
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 60_000,
    projects: [
      { extends: true, test: { name: 'plain', include: PLAIN, isolate: false } },
      {
        extends: true,
        test: {
          name: 'whole',
          include: ['{src,shaders,node,measure,terminal,cli,bench,packaging,test}/**/*.test.ts'],
          // Each file has its own process, since drivers keep state.
          exclude: [
            ...['**/node_modules/**', 'bench/peers/**', 'packaging/test/**', 'test/examples/**'],
            ...PLAIN,
          ],
        },
      },
    ],
  },
});
