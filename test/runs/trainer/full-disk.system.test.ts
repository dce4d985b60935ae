import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { messageOf } from '../../../src/base/errors.js';
import { openResults } from '../../../src/runs/folder/results-folder.js';
import { epochsOf, finish, roundsOf, temporaryFolder } from '../../support/transport/small-run.js';

/** A disk of one megabyte in memory, or why there is none. */
const mountSmallDisk = (folder: string): string | undefined => {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'pipe' });
  } catch (error) {
    return `a disk cannot be mounted here: ${messageOf(error).split('\n').at(-1)}`;
  }
  onTestFinished(() => void execFileSync('umount', [folder]));
  return undefined;
};

const fill = (path: string): void => {
  for (const size of [1 << 20, 1 << 16, 1 << 12]) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(size), { flag: 'a' });
    } catch {
      // Full for pieces of this size.
    }
  }
};

/** Makes a folder read-only, for the superuser as well, until what it returns is called; or tells why that cannot be. */
const makeReadOnly = (folder: string): (() => void) | string => {
  if (process.getuid?.() !== 0) {
    chmodSync(folder, 0o500);
    return () => chmodSync(folder, 0o700);
  }
  // No permission stops the superuser: the folder is mounted upon itself, for files that are opened from now on.
  try {
    execFileSync('mount', ['--bind', folder, folder], { stdio: 'pipe' });
  } catch (error) {
    return `a folder cannot be mounted here: ${messageOf(error).split('\n').at(-1)}`;
  }
  let mounted = true;
  const free = (): void => {
    if (mounted) execFileSync('umount', [folder]);
    mounted = false;
  };
  onTestFinished(free);
  execFileSync('mount', ['-o', 'remount,bind,ro', folder], { stdio: 'pipe' });
  return free;
};

/** Steps so large that the model is best after its first epoch. */
const EPOCHS = { epochs: 4, checkpoint: { every: 1e-9 }, optimizer: { rate: 0.3, decay: 0, tensorMoments: [] }, metamf: { dropout: 0 } };

type Until = { readonly full: (place: string) => void; readonly free: () => void; readonly epoch?: number };

/** A run whose disk takes nothing until an epoch has ended, by default the third. */
const runOn = async (folder: string, { full, free, epoch = 3 }: Until) => {
  const warnings: string[] = [];
  const results = await openResults(folder, 'run', { warn: (text) => warnings.push(text) });
  full(results.paths.folder);
  const elsewhere = await temporaryFolder();
  const untouched = { last: join(elsewhere, 'last.checkpoint'), best: join(elsewhere, 'best.checkpoint') };
  const whole = await finish({ config: EPOCHS, checkpoints: untouched });
  const run = await finish({
    config: EPOCHS,
    checkpoints: results.paths.checkpoints,
    onEvent: (event) => {
      results.observe(event);
      if (event.type === 'epoch' && event.epoch === epoch) free();
    },
  });
  await results.close();
  return { whole, untouched, run, warnings, paths: results.paths };
};

/** The best model was found while nothing could be written, and is there all the same. */
const expectBest = ({ run, untouched, paths }: Awaited<ReturnType<typeof runOn>>): void => {
  const best = epochsOf(run.events).findLast((epoch) => epoch.best)!;
  expect(best.epoch).toBeLessThan(3);
  const place = paths.checkpoints.best;
  expect(run.events.filter((event) => event.type === 'checkpoint-failed' && event.path === place).length).toBeGreaterThan(0);
  expect(run.events.find((event) => event.type === 'checkpoint' && event.path === place)).toMatchObject({ round: best.round });
  expect(readFileSync(place).equals(readFileSync(untouched.best))).toBe(true);
};

describe('a disk that is full for a while', () => {
  it('costs the checkpoints of that while, and nothing else', async ({ skip }) => {
    const folder = await temporaryFolder();
    const missing = mountSmallDisk(folder);
    if (missing !== undefined) return skip(missing);
    const ballast = join(folder, 'ballast');
    const ended = await runOn(folder, { full: () => fill(ballast), free: () => rmSync(ballast) });
    const { whole, run, warnings, paths } = ended;
    expect(run.outcome).toEqual(whole.outcome);
    expect(run.outcome.unsaved).toEqual([]);
    const failed = run.events.filter((event) => event.type === 'checkpoint-failed');
    expect(failed.length).toBeGreaterThan(0);
    expect(failed[0]!.reason).toMatch(/ENOSPC.*\(free space on that disk\)$/);
    expectBest(ended);
    expect(run.events.at(-2)).toMatchObject({ type: 'checkpoint', path: paths.checkpoints.last, round: run.outcome.round });
    const lines = readFileSync(paths.rounds, 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { round: number }).round)).toEqual(roundsOf(whole.events).map(({ round }) => round));
    expect(warnings.filter((text) => text.includes('could not be written'))).toEqual([]);
    const resumed = await finish({ config: EPOCHS, checkpoints: paths.checkpoints, resume: paths.checkpoints.last });
    expect(resumed.outcome).toEqual(whole.outcome);
  });
});

describe('a folder that is read-only', () => {
  it('for a while costs the checkpoints of that while, and nothing else', async ({ skip }) => {
    const made = { free: (): void => {}, missing: '' };
    const full = (place: string): void => {
      const found = makeReadOnly(place);
      if (typeof found === 'string') made.missing = found;
      else made.free = found;
    };
    const ended = await runOn(await temporaryFolder(), { full, free: () => made.free() });
    if (made.missing !== '') return skip(made.missing);
    const { whole, run } = ended;
    expect(run.outcome).toEqual(whole.outcome);
    expect(run.events.find((event) => event.type === 'checkpoint-failed')).toMatchObject({
      reason: expect.stringMatching(/EACCES.*\(make that folder writable for this user\)$|EROFS.*\(make that disk writable again\)$/),
    });
    expectBest(ended);
    expect(run.events.at(-2)).toMatchObject({ type: 'checkpoint', round: run.outcome.round });
  });

  it('to the end leaves a run that says which of its checkpoints are missing', async ({ skip }) => {
    let missing = '';
    const full = (place: string): void => {
      const made = makeReadOnly(place);
      if (typeof made === 'string') missing = made;
      else onTestFinished(made);
    };
    const { whole, run, paths } = await runOn(await temporaryFolder(), { full, free: () => {} });
    if (missing !== '') return skip(missing);
    const { last, best } = paths.checkpoints;
    expect({ ...run.outcome, unsaved: run.outcome.unsaved.toSorted() }).toEqual({ ...whole.outcome, unsaved: [best, last].toSorted() });
  });
});
