import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RunEvent } from '../../../src/events/run-event.js';
import { installModulesOf } from '../../../src/runs/config/install-modules.js';
import type { Run } from '../../../src/runs/trainer/run.js';
import { moduleFolder } from '../../support/cli/module-folder.js';
import {
  allThreadsGone,
  epochsOf,
  failureOf,
  finish,
  type SmallOptions,
  smallData,
  start,
  storyOf,
  temporaryFolder,
} from '../../support/transport/small-run.js';

/** Central models run in a thread of their own, with the events, checkpoints and digests of every run. */
const MODEL = { algorithm: 'biased-mf', 'biased-mf': { factors: 4 }, epochs: 6 } as const;

/** One of two words for each item. */
const columnsOf = (items: number) => {
  const [offsets, values] = [items + 1, items].map((count) => new Uint32Array(new SharedArrayBuffer(4 * count)));
  for (let item = 0; item < items; item++) {
    offsets![item + 1] = item + 1;
    values![item] = item % 2;
  }
  return { offsets: offsets!, values: values! };
};

const checkpointsIn = (folder: string) => ({ last: `${folder}/last.checkpoint`, best: `${folder}/best.checkpoint` });

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

describe('a run of a central model', () => {
  it('has the same bits for the same seed, and others for another', async () => {
    const [first, again, other] = [
      await finish({ config: MODEL }),
      await finish({ config: { ...MODEL, threads: 1 } }),
      await finish({ config: { ...MODEL, seed: 2 } }),
    ];
    expect(again.outcome).toEqual(first.outcome);
    expect(storyOf(again.events)).toEqual(storyOf(first.events));
    expect(other.outcome.digest).not.toBe(first.outcome.digest);
    expect(epochsOf(first.events)).toHaveLength(6);
  });

  it('learns: the loss falls, and nothing is sent', async () => {
    const { events } = await finish({ config: MODEL });
    const losses = epochsOf(events).map(({ trainLoss }) => trainLoss);
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
    expect(events.flatMap((event) => ('traffic' in event ? event.traffic : []))).toEqual([]);
  });

  it('learns from the features that the dataset has, where its model reads them', async () => {
    const small = await smallData();
    const genres = { name: 'genres', kind: 'multi-hot', vocabulary: ['drama', 'war'], ...columnsOf(small.items) } as const;
    const digests = await Promise.all(
      (['fm', 'biased-mf'] as const).flatMap((algorithm) =>
        [small, { ...small, itemFeatures: [genres] }].map(async (dataset) => {
          const { outcome } = await finish({ config: { ...MODEL, algorithm, 'biased-mf': undefined, epochs: 2 }, dataset });
          return outcome.digest;
        }),
      ),
    );
    expect(digests[1]).not.toBe(digests[0]);
    expect(digests[3]).toBe(digests[2]);
  });

  it('is interrupted after its epoch, and resumed to the digest of an uninterrupted one', async () => {
    const whole = await finish({ config: MODEL });
    const checkpoints = checkpointsIn(await temporaryFolder());
    const first = await interruptWhen((event) => event.type === 'epoch' && event.epoch === 2, { config: MODEL, checkpoints });
    expect(first.outcome).toMatchObject({ reason: 'interrupted', epoch: 2 });
    const { outcome, events } = await finish({ config: MODEL, checkpoints, resume: checkpoints.last });
    expect(outcome).toMatchObject({ reason: 'completed', digest: whole.outcome.digest, epoch: 6 });
    expect(storyOf(events).epochs).toEqual(storyOf(whole.events).epochs.slice(2));
  });

  it('goes on from its last checkpoint when its thread dies, to the same digest', async () => {
    const whole = await finish({ config: MODEL });
    const checkpoints = checkpointsIn(await temporaryFolder());
    let killed = false;
    let run: Run | undefined;
    const watched = await start({
      config: { ...MODEL, checkpoint: { every: 1e-9 } },
      checkpoints,
      onEvent: (event) => {
        if (event.type !== 'epoch' || event.epoch !== 4 || killed) return;
        killed = true;
        run?.killCoordinator();
      },
    });
    run = watched.run;
    const outcome = await run.finished;
    expect(outcome.digest).toBe(whole.outcome.digest);
    expect(watched.events.filter(({ type }) => type === 'coordinator-restored')).toHaveLength(1);
  });

  it('stops early on the metric that it is asked to', async () => {
    const config = { ...MODEL, epochs: 400, patience: 2, stopOn: 'mae', 'biased-mf': { factors: 4, rate: 0.2, rateDecay: 1 } };
    const { outcome, events } = await finish({ config });
    expect(outcome.reason).toBe('early-stopped');
    const best = epochsOf(events).findLast((event) => event.best)!;
    expect(outcome.epoch).toBe(best.epoch + 2);
  });

  it('leaves no thread behind', async () => {
    const { run } = await finish({ config: MODEL });
    await run.close();
    await allThreadsGone();
  });
});

/** Item biases: a model of a user's, as small as they come. */
const moduleWith = (changes: string): string => `
import { defineModel, z } from 'metafleet/algorithm';
export default defineModel({
  name: 'item-biases', version: '1', title: 'item biases', paper: 'none',
  options: z.strictObject({ rate: z.number().default(0.2).describe('learning rate') }),
  traits: { task: 'rating', feedback: 'explicit', training: 'epochs' },
  create: ({ items, mean, train }, { rate }, engine) => {
    const biases = engine.tensor({ name: 'biases', shape: [items] });
    return {
      tensors: [biases],
      epoch: (epoch) => {
        let loss = 0;
        for (const { items: rated, values } of epoch.batches(16)) {
          rated.forEach((item, r) => {
            const error = values[r] - mean - biases.values[item];
            loss += error * error;
            biases.values[item] += rate * error;
          });
        }
        return loss / train.items.length;
      },
      scores: (user, list, out) => list.forEach((item, r) => { out[r] = mean + biases.values[item]; }),
      ${changes}
    };
  },
});
`;

const installed = async (changes = ''): Promise<string> => {
  const folder = moduleFolder();
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'biases.mjs');
  writeFileSync(file, moduleWith(changes));
  await installModulesOf({ tree: { algorithm: file } });
  return file;
};

describe("a user's model", () => {
  it('trains through the same port, with its options, and its hash in the identity', async () => {
    const algorithm = await installed();
    const config = { algorithm, epochs: 3, 'item-biases': { rate: 0.1 } };
    const [one, other] = [await finish({ config }), await finish({ config })];
    expect(one.outcome).toEqual(other.outcome);
    const losses = epochsOf(one.events).map(({ trainLoss }) => trainLoss);
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
  });

  it('ends in one line with module and hook where it throws, or returns no number', async () => {
    const thrower = await installed("epoch: () => { throw new Error('no more'); },");
    expect(await failureOf(finish({ config: { algorithm: thrower } }))).toMatchObject({
      code: 'MODULE',
      message: `${thrower}, hook epoch: it threw: no more`,
    });
    const mute = await installed('epoch: () => undefined,');
    expect(await failureOf(finish({ config: { algorithm: mute } }))).toMatchObject({
      message: `${mute}, hook epoch: expected the mean training loss, a number, found undefined`,
    });
  });
});
