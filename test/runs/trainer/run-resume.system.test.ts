import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { copyFile, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isMetafleetError } from '../../../src/base/errors.js';
import type { RunEvent } from '../../../src/events/run-event.js';
import type { Run } from '../../../src/runs/trainer/run.js';
import { tamperingHost } from '../../support/transport/host-entry.js';
import {
  allThreadsGone,
  epochsOf,
  failureOf,
  finish,
  roundsOf,
  type SmallOptions,
  start,
  storyOf,
  temporaryFolder,
} from '../../support/transport/small-run.js';

const checkpointsIn = (folder: string) => ({ last: `${folder}/last.checkpoint`, best: `${folder}/best.checkpoint` });

/** A run that is interrupted when `when` says so, and runs on to where that leads. */
const interruptWhen = async (when: (event: RunEvent) => boolean, options: SmallOptions) => {
  let run: Run | undefined;
  const watched = await start({
    ...options,
    onEvent: (event) => {
      if (when(event)) run?.interrupt();
    },
  });
  run = watched.run;
  return { ...watched, outcome: await run.finished };
};

const LONG = { epochs: 3, sampling: 'activity', ratings: 3, delivery: 'subset', decoys: 2, optimizer: { rate: 0.01 } } as const;

let uninterrupted: ReturnType<typeof finish> | undefined;
const wholeRun = (): ReturnType<typeof finish> => {
  uninterrupted ??= finish({ config: LONG });
  return uninterrupted;
};

type Moment = { readonly when: (event: RunEvent) => boolean; readonly every?: number };
const MOMENTS: Readonly<Record<string, Moment>> = {
  'in its first round': { when: (event) => event.type === 'round' && event.round === 1 },
  'in the middle of an epoch': { when: (event) => event.type === 'round' && event.epoch === 2 },
  'at the end of an epoch': { when: (event) => event.type === 'epoch' && event.epoch === 2 },
  'while it saves': { when: (event) => event.type === 'checkpoint', every: 1e-9 },
};

describe('a run interrupted', () => {
  for (const [name, { when, every = 10 }] of Object.entries(MOMENTS)) {
    it(`${name} is resumed to the digest, the rounds and the epochs of an uninterrupted one`, async () => {
      const checkpoints = checkpointsIn(await temporaryFolder());
      const whole = await wholeRun();
      const first = await interruptWhen(when, { config: { ...LONG, checkpoint: { every } }, checkpoints });
      expect(first.outcome.reason).toBe('interrupted');
      expect(first.outcome.round).toBeLessThan(whole.outcome.round);
      const saved = first.events.findLast((event) => event.type === 'checkpoint');
      expect(saved).toMatchObject({ path: checkpoints.last, round: first.outcome.round });
      expect(first.events.at(-1)).toMatchObject({ type: 'run-finished', reason: 'interrupted', round: first.outcome.round });

      // On another number of threads, too: where the shards are cut is no part of the state.
      const second = await finish({ config: { ...LONG, threads: 3 }, checkpoints, resume: checkpoints.last });
      expect(second.events.find((event) => event.type === 'run-started')).toMatchObject({ round: first.outcome.round });
      expect(second.outcome).toEqual(whole.outcome);
      const [before, after, undisturbed] = [first, second, whole].map(({ events }) => storyOf(events));
      expect([...before!.rounds, ...after!.rounds]).toEqual(undisturbed!.rounds);
      expect([...before!.epochs, ...after!.epochs]).toEqual(undisturbed!.epochs);
    });
  }

  it('ends after the round it is in, not after the epoch', async () => {
    const marker = join(await temporaryFolder(), 'interrupted');
    // Round 3 does not end before the run has been interrupted.
    const waiting = await tamperingHost(`
const tamper = ({ messages, ...up }, asked) => {
  const nap = new Int32Array(new SharedArrayBuffer(4));
  while (asked[0].round === 3 && !existsSync(${JSON.stringify(marker)})) Atomics.wait(nap, 0, 0, 5);
  return up;
};
`);
    const inRoundTwo = (event: RunEvent): boolean => {
      const isDue = event.type === 'round' && event.round === 2;
      // After the interruption was sent.
      if (isDue) queueMicrotask(() => writeFileSync(marker, ''));
      return isDue;
    };
    const { outcome } = await interruptWhen(inRoundTwo, { config: { epochs: 1, cohort: 2 }, hostEntry: waiting });
    expect(outcome.reason).toBe('interrupted');
    // The interruption may overtake the end of round 3, and round 4 where both arrive together.
    expect(outcome.round).toBeLessThan(8);
  });

  it('again and again, after every round, comes to the same end', async () => {
    const checkpoints = checkpointsIn(await temporaryFolder());
    const config = { epochs: 1, cohort: 10 };
    const whole = await finish({ config });
    const rounds: number[] = [];
    for (let resumed = false; rounds.length < 10; resumed = true) {
      const watched = await start({ config, checkpoints, ...(resumed ? { resume: checkpoints.last } : {}) });
      // Before its first round has ended: that one is still run.
      watched.run.interrupt();
      const outcome = await watched.run.finished;
      rounds.push(...roundsOf(watched.events).map(({ round }) => round));
      if (outcome.reason === 'interrupted') continue;
      expect(outcome).toEqual(whole.outcome);
      break;
    }
    expect(rounds).toEqual([1, 2, 3]);
  });
});

