import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Tests start threads on shared WebAssembly memory: a process per file keeps one file's threads out of another's.
    pool: 'forks',
    maxWorkers: Math.min(availableParallelism(), 4),
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/**/assembly/**', 'src/**/*.d.ts'],
      reporter: ['text', 'html'],
    },
  },
});
