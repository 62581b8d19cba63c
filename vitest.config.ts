import { defineConfig } from 'vitest/config';

const project = {
  setupFiles: ['testing/harness/leaks.ts'],
  pool: 'forks' as const,
  testTimeout: 30_000,
  // Real processes on a shared machine: CI tries a failed test once more and says so; at a desk it fails at once.
  retry: process.env['CI'] ? 1 : 0,
  hookTimeout: 60_000,
  teardownTimeout: 20_000,
};

export default defineConfig({
  test: {
    // Once for all projects.
    globalSetup: ['testing/harness/global-setup.ts'],
    maxWorkers: 2,
    projects: [
      { test: { ...project, name: 'drey', include: ['{src,testing,setup,demo,bench}/**/*.test.ts', '*.test.ts'] } },
      // The whole system once more, on the reference library. The test of its other variant chooses for itself.
      { test: { ...project, name: 'libca', include: ['testing/system/*.test.ts'], exclude: ['testing/system/swept-libca.test.ts'], env: { DREY_CA: 'libca' } } },
    ],
  },
});
