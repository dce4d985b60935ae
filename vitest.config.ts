import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { PATIENCE_MILLIS } from './test/support/patience.js';

// Tests talk to servers on this machine. A proxy of the environment is for others.
const DIRECT = [process.env['NO_PROXY'] ?? process.env['no_proxy'], '127.0.0.1', 'localhost'].filter(Boolean).join(',');

const SYSTEM = 'test/**/*.system.test.ts';

export default defineConfig({
  test: {
    // Tests start threads on shared WebAssembly memory: a process per file keeps one file's threads out of another's.
    env: { NO_PROXY: DIRECT, no_proxy: DIRECT },
    pool: 'forks',
    maxWorkers: Math.min(availableParallelism(), 4),
    // These end what hangs. No test asserts how long anything takes.
    testTimeout: 2 * PATIENCE_MILLIS,
    hookTimeout: PATIENCE_MILLIS,
    expect: { poll: { timeout: PATIENCE_MILLIS } },
    projects: [
      // Files share a process and its modules: half of the time was loading them again. Threads that a file starts, it ends.
      { extends: true, test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: [SYSTEM], isolate: false } },
      { extends: true, test: { name: 'system', include: [SYSTEM] } },
    ],
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/**/assembly/**', 'src/**/*.d.ts'],
      reporter: ['text', 'html'],
    },
  },
});
