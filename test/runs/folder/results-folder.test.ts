import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { isMetafleetError } from '../../../src/base/errors.js';
import { bytes, millis } from '../../../src/base/units.js';
import { createSummary } from '../../../src/runs/folder/accounts.js';
import { writeAtomically } from '../../../src/runs/folder/atomic-write.js';
import { metricValuesIn } from '../../../src/runs/folder/metric-columns.js';
import { openResults, type Results } from '../../../src/runs/folder/results-folder.js';
import { defaultRunName } from '../../../src/runs/folder/run-name.js';
import { facts } from '../../support/report/facts.js';
import { epochFinished, roundFinished } from '../../support/report/run-events.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'metafleet-results-'));
});
afterEach(() => rm(root, { recursive: true }));

const origin = { data: '../shared/data/ml-1m/', algorithm: 'metamf', date: new Date(2025, 0, 2, 3, 4, 5) };
const rejection = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );
const linesOf = async (path: string): Promise<Record<string, unknown>[]> =>
  (await readFile(path, 'utf8'))
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const rounds = (results: Results, from: number, to: number): void => {
  for (let round = from; round <= to; round++) {
    results.observe(roundFinished({ round }));
    if (round % 10 === 0) results.observe(epochFinished({ epoch: round / 10, round }));
  }
};

describe('run names', () => {
  it('are made of data, algorithm and local time', () => {
    expect(defaultRunName(origin)).toBe('ml-1m-metamf-20250102-030405');
    expect(defaultRunName({ ...origin, data: 'synthetic:users=10,items=5' })).toBe('synthetic-users-10-items-5-metamf-20250102-030405');
  });
  it('never collide, however many runs start in the same second', async () => {
    const opened = await Promise.all(Array.from({ length: 5 }, () => openResults(root, origin)));
    await Promise.all(opened.map((results) => results.close()));
    expect(new Set(opened.map(({ run }) => run))).toEqual(
      new Set(['', '-2', '-3', '-4', '-5'].map((end) => `ml-1m-metamf-20250102-030405${end}`)),
    );
  });
  it.each(['', '..', 'a/b', 'a\\b', '-x', 'a b'])('refuses %j, which is no plain folder name', async (name) => {
    expect(isMetafleetError(await rejection(openResults(root, name)), 'CONFIG')).toBe(true);
    expect(await readdir(root)).toEqual([]);
  });
});

