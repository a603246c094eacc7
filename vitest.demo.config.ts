import { defineConfig } from 'vitest/config';

/** `npm run test:demo`: the built demo in headless Chromium, on SwiftShader. */
export default defineConfig({
  test: {
    include: ['demo/**/*.test.ts'],
    globalSetup: 'demo/test/fixtures/build_and_serve.ts',
    // Two browsers at a time: their GPU processes use every core while they compile, and none while a test waits.
    maxWorkers: 2,
    pool: 'forks',
    // Where others use the machine, a test of ResNet-50 takes minutes.
    testTimeout: 400_000,
    hookTimeout: 120_000,
  },
});
