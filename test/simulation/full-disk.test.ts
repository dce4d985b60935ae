import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openResults } from '../../src/report/results-folder.js';
import { finish, roundsOf, temporaryFolder } from '../transport/small-run.js';

/** A disk of one megabyte in memory, or why there is none. */
const mountSmallDisk = (folder: string): string | undefined => {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'pipe' });
  } catch (error) {
    return `a disk cannot be mounted here: ${error instanceof Error ? error.message.split('\n').at(-1) : error}`;
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

const EPOCHS = { epochs: 4, checkpoint: { every: 1e-9 } };

/** A run whose disk takes nothing until its second epoch has ended. */
const runOn = async (folder: string, until: { readonly full: () => void; readonly free: () => void }) => {
  const warnings: string[] = [];
  const results = await openResults(folder, 'run', { warn: (text) => warnings.push(text) });
  until.full();
  const whole = await finish({ config: EPOCHS });
  const run = await finish({
    config: EPOCHS,
    checkpoints: results.paths.checkpoints,
    onEvent: (event) => {
      results.observe(event);
      if (event.type === 'epoch' && event.epoch === 2) until.free();
    },
  });
  await results.close();
  return { whole, run, warnings, paths: results.paths };
};

describe('a disk that is full for a while', () => {
  it('costs the checkpoints of that while, and nothing else', async ({ skip }) => {
    const folder = await temporaryFolder();
    const missing = mountSmallDisk(folder);
    if (missing !== undefined) return skip(missing);
    const ballast = join(folder, 'ballast');
    const { whole, run, warnings, paths } = await runOn(folder, { full: () => fill(ballast), free: () => rmSync(ballast) });
    expect(run.outcome).toEqual(whole.outcome);
    const failed = run.events.filter((event) => event.type === 'checkpoint-failed');
    expect(failed.length).toBeGreaterThan(0);
    expect(failed[0]!.reason).toMatch(/ENOSPC.*\(free space on that disk\)$/);
    expect(run.events.at(-2)).toMatchObject({ type: 'checkpoint', path: paths.checkpoints.last, round: run.outcome.round });
    const lines = readFileSync(paths.rounds, 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { round: number }).round)).toEqual(roundsOf(whole.events).map(({ round }) => round));
    expect(warnings.filter((text) => text.includes('could not be written'))).toEqual([]);
    const resumed = await finish({ config: EPOCHS, checkpoints: paths.checkpoints, resume: paths.checkpoints.last });
    expect(resumed.outcome).toEqual(whole.outcome);
  });
});

describe('a folder that is read-only for a while', () => {
  it('costs the checkpoints of that while, and nothing else', async ({ skip }) => {
    if (process.getuid?.() === 0) return skip('no folder is read-only to the superuser');
    const folder = await temporaryFolder();
    const place = join(folder, 'run');
    const { whole, run } = await runOn(folder, { full: () => chmodSync(place, 0o500), free: () => chmodSync(place, 0o700) });
    expect(run.outcome).toEqual(whole.outcome);
    expect(run.events.find((event) => event.type === 'checkpoint-failed')).toMatchObject({ reason: expect.stringMatching(/EACCES/) });
    expect(run.events.at(-2)).toMatchObject({ type: 'checkpoint', round: run.outcome.round });
  });
});