describe('results folder', () => {
  it('holds a flat line for each round and epoch', async () => {
    const results = await openResults(join(root, 'deep', 'results'), 'one');
    await results.writeConfig('seed: 1\n');
    rounds(results, 1, 10);
    await results.close();
    const lines = await linesOf(results.paths.rounds);
    expect(lines).toHaveLength(10);
    expect(lines[0]).toEqual({
      round: 1,
      epoch: 1,
      cohort: 64,
      ratings: 64,
      loss: 0.9,
      gradientNorm: 1.5,
      clipped: false,
      bytesDown: 64_000,
      bytesUp: 6_400,
      messages: 128,
      millis: 10,
      millisSample: 1,
      millisGenerate: 3,
      millisDevices: 2,
      millisBackward: 2,
      millisStep: 2,
      cpuMillis: 15,
      deviceMillisP50: 0.325,
      deviceMillisMax: 0.64,
      retries: 0,
      assigned: 64,
      trained: 64,
      refused: 0,
      dropped: 0,
      rejected: 0,
      late: 0,
    });
    expect(await linesOf(results.paths.epochs)).toEqual([
      {
        epoch: 1,
        round: 10,
        trainLoss: 0.95,
        validMae: 0.7,
        validMse: 0.83,
        testMae: 0.71,
        testMse: 0.84,
        best: true,
        bytesDown: 671_000,
        bytesUp: 0,
        messages: 671,
        millis: 300,
      },
    ]);
    expect(await results.readConfig()).toBe('seed: 1\n');
  });

  it('has a column for each metric of each part and activity group, null for a measure of nothing', async () => {
    const results = await openResults(root, 'ranked');
    const values = (ndcg: number | null) => ({ count: 1, metrics: { 'ndcg@10': ndcg, auc: null } });
    const groups = [{ group: 'low' as const, devices: 5, valid: values(0.1), test: values(0.2) }];
    results.observe(epochFinished({ valid: values(0.3), test: values(null), groups }));
    await results.close();
    const [line] = await linesOf(results.paths.epochs);
    expect(line).toMatchObject({
      'validNdcg@10': 0.3,
      validAuc: null,
      'testNdcg@10': null,
      testAuc: null,
      'testNdcg@10Low': 0.2,
      testAucLow: null,
    });
    expect([metricValuesIn(line as never, 'valid'), metricValuesIn(line as never, 'test')]).toEqual([
      { 'ndcg@10': 0.3, auc: null },
      { 'ndcg@10': null, auc: null },
    ]);
  });

  it('has each round once after a resume from an earlier checkpoint', async () => {
    const first = await openResults(root, 'one');
    await first.writeConfig('seed: 1\n');
    await writeFile(first.paths.checkpoints.last, 'Θ');
    rounds(first, 1, 25);
    await first.close();

    const second = await openResults(root, 'one', { resume: true });
    await second.cutAfter(18);
    rounds(second, 19, 40);
    await second.close();
    expect((await linesOf(second.paths.rounds)).map(({ round }) => round)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
    expect((await linesOf(second.paths.epochs)).map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4]);
  });

  it('loses no line of a round that ends while the lines are being cut', async () => {
    const first = await openResults(root, 'one');
    await first.writeConfig('');
    await writeFile(first.paths.checkpoints.last, 'Θ');
    rounds(first, 1, 25);
    await first.close();
    const second = await openResults(root, 'one', { resume: true });
    const cut = second.cutAfter(18);
    rounds(second, 19, 30);
    const closed = second.close();
    await Promise.all([cut, closed]);
    expect((await linesOf(second.paths.rounds)).map(({ round }) => round)).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
  });

  it('says which line of a resumed run is damaged, and closes all the same', async () => {
    const first = await openResults(root, 'one');
    await first.writeConfig('');
    await writeFile(first.paths.checkpoints.last, 'Θ');
    await first.close();
    await writeFile(first.paths.rounds, 'oops\n{"round":2}\n');
    const second = await openResults(root, 'one', { resume: true });
    expect(String(await rejection(second.cutAfter(2)))).toContain('rounds.ndjson:1: expected a JSON object with a round, found oops');
    await second.close();
  });

  it('writes an epoch once that is evaluated again after a resume', async () => {
    const first = await openResults(root, 'one');
    await first.writeConfig('');
    await writeFile(first.paths.checkpoints.last, 'Θ');
    rounds(first, 1, 10);
    await first.close();
    const second = await openResults(root, 'one', { resume: true });
    await second.cutAfter(10);
    second.observe(epochFinished({ epoch: 1, round: 10 }));
    await second.close();
    expect(await linesOf(second.paths.epochs)).toHaveLength(1);
  });

  it('has its lines on disk with each checkpoint', async () => {
    // No time passes after which lines are written anyway.
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const results = await openResults(root, 'one');
    rounds(results, 1, 3);
    results.observe({
      type: 'checkpoint',
      path: results.paths.checkpoints.last,
      round: 3,
      bytes: bytes(1),
      millis: millis(1),
      waited: millis(0),
    });
    await expect.poll(async () => (await linesOf(results.paths.rounds)).length).toBe(3);
    await results.close();
  });

  it('replaces the summary whole, leaving no temporary file, and keeps the old one when writing fails', async () => {
    const results = await openResults(root, 'one');
    const summary = createSummary(facts).summary();
    await results.writeSummary({ ...summary, seed: 7 });
    await results.writeSummary(summary);
    expect(JSON.parse(await readFile(results.paths.summary, 'utf8'))).toEqual(JSON.parse(JSON.stringify(summary)));
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    await expect(async () => results.writeSummary({ ...summary, config: circular })).rejects.toThrow();
    // A folder in the way: the rename fails after the temporary file was written.
    await mkdir(join(results.paths.folder, 'taken'));
    await expect(writeAtomically(join(results.paths.folder, 'taken'), 'text')).rejects.toThrow();
    await results.close();
    expect((await readdir(results.paths.folder)).sort()).toEqual(['epochs.ndjson', 'rounds.ndjson', 'summary.json', 'taken']);
    expect(JSON.parse(await readFile(results.paths.summary, 'utf8'))).toMatchObject({ seed: 1 });
  });

  it('refuses a name in use, in one line that says what to do', async () => {
    await (await openResults(root, 'one')).close();
    const error = await rejection(openResults(root, 'one'));
    expect(isMetafleetError(error, 'CONFIG')).toBe(true);
    expect(String(error)).toMatch(/one: expected a run name not used yet, found a folder of that name \(to continue it: --resume\)$/);
  });
  it('says which folder cannot be made', async () => {
    const file = join(root, 'file');
    await writeFile(file, '');
    const error = await rejection(openResults(join(file, 'results'), 'one'));
    expect(isMetafleetError(error, 'CONFIG')).toBe(true);
    expect(String(error)).toContain(`${join(file, 'results')}: cannot be written`);
  });
  it('says what is missing from a run that cannot be resumed', async () => {
    const missing = async (): Promise<string> => {
      const error = await rejection(openResults(root, 'one', { resume: true }));
      expect(isMetafleetError(error, 'CHECKPOINT')).toBe(true);
      return String(error);
    };
    expect(await missing()).toContain('expected the results folder of a run, found nothing');
    const results = await openResults(root, 'one');
    await results.close();
    expect(await missing()).toContain("config.yaml: expected the run's config, found nothing");
    await results.writeConfig('');
    expect(await missing()).toContain("checkpoint: expected the run's checkpoint, found nothing");
    await writeFile(results.paths.checkpoints.last, '');
    const resumed = await openResults(root, 'one', { resume: true });
    await resumed.close();
  });
});