it('a run that has ended is resumed to its end at once, and goes on if it is given more epochs', async () => {
  const checkpoints = checkpointsIn(await temporaryFolder());
  const first = await finish({ config: { epochs: 2 }, checkpoints });
  const again = await finish({ config: { epochs: 2 }, checkpoints, resume: checkpoints.last });
  expect(again.outcome).toEqual(first.outcome);
  expect(roundsOf(again.events)).toEqual([]);
  expect(epochsOf(again.events)).toEqual([]);
  const longer = await finish({ config: { epochs: 3 }, checkpoints, resume: checkpoints.last });
  expect(longer.outcome).toEqual((await finish()).outcome);
});

it('early stopping counts on over an interruption, and keeps the best epoch', async () => {
  const config = { epochs: 60, patience: 2, optimizer: { rate: 0.3, rateDecay: 1 } };
  const checkpoints = checkpointsIn(await temporaryFolder());
  const whole = await finish({ config });
  expect(whole.outcome.reason).toBe('early-stopped');
  const worse = epochsOf(whole.events).findIndex(({ best }) => !best) + 1;
  await interruptWhen((event) => event.type === 'epoch' && event.epoch === worse, { config, checkpoints });
  const resumed = await finish({ config, checkpoints, resume: checkpoints.last });
  expect(resumed.outcome).toEqual(whole.outcome);
  const again = await finish({ config, checkpoints, resume: checkpoints.last });
  expect(again.outcome).toEqual(whole.outcome);
  expect(roundsOf(again.events)).toEqual([]);
});

describe('a checkpoint is refused, with one line and no thread left, when it', () => {
  const damaged = async (change: (bytes: Buffer) => Buffer, config = {}): Promise<string> => {
    const folder = await temporaryFolder();
    const checkpoints = checkpointsIn(folder);
    await finish({ config: { rounds: 1 }, checkpoints });
    await writeFile(checkpoints.last, change(await readFile(checkpoints.last)));
    const failure = await failureOf(start({ config, resume: checkpoints.last }));
    expect(isMetafleetError(failure, 'CHECKPOINT')).toBe(true);
    const { message } = failure as Error;
    expect(message.startsWith(`${checkpoints.last}`)).toBe(true);
    expect(message).not.toContain('\n');
    await allThreadsGone();
    return message.slice(checkpoints.last.length);
  };
  const flip = (at: (length: number) => number) => (bytes: Buffer) => {
    const position = at(bytes.length);
    bytes[position]! ^= 0x10;
    return bytes;
  };

  it('is cut short', async () => {
    expect(await damaged((bytes) => bytes.subarray(0, -7))).toBe(': expected a whole checkpoint, found a file that ends too early');
    expect(await damaged((bytes) => bytes.subarray(0, 5))).toBe(': expected a whole checkpoint, found a file that ends too early');
  });
  it('has one bit flipped in a tensor or in its checksum', async () => {
    expect(await damaged(flip((length) => length - 100))).toContain('the file is damaged');
    expect(await damaged(flip((length) => length - 1))).toContain('the file is damaged');
  });
  it('is something else', async () => {
    expect(await damaged(() => Buffer.from('a letter to the editor'))).toBe(': expected the magic "METAFLT1", found "a letter"');
  });
  it('is of a model of other sizes', async () => {
    expect(await damaged((bytes) => bytes, { metamf: { hidden: 7 } })).toMatch(
      /^, tensor \d+: expected (\S+) of 112 bytes with .*, found \1 of 96 bytes with .*$/,
    );
  });
  it('holds only the best weights', async () => {
    const checkpoints = checkpointsIn(await temporaryFolder());
    await finish({ config: { epochs: 1 }, checkpoints });
    await copyFile(checkpoints.best, checkpoints.last);
    await expect(start({ resume: checkpoints.last })).rejects.toThrow('expected optimizer state, found weights only');
  });
  it('is not there', async () => {
    await expect(start({ resume: '/nowhere/last.checkpoint' })).rejects.toThrow(
      /^\/nowhere\/last.checkpoint: the checkpoint could not be opened/,
    );
  });
});

