import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { loadDataset } from '../../src/data/load.js';
import { flagSource, resolveConfig } from '../../src/runs/config/parse-config.js';
import { startRun } from '../../src/runs/trainer/run.js';
import { createMetrics } from '../../src/telemetry/prometheus/metrics.js';
import { startServer } from '../../src/telemetry/server/server.js';
import type { Target } from './prometheus.js';

/** A real run, small. The two kinds together have something to say on every metric. */
export type WatchedRun = Target & {
  /** Rejects when the run fails. */
  readonly failure: Promise<never>;
  /** Ends one of its host threads, as a crash would. */
  killHost(): void;
  close(): Promise<void>;
};

const SMALL = { data: 'synthetic:users=300,items=100,ratings=6000', threads: '2', patience: '0', cohort: '32' };

const FLEET = {
  ...SMALL,
  epochs: '1000000',
  decoys: '5',
  dtype: 'f16',
  // Models are evicted, gradients clipped.
  modelMemory: '0.05',
  'optimizer.clip': '0.01',
  'metamf.hidden': '16',
  // Updates are stale, lost and rejected; devices refuse.
  sampling: 'uniform',
  'fleet.profiles': 'scripts/dashboards/fleet.yaml',
  'fleet.dropoutDuring': '0.05',
  'policy.kind': 'buffered',
  'defence.normMultiple': '2',
  // Every few seconds.
  'checkpoint.every': '0.05',
};

/** Its noise gives a guarantee, which a fleet's updates without noise do not. It ends soon, and its last numbers stay. */
const PRIVATE = { ...SMALL, epochs: '2', algorithm: 'fedavg', updates: 'clip,central-noise', 'defence.normMultiple': '0' };

const KINDS = { fleet: FLEET, private: PRIVATE };

/** The names of all watched runs match `WATCHED`. */
export const WATCHED = 'dashboards-check-.+';

export const startWatchedRun = async (kind: keyof typeof KINDS, folder: string): Promise<WatchedRun> => {
  const name = `dashboards-check-${kind}`;
  const config = resolveConfig(flagSource(KINDS[kind]));
  const { algorithm, data, delivery, dtype, seed } = config;
  const run: { sample?: () => { queued: number; utilization: number; threads: number } } = {};
  const metrics = createMetrics({
    run: { run: name, algorithm, data, delivery, dtype, seed: String(seed), version: '0' },
    pool: () => run.sample?.() ?? { queued: 0, utilization: 0, threads: 0 },
  });
  const token = randomBytes(16).toString('hex');
  const server = await startServer({ port: 0, registry: metrics.registry, token, status: () => ({}) });
  try {
    const started = await startRun({
      config,
      dataset: await loadDataset(data, { split: 'auto', seed }),
      onEvent: metrics.observe,
      checkpoints: { last: path.join(folder, `${kind}-last.checkpoint`), best: path.join(folder, `${kind}-best.checkpoint`) },
    });
    run.sample = started.sample;
    let closing = false;
    const failure = new Promise<never>((_, reject) => {
      started.finished.catch((error: unknown) => {
        if (!closing) reject(error);
      });
    });
    failure.catch(() => {}); // Handled where it is raced against.
    return {
      url: server.url,
      token,
      failure,
      killHost: () => started.killThread(0),
      close: async () => {
        closing = true;
        await Promise.all([started.close(), server.close()]);
      },
    };
  } catch (error) {
    await server.close();
    throw error;
  }
};
