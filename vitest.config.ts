import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{src,testing,setup,demo,bench}/**/*.test.ts', '*.test.ts'],
    globalSetup: ['testing/harness/global-setup.ts'],
    setupFiles: ['testing/harness/leaks.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    // Real processes on a shared machine: CI tries a failed test once more and says so; at a desk it fails at once.
    retry: process.env['CI'] ? 1 : 0,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
  },
});