it('checkpoints that cannot be written cost the run nothing but themselves, and are written once there is room again', async () => {
  const folder = `${await temporaryFolder()}/missing`;
  const checkpoints = checkpointsIn(folder);
  const whole = await finish();
  const { events, outcome } = await finish({
    checkpoints,
    onEvent: (event) => {
      if (event.type === 'epoch' && event.epoch === 2) mkdirSync(folder);
    },
  });
  expect(outcome).toEqual(whole.outcome);
  const failures = events.filter((event) => event.type === 'checkpoint-failed');
  expect(failures[0]).toMatchObject({ path: checkpoints.best, round: 4 });
  expect(failures[0]!.reason).toMatch(/best.checkpoint: the checkpoint could not be written: ENOENT.* \(put the folder back\)$/);
  expect(events.at(-2)).toMatchObject({ type: 'checkpoint', path: checkpoints.last, round: outcome.round });
  expect((await finish({ checkpoints, resume: checkpoints.last })).outcome).toEqual(whole.outcome);
});

describe('when the last checkpoint is damaged', () => {
  /** Two checkpoints: after epoch 1 and after epoch 2. */
  const twoSaved = async (config = {}) => {
    const checkpoints = checkpointsIn(await temporaryFolder());
    await finish({ config: { ...config, epochs: 1 }, checkpoints });
    await finish({ config: { ...config, epochs: 2 }, checkpoints, resume: checkpoints.last });
    return checkpoints;
  };
  for (const algorithm of ['metamf', 'fedavg', 'maml'] as const) {
    it(`${algorithm} continues from the one before it, says so, and comes to the same end`, async () => {
      // Runs of other lengths are to take the same steps: the server rate must not follow from the planned rounds.
      const constant = { metamf: {}, fedavg: { fedavg: { serverSchedule: 'constant' } }, maml: { maml: { outerSchedule: 'constant' } } };
      const config = { algorithm, ...constant[algorithm] };
      const whole = await finish({ config });
      const checkpoints = await twoSaved(config);
      const before = checkpoints.last.replace('last', 'last-1');
      const content = await readFile(checkpoints.last);
      await writeFile(checkpoints.last, content.subarray(0, -50));
      const resumed = await finish({ config, checkpoints, resume: checkpoints.last });
      expect(resumed.outcome).toEqual(whole.outcome);
      const refused = resumed.events.filter((event) => event.type === 'checkpoint-refused');
      expect(refused).toMatchObject([{ path: checkpoints.last, instead: before, round: 4 }]);
      expect(refused[0]!.reason).toContain('a file that ends too early');
      // The damaged file made way for the new one; it did not push out the whole one.
      const again = await finish({ config: { ...config, epochs: 1 }, checkpoints, resume: before });
      expect(again.events.find((event) => event.type === 'run-started')).toMatchObject({ round: 4 });
    });
  }

  it('or gone, the one before it serves too; with none left, the error names the newest one’s defect', async () => {
    const checkpoints = await twoSaved();
    await rm(checkpoints.last);
    const { outcome } = await finish({ checkpoints: checkpointsIn(await temporaryFolder()), resume: checkpoints.last });
    expect(outcome).toEqual((await finish()).outcome);
    await writeFile(checkpoints.last.replace('last', 'last-1'), 'nothing');
    await expect(start({ resume: checkpoints.last })).rejects.toThrow(/^.*last.checkpoint: the checkpoint could not be opened: ENOENT/);
  });
});

it('a checkpoint of version 1 is resumed, and one of a version to come refused', async () => {
  const checkpoints = checkpointsIn(await temporaryFolder());
  await finish({ config: { epochs: 2 }, checkpoints });
  const asVersion = async (version: number): Promise<void> => {
    const content = await readFile(checkpoints.last);
    const length = content.readUInt32LE(8);
    const header = JSON.parse(content.toString('utf8', 12, 12 + length)) as {
      tensors: { name: string; bytes: number; state: { name: string }[] }[];
      round: number;
      roundState: number;
    };
    const { round: _, roundState: carried, ...rest } = header;
    const tensors = header.tensors.map(({ name, bytes, state }) => {
      return { name, blocks: 1, size: bytes / 4, variance: state.some((kept) => kept.name === 'variance') };
    });
    const text = Buffer.from(JSON.stringify({ ...(version === 1 ? { ...rest, carried, tensors } : header), version }));
    const prefix = Buffer.from(content.subarray(0, 12));
    prefix.writeUInt32LE(text.length, 8);
    const body = Buffer.concat([prefix, text, content.subarray(12 + length, -32)]);
    await writeFile(checkpoints.last, Buffer.concat([body, createHash('sha256').update(body).digest()]));
  };
  await asVersion(1);
  expect((await finish({ checkpoints, resume: checkpoints.last })).outcome).toEqual((await finish()).outcome);
  await asVersion(5);
  const moved = `${checkpoints.last}.moved`;
  await rename(checkpoints.last, moved);
  await expect(start({ resume: moved })).rejects.toThrow(/^.*moved: expected a version from 1 to 4, found version 5$/);
});
