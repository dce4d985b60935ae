import type { MetaMFOptions } from '../../../src/algorithms/metamf/options.js';
import { random } from '../../../src/base/random.js';
import { type DeviceId, deviceId, seconds } from '../../../src/base/units.js';
import { createTakeUpdates } from '../../../src/coordinator/aggregation/take-updates.js';
import { FIRST_STATE, type RoundContext, runRound } from '../../../src/coordinator/round/round.js';
import { constantRate } from '../../../src/coordinator/schedule.js';
import { learningRateOf, type RoundSettings } from '../../../src/coordinator/settings.js';
import { type BatchOptions, batchOf } from '../../../src/device/actor/batch.js';
import { type Column, type PrivateColumns, ratingsOf } from '../../../src/device/actor/columns.js';
import { createMeasure } from '../../../src/device/actor/measure.js';
import type { OptimizerSetup } from '../../../src/tensor/optimizers/setup.js';
import { NO_SERVER_STEPS } from '../../../src/updates/server-steps.js';
import { meanOf, PLAIN_ROUNDS, samplerFor, samplerOf } from '../coordinator/in-process-coordinator.js';
import { MEASURED } from '../device/small-world.js';
import { randomRatings, randomServer, WORLD } from './fleet.js';
import { inProcessDevices } from './in-process-devices.js';
import type { DeviceBatch } from './reference-model.js';
import { readWeights, type Theta } from './theta.js';

const columnOf = (ratings: readonly { items: Uint32Array; values: Float32Array }[]): Column => {
  const offsets = new Uint32Array(new SharedArrayBuffer(4 * (ratings.length + 1)));
  ratings.forEach(({ items }, device) => {
    offsets[device + 1] = offsets[device]! + items.length;
  });
  const total = offsets.at(-1)!;
  const items = new Uint32Array(new SharedArrayBuffer(4 * total));
  const values = new Float32Array(new SharedArrayBuffer(4 * total));
  ratings.forEach((own, device) => {
    items.set(own.items, offsets[device]!);
    values.set(own.values, offsets[device]!);
  });
  return { offsets, items, values };
};

const privateColumns = (): PrivateColumns => {
  const train = Array.from({ length: WORLD.devices }, (_, device) => {
    const source = random(4, 'ratings', device);
    return randomRatings(WORLD, 3 + source.integer(20), source);
  });
  const none = columnOf(train.map(() => ({ items: new Uint32Array(), values: new Float32Array() })));
  return { firstDevice: 0, devices: WORLD.devices, train: columnOf(train), valid: none, test: none };
};

/** How a fleet is run, but for the algorithm. */
export type Regime = {
  readonly delivery: RoundSettings['delivery'];
  readonly ratings: BatchOptions['ratings'];
  readonly decoys: number;
  readonly sampling: string;
};
export const ALL: Regime = { delivery: 'full', ratings: 'all', decoys: 0, sampling: 'shuffled' };
export const SOME: Regime = { delivery: 'subset', ratings: 4, decoys: 5, sampling: 'uniform' };

/** The engine's rounds, with the coordinator's server half and the device actors in this thread. */
export const createEngine = async (options: MetaMFOptions, optimizer: Partial<OptimizerSetup>, regime: Regime, threads = 1) => {
  const { algorithm, server, theta } = await randomServer(WORLD, options, optimizer, threads);
  const columns = privateColumns();
  const activity = Uint32Array.from({ length: WORLD.devices }, (_, device) => ratingsOf(columns, 'train', deviceId(device)).items.length);
  const { delivery, ratings, decoys, sampling } = regime;
  const settings: RoundSettings = {
    identity: 'metamf@1',
    seed: 6,
    cohort: 5,
    sampler: samplerOf(sampling),
    roundsPerEpoch: 2,
    rounds: 4,
    delivery,
    evaluationDelivery: 'full',
    metrics: MEASURED.metrics,
    dtype: 'f32',
    schedule: { ...constantRate(0.01), decay: 0.5 },
    ...PLAIN_ROUNDS,
  };
  const batch: BatchOptions = { seed: settings.seed, ratings, decoys, items: WORLD.items };
  const measure = createMeasure({ ...MEASURED, items: WORLD.items });
  const sampler = samplerFor(settings, activity);
  const devices = inProcessDevices({ algorithm, columns, dtype: 'f32', batch, measure });
  const context: RoundContext = {
    algorithm,
    server,
    devices,
    settings,
    items: WORLD.items,
    dtype: 'f32',
    sampler,
    world: WORLD,
    steps: NO_SERVER_STEPS,
    secure: null,
    ledger: null,
    takeUpdates: createTakeUpdates(algorithm, server, WORLD.items, meanOf({ algorithm, world: WORLD })),
    beforeStep: async () => {},
  };
  const cohortOf = (round: number) => sampler.choose({ round, size: settings.cohort, busy: new Set(), now: seconds(0) });
  const learnedFrom = (round: number, device: DeviceId): DeviceBatch => {
    const train = ratingsOf(columns, 'train', device);
    return { device, train, batch: batchOf(train, batch, round, device) };
  };
  return {
    server,
    theta,
    run: async (round: number) => (await runRound(context, round, FIRST_STATE)).event,
    weights: (): Theta => {
      server.settle();
      return readWeights(server.parameters, options);
    },
    batches: (round: number): DeviceBatch[] => cohortOf(round).map((device) => learnedFrom(round, device)),
    learningRate: (round: number): number => learningRateOf(round, settings),
    close: () => server.close(),
  };
};
