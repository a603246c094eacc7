import { defineConfig } from 'vitest/config';

/**
 * `npm run test:package`: this package, built, packed, and used as others use it. `-- quick` needs no registry; `--
 * examples` takes three.js from it, `-- lint` the checkers of packages, `-- matrix` compilers and bundlers, `-- npx` Dawn
 * and SwiftShader.
 */
export default defineConfig({
  test: {
    include: ['packaging/test/*.test.ts', 'test/examples/*.test.ts'],
    globalSetup: 'packaging/test/pack.ts',
    fileParallelism: false,
    pool: 'forks',
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
