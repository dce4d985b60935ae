import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatBytes, formatCount, formatMetric } from '../../src/report/format.js';
import type { Summary } from '../../src/runs/folder/summary.js';
import { LABELS, RUN_LABELS } from '../../src/telemetry/prometheus/metrics.js';
import { launch, metafleet, SMALL, temporaryFolder } from '../support/cli/command.js';

const summaryIn = (folder: string): Summary => JSON.parse(readFileSync(join(folder, 'summary.json'), 'utf8')) as Summary;

type Line = Record<string, unknown>;
const linesIn = (path: string): Line[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((text) => JSON.parse(text) as Line);

/** Lines without what depends on the clock. */
const timeless = (path: string): Line[] =>
  linesIn(path).map((line) => Object.fromEntries(Object.entries(line).filter(([key]) => !/millis/i.test(key))));

const digestIn = (table: string): string | undefined => /^digest +([0-9a-f]{64})$/m.exec(table)?.[1];

/** Of a summary, what a run that was interrupted and resumed has in common with one that was not. */
const costs = ({ digest, valid, test, bestEpoch, lastEpoch, bytes, messages, rounds, epochs, updates, ratings, baselines }: Summary) => {
  const byKind = bytes.byKind.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  return { digest, valid, test, bestEpoch, lastEpoch, bytes: { ...bytes, byKind }, messages, rounds, epochs, updates, ratings, baselines };
};

const METRICS = [
  'metafleet_message_bytes_total',
  'metafleet_messages_total',
  'metafleet_round_duration_seconds',
  'metafleet_phase_duration_seconds',
  'metafleet_device_update_duration_seconds',
  'process_resident_memory_bytes',
  'metafleet_devices_activated_total',
  'metafleet_train_loss',
  'metafleet_metric',
  'metafleet_pool_queue_size',
  'metafleet_pool_utilization_ratio',
];

/** Names of the labels of metafleet's own metrics in Prometheus text. */
const labelsIn = (text: string): string[] => {
  const series = text.split('\n').filter((line) => line.startsWith('metafleet_'));
  return [...new Set(series.flatMap((line) => [...line.matchAll(/[{,]([a-z_]+)="/g)].map(([, name]) => name!)))].sort();
};

describe('metafleet run', () => {
  it('that cannot write its last checkpoint prints its results, says so, and fails', async () => {
    const cwd = await temporaryFolder();
    const { said, ended } = launch(['run', ...SMALL, '--epochs', '3', '--name', 'r', '--checkpoint.keep', '1'], { cwd });
    await said(/^epoch 1\/3/m);
    // No file can take the place of a folder.
    mkdirSync(join(cwd, 'results', 'r', 'last.checkpoint'));
    const { code, out, err } = await ended;
    expect(digestIn(out)).toBeDefined();
    expect(err).toMatch(/^metafleet: .*last\.checkpoint: not written to the end; the results stand, but the run cannot be taken up/m);
    expect(code).toBe(1);
  });

  it('runs under flags of V8, which threads refuse', async () => {
    const cwd = await temporaryFolder();
    const nodeFlags = ['--expose-gc', '--max-old-space-size=2000'];
    const { code, err } = await metafleet(['run', ...SMALL, '--epochs', '1'], { cwd, nodeFlags });
    expect(err).toMatch(/^epoch 1\/1: /m);
    expect(code).toBe(0);
  });

  it('trains, prints what it found and what it cost, and leaves it all in a folder', async () => {
    const cwd = await temporaryFolder();
    const { code, out, err } = await metafleet(['run', ...SMALL, '--epochs', '3', '--seed', '4', '--name', 'first'], { cwd });
    expect(err).toMatch(/^epoch 3\/3: train loss \d/m);
    expect(code).toBe(0);

    const folder = join(cwd, 'results', 'first');
    expect(readdirSync(folder).sort()).toEqual([
      ...['best.checkpoint', 'config.yaml', 'epochs.ndjson', 'flights', 'last.checkpoint', 'rounds.ndjson', 'summary.json'],
    ]);
    const summary = summaryIn(folder);
    expect(summary).toMatchObject({
      run: 'first',
      algorithm: 'metamf',
      seed: 4,
      reason: 'completed',
      devices: 24,
      epochs: 3,
      lastEpoch: 3,
    });
    expect(summary.config).toMatchObject({ epochs: 3, seed: 4, cohort: 8, metamf: { hidden: 6 } });
    expect(summary.digest).toMatch(/^[0-9a-f]{64}$/);
    expect(summary.environment).toMatchObject({ node: process.versions.node, kernels: expect.stringMatching(/simd|reference/) });
    for (const part of [summary.valid, summary.test]) {
      for (const pair of [part.best, part.last]) {
        const { mae, mse } = pair as Record<string, number>;
        expect(mse).toBeGreaterThan(0);
        expect(mae! ** 2).toBeLessThanOrEqual(mse!);
      }
    }
    expect(Object.keys(summary.baselines)).toHaveLength(4);
    expect(summary.latency.roundMillis.p95).toBeGreaterThan(0);
    expect(summary.latency.deviceMillis.p50).toBeGreaterThan(0);
    expect(summary.memory.rssPeakBytes).toBeGreaterThan(2e7);
    expect(summary.memory.residentModelsMax).toBe(24);

    // The lines, the summary and the table tell one story.
    const rounds = linesIn(join(folder, 'rounds.ndjson'));
    const epochs = linesIn(join(folder, 'epochs.ndjson'));
    expect(rounds.map(({ round }) => round)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
    const sum = (lines: readonly Line[], key: string): number => lines.reduce((total, line) => total + (line[key] as number), 0);
    expect(summary.bytes.training).toEqual({ down: sum(rounds, 'bytesDown'), up: sum(rounds, 'bytesUp') });
    expect(summary.bytes.evaluation).toEqual({ down: sum(epochs, 'bytesDown'), up: sum(epochs, 'bytesUp') });
    expect(summary.messages).toBe(sum(rounds, 'messages') + sum(epochs, 'messages'));
    expect(summary.test.last).toEqual({ mae: epochs[2]!['testMae'], mse: epochs[2]!['testMse'] });
    expect(summary.valid.best!.mse).toBe(Math.min(...epochs.map((line) => line['validMse'] as number)));
    expect(digestIn(out)).toBe(summary.digest);
    for (const figure of [
      ...[summary.test.best!, summary.test.last!, ...Object.values(summary.baselines)].flatMap(({ mse, mae }) =>
        [mse, mae].map(formatMetric),
      ),
      ...[summary.bytes.training, summary.bytes.evaluation].flatMap(({ down, up }) => [down, up].map(formatBytes)),
      ...[summary.parameters, summary.messages].map(formatCount),
    ])
      expect(out).toContain(figure);
    expect(out).toMatch(/^results +results\/first$/m);

    // What was left is enough for the same again, by its configuration alone.
    const again = await metafleet(
      ['run', '--config', 'results/first/config.yaml', '--quiet', '--threads', '1', '--metrics.enabled', 'false'],
      { cwd },
    );
    expect(again).toMatchObject({ code: 0, err: '' });
    expect(digestIn(again.out)).toBe(summary.digest);
  });

  it('serves metrics while it runs, is stopped by Ctrl-C with a checkpoint and a table, and resumed to the uninterrupted end', async () => {
    const cwd = await temporaryFolder();
    const folder = join(cwd, 'results', 'stopped');
    const long = launch(['run', ...SMALL, '--epochs', '100000', '--checkpoint.best', 'false', '--name', 'stopped'], { cwd });
    const [, address] = await long.said(/its metrics at (http:\/\/127\.0\.0\.1:\d+)\/metrics$/m);
    await long.said(/^epoch 2\//m);
    const [metrics, status, health] = await Promise.all(
      ['metrics', 'status', 'healthz'].map(async (path) => (await fetch(`${address}/${path}`)).text()),
    );
    const families = new Set(metrics!.split('\n').map((line) => /^# TYPE (\S+)/.exec(line)?.[1]));
    for (const family of METRICS) expect(families).toContain(family);
    expect(metrics).toMatch(/^metafleet_message_bytes_total\{direction="down",kind="model",dtype="f32",run="stopped"\} [1-9]/m);
    expect(metrics).toMatch(/^metafleet_pool_threads\{run="stopped"\} 2$/m);
    // Nothing that names a device: the number of series does not grow with the fleet.
    expect([...Object.keys(LABELS), ...RUN_LABELS, 'le']).toEqual(expect.arrayContaining(labelsIn(metrics!)));
    expect(JSON.parse(status!)).toMatchObject({ run: 'stopped', reason: 'unfinished', devices: 24 });
    expect(health).toBe('ok\n');

    long.kill('SIGINT');
    const stopped = await long.ended;
    expect(stopped.code).toBe(130);
    expect(stopped.err).toContain('stopping after this round, with a checkpoint (Ctrl-C again: at once)\n');
    expect(stopped.err).toMatch(/^last\.checkpoint of round [\d,]+: /m);
    expect(stopped.out).toMatch(/^end +interrupted$/m);
    expect(stopped.out).toMatch(/^metamf, best-validation epoch \(\d+\) +\d/m);
    const before = summaryIn(folder);
    expect(before.reason).toBe('interrupted');
    expect(digestIn(stopped.out)).toBe(before.digest);
    expect(linesIn(join(folder, 'rounds.ndjson'))).toHaveLength(before.rounds.total);

    const epochs = String(Math.ceil(before.rounds.total / 3) + 2);
    const [resumed, whole] = await Promise.all([
      metafleet(['run', '--resume', 'results/stopped', '--epochs', epochs], { cwd }),
      metafleet(['run', ...SMALL, '--epochs', epochs, '--name', 'whole', '--quiet'], { cwd }),
    ]);
    expect(resumed.code).toBe(0);
    expect(resumed.err).toMatch(new RegExp(`^resumed after round ${formatCount(before.rounds.total)}$`, 'm'));
    expect(digestIn(resumed.out)).toBe(digestIn(whole.out));
    expect(resumed.out).toMatch(/^end +completed, resumed after round/m);
    const after = summaryIn(folder);
    expect(after.resumedFrom).toEqual([before.rounds.total]);
    expect(costs(after)).toEqual(costs(summaryIn(join(cwd, 'results', 'whole'))));
    for (const file of ['rounds.ndjson', 'epochs.ndjson'])
      expect(timeless(join(folder, file))).toEqual(timeless(join(cwd, 'results', 'whole', file)));

    // Resumed once more, it has nothing left to do.
    const again = await metafleet(['run', '--resume', 'results/stopped/', '--quiet'], { cwd });
    expect(again).toMatchObject({ code: 0, err: '' });
    expect(digestIn(again.out)).toBe(digestIn(whole.out));
    expect(costs(summaryIn(folder))).toEqual(costs(after));
  });

  it('is stopped by SIGTERM like by Ctrl-C', async () => {
    const cwd = await temporaryFolder();
    const long = launch(['run', ...SMALL, '--epochs', '100000', '--name', 'ended', '--baselines', 'false'], { cwd });
    await long.said(/^epoch 1\//m);
    long.kill('SIGTERM');
    const { code, out } = await long.ended;
    expect(code).toBe(130);
    expect(out).toMatch(/^end +interrupted$/m);
    expect(readdirSync(join(cwd, 'results', 'ended'))).toContain('last.checkpoint');
  });

  it('ends at once at the second Ctrl-C, and at the first before training begins', async () => {
    const cwd = await temporaryFolder();
    // One round takes seconds: the first signal alone would wait for it.
    const heavy = [
      '--data',
      'synthetic:users=800,items=1500,ratings=80000',
      '--cohort',
      '800',
      '--delivery',
      'full',
      '--metamf.hidden',
      '256',
    ];
    const slow = launch(['run', ...heavy, '--threads', '2', '--baselines', 'false', '--name', 'slow', '--epochs', '1000'], { cwd });
    const [, address] = await slow.said(/its metrics at (http:\S+)\/metrics$/m);
    const started = async (): Promise<boolean> => {
      const { parameters } = (await (await fetch(`${address}/status`)).json()) as Partial<Summary>;
      return (parameters ?? 0) > 0;
    };
    while (!(await started())) await new Promise((resolve) => setTimeout(resolve, 10));
    slow.kill('SIGINT');
    await slow.said(/stopping after this round/);
    // Signals that follow at once are the same press.
    const insist = setInterval(() => slow.kill('SIGINT'), 100);
    const ended = await slow.ended;
    clearInterval(insist);
    expect(ended).toMatchObject({ code: 130, out: '' });
    expect(ended.err).toContain('stopping at once\n');
    expect(readdirSync(join(cwd, 'results', 'slow')).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect(readdirSync(join(cwd, 'results', 'slow'))).not.toContain('last.checkpoint');

    const early = launch(['run', ...heavy, '--name', 'early'], { cwd });
    await early.said(/^fitting the baselines$/m);
    early.kill('SIGINT');
    const { code, out, err } = await early.ended;
    expect({ code, out }).toEqual({ code: 130, out: '' });
    expect(err).toContain('stopped before training began\n');
  });

  it('prints its configuration, documented, which read back is the same', async () => {
    const cwd = await temporaryFolder();
    const { code, out, err } = await metafleet(['run', '--print-config', '--metamf.hidden', '77', '--preset', 'paper'], { cwd });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^ {2}# hidden units of each generator.*\n {2}hidden: 77$/m);
    expect(out).toMatch(/^ratings: 1$/m);
    writeFileSync(join(cwd, 'mine.yaml'), out);
    const again = await metafleet(['run', '--config', 'mine.yaml', '--print-config'], { cwd });
    expect(again).toMatchObject({ code: 0, out, err: '' });
    const overridden = await metafleet(['run', '--config', 'mine.yaml', '--seed', '12', '--print-config'], { cwd });
    expect(overridden.out).toMatch(/^seed: 12$/m);
    expect(readdirSync(cwd)).toEqual(['mine.yaml']);
  });

  it('names its folder after data and time, and does not mind a reader that closes its output', async () => {
    const cwd = await temporaryFolder();
    const unread = launch(['run', ...SMALL, '--epochs', '1'], { cwd });
    unread.stopReading();
    const { code, out, err } = await unread.ended;
    expect({ code, out }).toEqual({ code: 0, out: '' });
    expect(err).toMatch(/completed at epoch 1, round 3, after .*\n$/);
    const [run] = readdirSync(join(cwd, 'results'));
    expect(run).toMatch(/^synthetic-users-24-items-20-ratings-300-metamf-\d{8}-\d{6}$/);
  });
});
