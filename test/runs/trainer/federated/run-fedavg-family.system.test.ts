import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../../../src/data/dataset.js';
import { loadDataset } from '../../../../src/data/load.js';
import { bytesOf } from '../../../../src/events/traffic.js';
import { restoreDeviceStates } from '../../../../src/runs/trainer/device-states.js';
import { shardDataset } from '../../../../src/runs/trainer/shards.js';
import { OPTIONS } from '../../../support/fedavg/model.js';
import { allRatings, leavesOf, ratingsFound, sentinelData, tappedHosts } from '../../../support/transport/message-tap.js';
import { finish, roundsOf, start, storyOf, temporaryFolder } from '../../../support/transport/small-run.js';

const FAMILY = {
  algorithm: 'fedavg',
  delivery: 'subset',
  decoys: 2,
  ratings: 6,
  fedavg: { ...OPTIONS, model: 'dot', itemEmbedding: 4, localEpochs: 2, localBatch: 2, localRate: 0.02, serverSchedule: 'constant' },
} as const;
const with_ = (over: object) => ({ ...FAMILY, fedavg: { ...FAMILY.fedavg, ...over } });
/** What keeps most: control variates on devices, moments and control variates on the server. */
const SCAFFOLD = with_({ controlVariates: true, rowWeighting: 'touched', serverOptimizer: 'yogi', serverRate: 0.05 });

const checkpointsIn = (folder: string) => ({ last: `${folder}/last.checkpoint`, best: `${folder}/best.checkpoint` });

/** b_u and p_u of each device before and after its last round; what is zero or nearly so is anywhere. */
const privateParts = (folder: string, dataset: Dataset): readonly number[] => {
  const [own, width] = [5, 5];
  const shards = shardDataset(dataset, 1, (records) => own + width * records);
  restoreDeviceStates(checkpointsIn(folder).last, 'last-devices-2.checkpoint', shards);
  const { starts, versions } = shards[0]!.state!;
  const parts = Array.from({ length: dataset.users }, (_, device) => {
    const [start, size] = [2 * starts![device]!, starts![device + 1]! - starts![device]!];
    return [0, 1].flatMap((version) => [...versions.subarray(start + version * size, start + version * size + own)]);
  });
  return parts.flat().filter((value) => Math.abs(value) > 0.01);
};

describe('a run with control variates and a server optimizer with moments', () => {
  it('gives the same digest, rounds and errors on 1 and 3 threads', async () => {
    const [one, three] = await Promise.all([1, 3].map((threads) => finish({ config: { ...SCAFFOLD, threads } })));
    expect(three!.outcome).toEqual(one!.outcome);
    expect(storyOf(three!.events)).toEqual(storyOf(one!.events));
  });

  it('interrupted and resumed ends in the digest of an uninterrupted one', async () => {
    const checkpoints = checkpointsIn(await temporaryFolder());
    const undisturbed = await finish({ config: SCAFFOLD });
    const watched = await start({
      config: SCAFFOLD,
      checkpoints,
      onEvent: (event) => event.type === 'round' && event.round === 5 && stop(),
    });
    const stop = () => watched.run.interrupt();
    const first = await watched.run.finished;
    expect(first.reason).toBe('interrupted');
    const second = await finish({ config: { ...SCAFFOLD, threads: 3 }, checkpoints, resume: checkpoints.last });
    expect(second.outcome).toEqual(undisturbed.outcome);
  });

  it('whose host is killed ends in the digest of an undisturbed one', async () => {
    const undisturbed = await finish({ config: { ...SCAFFOLD, threads: 2 } });
    const watched = await start({
      config: { ...SCAFFOLD, threads: 2 },
      onEvent: (event) => event.type === 'round' && event.round === 5 && kill(),
    });
    const kill = () => watched.run.killThread(0);
    const outcome = await watched.run.finished;
    expect(watched.events.filter(({ type }) => type === 'host-lost').length).toBeGreaterThanOrEqual(1);
    expect(outcome).toEqual(undisturbed.outcome);
  });

  it('sends no control variate to devices that measure', async () => {
    const measuredBytes = async (config: typeof FAMILY | typeof SCAFFOLD) => {
      const { events } = await finish({ config: { ...config, delivery: 'full' } });
      return storyOf(events).epochs.map(({ traffic }) => bytesOf(traffic).down);
    };
    const [plain, scaffold] = [await measuredBytes(FAMILY), await measuredBytes(SCAFFOLD)];
    expect(Math.min(...plain)).toBeGreaterThan(0);
    expect(scaffold).toEqual(plain);
  });

  it('has neither a rating nor a private part of a device in a message of a host, a checkpoint or an event', async () => {
    const folder = await temporaryFolder();
    const [dataset, hosts, checkpoints] = [sentinelData(0), await tappedHosts(), checkpointsIn(folder)];
    const fedavg = { ...SCAFFOLD.fedavg, centring: 'device-mean' };
    const config = { ...SCAFFOLD, fedavg, seed: 1, cohort: 12, rounds: 2, epochs: 2 };
    const { events, outcome } = await finish({ dataset, config, hostEntry: hosts.entry, checkpoints });
    const secrets = [...allRatings(dataset), ...privateParts(folder, dataset)];
    expect(secrets.length).toBeGreaterThan(12 * 7 + 12 * 5);
    const out = hosts.read().filter(({ way }) => way === 'out');
    expect(out.filter(({ port }) => port === 'traffic').length).toBeGreaterThan(2);
    for (const { port, leaves } of out) expect({ port, found: ratingsFound(leaves, secrets) }).toEqual({ port, found: [] });
    const files = Object.values(checkpoints).map((path) => new Uint8Array(readFileSync(path)));
    for (const said of [events, outcome, ...files]) expect(ratingsFound(leavesOf(said), secrets)).toEqual([]);
  });
});

/** Each with the server rate that suits it. */
const MEMBERS: Record<string, object> = {
  FedAvg: {},
  FedProx: { proximal: 0.1 },
  SCAFFOLD: { controlVariates: true, rowWeighting: 'touched' },
  FedAvgM: { serverOptimizer: 'momentum' },
  FedAdagrad: { serverOptimizer: 'adagrad' },
  FedAdam: { serverOptimizer: 'adam' },
  FedYogi: { serverOptimizer: 'yogi' },
};

describe('a planted set is learned', () => {
  const digests = new Set<string>();

  it.each(Object.entries(MEMBERS))('by %s, in its own way', async (_, over) => {
    const dataset = await loadDataset('synthetic:users=40,items=20,ratings=600,rank=2,noise=0.1', { split: 'auto', seed: 1 });
    const fedavg = { itemEmbedding: 4, localBatch: 4, localRate: 0.05, itemDecay: 0, userDecay: 0, ...over };
    const config = { algorithm: 'fedavg', fedavg, cohort: 20, epochs: 20, evaluation: { every: 0 } } as const;
    const { events, outcome } = await finish({ dataset, config });
    const rounds = roundsOf(events);
    const last = rounds.slice(-3).reduce((sum, { loss }) => sum + loss! / 3, 0);
    expect(last).toBeLessThan(0.8 * rounds[0]!.loss!);
    expect(digests.has(outcome.digest)).toBe(false);
    digests.add(outcome.digest);
  });
});
