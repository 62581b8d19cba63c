import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{src,testing,setup,demo,bench}/**/*.test.ts', '*.test.ts'],
    globalSetup: ['testing/harness/global-setup.ts'],
    setupFiles: ['testing/harness/leaks.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
  },
});
