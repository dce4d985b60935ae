import { readdirSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { createAlgorithm } from '../../../../src/algorithms/registry.js';
import { isMetafleetError } from '../../../../src/base/errors.js';
import { random } from '../../../../src/base/random.js';
import type { Dataset } from '../../../../src/data/dataset.js';
import { loadDataset } from '../../../../src/data/load.js';
import type { PrivateColumns } from '../../../../src/device/actor/columns.js';
import type { RunEvent } from '../../../../src/events/run-event.js';
import { restoreDeviceStates } from '../../../../src/runs/trainer/device-states.js';
import type { Run } from '../../../../src/runs/trainer/run.js';
import { shardDataset } from '../../../../src/runs/trainer/shards.js';
import { OPTIONS } from '../../../support/fedavg/model.js';
import { PLAIN_ADAM } from '../../../support/metamf/fleet.js';
import { tamperingHost } from '../../../support/transport/host-entry.js';
import { leavesOf, ratingsFound, sentinelData, tappedHosts } from '../../../support/transport/message-tap.js';
import {
  allThreadsGone,
  failureOf,
  finish,
  roundsOf,
  type SmallOptions,
  smallData,
  start,
  storyOf,
  temporaryFolder,
} from '../../../support/transport/small-run.js';

const SIZES = { itemEmbedding: 4, units: 2 };
const MLP = { ...OPTIONS, ...SIZES, localEpochs: 2, localBatch: 4, localRate: 0.05 };
const FEDAVG = { algorithm: 'fedavg', fedavg: MLP } as const;
/** Every device takes part in each of the three epochs, in cohorts that no thread's shard is. */
const SUBSET = { ...FEDAVG, delivery: 'subset', decoys: 2, ratings: 6 } as const;

const checkpointsIn = (folder: string) => ({ last: `${folder}/last.checkpoint`, best: `${folder}/best.checkpoint` });
const deviceFilesIn = (folder: string) => readdirSync(folder).filter((name) => name.startsWith('last-devices'));

/** A run to whose events something is done. */
const finishWhile = async (act: (event: RunEvent, run: Run) => void, options: SmallOptions) => {
  let run: Run | undefined;
  const watched = await start({
    ...options,
    onEvent: (event) => {
      if (run !== undefined) act(event, run);
    },
  });
  run = watched.run;
  return { ...watched, outcome: await run.finished };
};
const interruptAfter = (round: number, options: SmallOptions) =>
  finishWhile((event, run) => {
    if (event.type === 'round' && event.round === round) run.interrupt();
  }, options);

/** What was learned, leaving out traffic: a round that was tried twice was also sent twice. */
const learned = (events: readonly RunEvent[]) => {
  const { rounds, epochs } = storyOf(events);
  return [...rounds, ...epochs].map(({ traffic: _, ...rest }) => ({ ...rest, activated: 0 }));
};

let whole: ReturnType<typeof finish> | undefined;
const undisturbedRun = (): ReturnType<typeof finish> => {
  whole ??= finish({ config: SUBSET });
  return whole;
};

describe('a run of FedAvg', () => {
  it.each([
    ['full delivery', FEDAVG],
    ['subset delivery among decoys, int8', { ...SUBSET, dtype: 'int8' }],
  ])('gives the same digest, rounds and errors on 1, 2 and 4 threads: %s', async (_, config) => {
    const [one, ...others] = await Promise.all([1, 2, 4].map((threads) => finish({ config: { ...config, threads } })));
    expect(storyOf(one!.events).rounds).toHaveLength(12);
    for (const other of others) {
      expect(other.outcome).toEqual(one!.outcome);
      expect(storyOf(other.events)).toEqual(storyOf(one!.events));
    }
  });

  it('trains the same Θ in full and in subset delivery; another seed or rate trains another', async () => {
    const fedavg = (over: object) => ({ ...FEDAVG, fedavg: { ...FEDAVG.fedavg, ...over } });
    const configs = [FEDAVG, { ...FEDAVG, delivery: 'subset', decoys: 3 }, { ...FEDAVG, seed: 2 }, fedavg({ serverRate: 0.5 })];
    const runs = await Promise.all(configs.map((config) => finish({ config: { ...config, rounds: 5 } })));
    const digests = runs.map(({ outcome }) => outcome.digest);
    expect(digests[1]).toBe(digests[0]);
    expect(new Set(digests).size).toBe(3);
  });

  it('learns: its error on a planted set falls far below that of the first round', async () => {
    const dataset = await loadDataset('synthetic:users=60,items=30,ratings=1500,rank=2,noise=0.1', { split: 'auto', seed: 1 });
    const fedavg = { ...OPTIONS, itemEmbedding: 8, units: 4, localEpochs: 5, localBatch: 8, localRate: 0.1 };
    const { events } = await finish({ dataset, config: { ...FEDAVG, fedavg, cohort: 20, epochs: 25 } });
    const rounds = roundsOf(events);
    const last = rounds.slice(-3).reduce((sum, { loss }) => sum + loss! / 3, 0);
    expect(last).toBeLessThan(0.6 * rounds[0]!.loss!);
  });

  it('that diverges ends with an error', async () => {
    const fedavg = { ...FEDAVG.fedavg, localEpochs: 9, localRate: 1e6 };
    await expect(finish({ config: { ...FEDAVG, fedavg } })).rejects.toThrow(/finite/);
  });
});

describe('a host thread of a FedAvg run that dies', () => {
  it.each([1, 2])(
    'once its devices have kept their new states, but before it has answered, changes nothing: %i threads',
    async (threads) => {
      const dying = await tamperingHost(`
const marker = new URL('died', import.meta.url);
const tamper = ({ messages, ...up }, asked, host) => {
  if (host === 0 && asked[0].kind === 'model' && asked[0].purpose === 'train' && asked[0].round >= 6 && !existsSync(marker)) {
    writeFileSync(marker, 'x');
    process.exit(7);
  }
  return up;
};
`);
      const undisturbed = await undisturbedRun();
      const { events, outcome } = await finish({ config: { ...SUBSET, threads }, hostEntry: dying });
      expect(events.filter(({ type }) => type === 'host-lost')).toHaveLength(1);
      expect(outcome).toEqual(undisturbed.outcome);
      expect(learned(events)).toEqual(learned(undisturbed.events));
    },
  );

  it('whenever it is killed, ends with the undisturbed digest', async () => {
    const config = { ...SUBSET, epochs: 8 };
    const undisturbed = await finish({ config });
    const { events, outcome } = await finishWhile(
      (event, run) => {
        if (event.type !== 'round') return;
        if (event.round === 6) run.killThread(0);
        if (event.round === 12) setTimeout(() => run.killThread(1), 1);
      },
      { config },
    );
    expect(events.filter(({ type }) => type === 'host-lost').length).toBeGreaterThanOrEqual(1);
    expect(outcome).toEqual(undisturbed.outcome);
    expect(learned(events)).toEqual(learned(undisturbed.events));
  });
});

describe('a run of FedAvg interrupted', () => {
  it.each([
    [1, 2],
    [5, 1],
    [6, 3],
    [8, 4],
  ])('after round %i is resumed on %i threads to the digest of an uninterrupted one', async (round, threads) => {
    const folder = await temporaryFolder();
    const checkpoints = checkpointsIn(folder);
    const undisturbed = await undisturbedRun();
    const first = await interruptAfter(round, { config: SUBSET, checkpoints });
    expect(first.outcome.reason).toBe('interrupted');
    expect(first.outcome.round).toBeLessThan(12);
    expect(deviceFilesIn(folder)).toEqual([`last-devices-${first.outcome.round}.checkpoint`]);

    const second = await finish({ config: { ...SUBSET, threads }, checkpoints, resume: checkpoints.last });
    expect(second.outcome).toEqual(undisturbed.outcome);
    const [before, after, all] = [first, second, undisturbed].map(({ events }) => storyOf(events));
    expect([...before!.rounds, ...after!.rounds]).toEqual(all!.rounds);
    expect([...before!.epochs, ...after!.epochs]).toEqual(all!.epochs);
    // One for each of the checkpoints that are kept.
    expect(deviceFilesIn(folder).sort()).toEqual([12, first.outcome.round].map((ended) => `last-devices-${ended}.checkpoint`));
  });

  it('is refused, with one CHECKPOINT error and no thread left, where the states of its devices are damaged or missing', async () => {
    const folder = await temporaryFolder();
    const checkpoints = checkpointsIn(folder);
    await finish({ config: { ...SUBSET, rounds: 2 }, checkpoints });
    const path = `${folder}/${deviceFilesIn(folder)[0]}`;
    const content = readFileSync(path);
    const refused = async (): Promise<string> => {
      const failure = await failureOf(start({ config: SUBSET, resume: checkpoints.last }));
      expect(isMetafleetError(failure, 'CHECKPOINT')).toBe(true);
      await allThreadsGone();
      return (failure as Error).message.replace(path, 'FILE');
    };
    content[content.length - 100]! ^= 4;
    await writeFile(path, content);
    expect(await refused()).toBe('FILE: expected the checksum it ends with, found other content: the file is damaged');
    await rm(path);
    expect(await refused()).toMatch(/^FILE: the checkpoint could not be opened.*$/);
  });

  it('is not resumed by another algorithm', async () => {
    const checkpoints = checkpointsIn(await temporaryFolder());
    await finish({ config: { ...FEDAVG, rounds: 1 }, checkpoints });
    const failure = await failureOf(start({ resume: checkpoints.last }));
    expect(isMetafleetError(failure, 'CHECKPOINT')).toBe(true);
    expect((failure as Error).message).toMatch(/expected algorithm metamf@1; .*, found fedavg@2; /);
  });

  it('by MetaMF writes no states of devices', async () => {
    const folder = await temporaryFolder();
    await finish({ config: { rounds: 1 }, checkpoints: checkpointsIn(folder) });
    expect(deviceFilesIn(folder)).toEqual([]);
  });
});

/** All versions there ever were of the devices' vectors, in a run of two rounds in which everyone takes part. */
const userVectors = (
  folder: string,
  dataset: Dataset,
  seed: number,
): { readonly kept: readonly number[]; readonly all: readonly number[] } => {
  const { users: devices, items } = dataset;
  const shards = shardDataset(dataset, 1, SIZES.itemEmbedding);
  restoreDeviceStates(checkpointsIn(folder).last, 'last-devices-2.checkpoint', shards);
  const { rounds, versions } = shards[0]!.state!;
  expect([...rounds]).toEqual(Array(devices).fill(2));
  const setup = { name: 'fedavg', options: { ...FEDAVG.fedavg, serverRate: 1 }, optimizer: PLAIN_ADAM };
  const { state } = createAlgorithm(setup, { devices, items, lowest: 1, highest: 5 }).client();
  const initial = Array.from({ length: devices }, (_, device) => [...state!.initial(random(seed, 'state', device), SIZES.itemEmbedding)]);
  return { kept: [...new Set(versions)], all: [...new Set([...initial.flat(), ...versions])] };
};

describe('user vectors', () => {
  it.each([
    ['full', 'f32'],
    ['subset', 'f16'],
  ])(
    'are in no message of a host, nor in a checkpoint or an event, but in the file of the devices’ own: %s delivery, %s',
    async (delivery, dtype) => {
      const folder = await temporaryFolder();
      const checkpoints = checkpointsIn(folder);
      const dataset = sentinelData(0);
      const hosts = await tappedHosts();
      const config = { ...FEDAVG, delivery, dtype, seed: 1, cohort: 12, rounds: 2, epochs: 2 };
      const { events, outcome } = await finish({ dataset, config, hostEntry: hosts.entry, checkpoints });
      const { kept, all } = userVectors(folder, dataset, 1);
      // All but those of devices whose units were all shut in a round.
      expect(all.length).toBeGreaterThan(2.5 * 12 * SIZES.itemEmbedding);

      const messages = hosts.read();
      expect(messages.filter(({ port, way }) => port === 'traffic' && way === 'out').length).toBeGreaterThan(2);
      for (const { way, port, leaves } of messages) {
        expect({ way, port, found: ratingsFound(leaves, all) }).toEqual({ way, port, found: [] });
      }
      const files = Object.values(checkpoints).map((path) => new Uint8Array(readFileSync(path)));
      for (const said of [events, outcome, ...files]) expect(ratingsFound(leavesOf(said), all)).toEqual([]);
      // The check would see one: the devices' own file has the two versions of the last round.
      const own = ratingsFound([new Uint8Array(readFileSync(`${folder}/last-devices-2.checkpoint`))], kept);
      expect(own).toEqual(kept);
    },
  );

  it('move with every round a device takes part in, and no other', async () => {
    const folder = await temporaryFolder();
    const dataset = await smallData();
    const { outcome } = await finish({ dataset, config: { ...FEDAVG, rounds: 1 }, checkpoints: checkpointsIn(folder) });
    expect(outcome.round).toBe(1);
    const [{ state }] = shardDataset(dataset, 1, SIZES.itemEmbedding) as [PrivateColumns];
    restoreDeviceStates(checkpointsIn(folder).last, 'last-devices-1.checkpoint', [{ ...shardDataset(dataset, 1)[0]!, state: state! }]);
    const { rounds, versions, size } = state!;
    expect(rounds.filter((round) => round === 1)).toHaveLength(8);
    expect(rounds.filter((round) => round === 0)).toHaveLength(22);
    rounds.forEach((round, device) => {
      const [older, newer] = [0, 1].map((version) => [
        ...versions.subarray((2 * device + version) * size, (2 * device + version + 1) * size),
      ]);
      if (round === 0) expect([...older!, ...newer!]).toEqual(Array(2 * size).fill(0));
      else expect(older).not.toEqual(newer);
    });
  });
});
