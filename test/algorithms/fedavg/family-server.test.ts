import { describe, expect, it, onTestFinished } from 'vitest';
import { type FedAvgOptions, serverRateOf, unusedOptions } from '../../../src/algorithms/fedavg/options.js';
import { createMoments, createServerStep } from '../../../src/algorithms/fedavg/server-optimizer.js';
import type { Algorithm } from '../../../src/algorithms/port/algorithm.js';
import { measuredTensors } from '../../../src/algorithms/port/definition.js';
import type { ClientUpdate, ServerHalf } from '../../../src/algorithms/port/server.js';
import { random } from '../../../src/base/random.js';
import { deviceId } from '../../../src/base/units.js';
import { takeUpdates } from '../../support/fedavg/aggregate.js';
import { fedavg, OPTIONS, WORLD } from '../../support/fedavg/model.js';

const D = 2;
const DOT = { model: 'dot', itemEmbedding: D } as const;
const ADAM = { ...DOT, serverOptimizer: 'adam', serverRate: 0.1, beta1: 0.9, beta2: 0.99, tau: 0.01 } as const;

const serverOf = async (algorithm: Algorithm): Promise<ServerHalf> => {
  const server = await algorithm.createServer({ seed: 1, threads: 1 });
  onTestFinished(() => server.close());
  return server;
};

const floatsIn = (bytes: Uint8Array): Float32Array => new Float32Array(Uint8Array.from(bytes).buffer);

const named = ({ tensors }: ServerHalf): Record<string, Float32Array> =>
  Object.fromEntries(tensors.map(({ name, bytes }) => [name, floatsIn(bytes())]));

/** An update whose row tensors are in eighths: their weighted sums are exact in float32. */
const updateOf = (algorithm: Algorithm, device: number, count: number, rows: readonly number[]): ClientUpdate => {
  const source = random(5, 'update', device);
  const tensors = algorithm.wire.up.map(({ perRow, shape }) => {
    const size = shape.reduce((product, length) => product * length, 1) * (perRow ? rows.length : 1);
    return Float32Array.from({ length: size }, () => (source.integer(65) - 32) / 8);
  });
  return { device: deviceId(device), count, rows: Uint32Array.from(rows), tensors };
};

const updatesFor = (algorithm: Algorithm): ClientUpdate[] => [
  updateOf(algorithm, 0, 5, [1, 4, 18]),
  updateOf(algorithm, 2, 2, [0, 4]),
  updateOf(algorithm, 3, 9, [4, 7, 18]),
];

/** Mean of the first number of an item's row over the devices, weighted, divided by the weight of those that `counts`. */
const meanOf = (updates: readonly ClientUpdate[], item: number, weight: (update: ClientUpdate) => number, all: boolean): number => {
  const senders = updates.filter(({ rows }) => rows.includes(item));
  const sum = senders.reduce((total, update) => total + weight(update) * update.tensors[0]![update.rows.indexOf(item) * D]!, 0);
  return sum / (all ? updates : senders).reduce((total, update) => total + weight(update), 0);
};

const byRecords = ({ count }: ClientUpdate): number => count;
const alike = (): number => 1;

describe('the mean of item rows', () => {
  it.each([
    ['records', 'cohort', byRecords, true],
    ['records', 'touched', byRecords, false],
    ['uniform', 'cohort', alike, true],
    ['uniform', 'touched', alike, false],
  ] as const)('weighs devices by %s, and is divided by the weight of the %s', async (weighting, rowWeighting, weight, all) => {
    const algorithm = fedavg({ ...DOT, weighting, rowWeighting });
    const server = await serverOf(algorithm);
    const before = named(server)['items']!;
    const updates = updatesFor(algorithm);
    takeUpdates(algorithm, server, updates);
    server.step(1, 1);
    const after = named(server)['items']!;
    for (const item of [0, 1, 4, 7, 18]) expect(after[item * D]).toBe(Math.fround(before[item * D]! + meanOf(updates, item, weight, all)));
    for (const item of [2, 3, 17]) expect(after[item * D]).toBe(before[item * D]);
  });
});

const rowIn = (items: Float32Array, item: number): number[] => [...items.subarray(item * D, (item + 1) * D)];

describe('rows that no device of a round touched', () => {
  const twoRounds = async (untouchedRows: FedAvgOptions['untouchedRows']) => {
    const algorithm = fedavg({ ...ADAM, untouchedRows });
    const server = await serverOf(algorithm);
    takeUpdates(algorithm, server, updatesFor(algorithm));
    server.step(1, 1);
    const first = named(server)['items']!;
    takeUpdates(algorithm, server, [updateOf(algorithm, 1, 3, [4])]);
    server.step(1, 1);
    return { first, second: named(server)['items']! };
  };

  it('go on by their moments as in the paper, unless they are to keep them', async () => {
    const [decayed, kept] = [await twoRounds('decay'), await twoRounds('keep')];
    expect(decayed.first).toEqual(kept.first);
    for (const item of [0, 1, 7, 18]) {
      expect(rowIn(kept.second, item)).toEqual(rowIn(kept.first, item));
      expect(rowIn(decayed.second, item)).not.toEqual(rowIn(decayed.first, item));
    }
    // Never touched: no moment to go on by. Touched twice: alike.
    expect(rowIn(decayed.second, 2)).toEqual(rowIn(decayed.first, 2));
    expect(rowIn(decayed.second, 4)).toEqual(rowIn(kept.second, 4));
    expect(rowIn(kept.second, 4)).not.toEqual(rowIn(kept.first, 4));
  });
});

it('the server steps every tensor by its optimizer, and keeps the moments with the parameters', async () => {
  const algorithm = fedavg({ ...ADAM, model: 'mlp', units: 1 });
  const server = await serverOf(algorithm);
  const before = named(server);
  const updates = updatesFor(algorithm);
  for (let round = 0; round < 3; round++) {
    takeUpdates(algorithm, server, updates);
    server.step(1, 1);
  }
  const total = updates.reduce((sum, { count }) => sum + count, 0);
  const sum = updates.reduce((all, { count, tensors }) => all + count * tensors[1]![0]!, 0);
  const [weights, moments] = [before['w1']!.slice(0, 1), createMoments({ ...ADAM, kind: 'adam' }, 1)];
  for (let round = 0; round < 3; round++)
    createServerStep({ ...ADAM, kind: 'adam' })(weights, moments, Float32Array.of(sum), { from: 0, end: 1, weight: total }, 0.1);
  expect(named(server)['w1']![0]).toBe(weights[0]);
  const { state } = server.tensors.find(({ name }) => name === 'w1')!;
  expect(state.map(({ name }) => name)).toEqual(['moment', 'variance']);
  expect(state.map(({ bytes }) => floatsIn(bytes())[0])).toEqual([moments.first[0], moments.second[0]]);
});

describe('SCAFFOLD on the server', () => {
  it('sends control variates beside each tensor, zero at first', async () => {
    const algorithm = fedavg({ ...DOT, controlVariates: true });
    expect(algorithm.wire.up.map(({ name }) => name)).toEqual(['items', 'offsets', 'control.items', 'control.offsets']);
    const network = fedavg({ model: 'mlp', controlVariates: true });
    const rowTensors = network.wire.up.map(({ perRow }) => perRow);
    expect(rowTensors).toEqual([...rowTensors].sort((a, b) => Number(b) - Number(a)));
    expect(network.wire.up).toHaveLength(10);
    const { down } = algorithm.wire;
    expect(measuredTensors(algorithm.wire).map(({ name }) => name)).toEqual(['items', 'offsets']);
    expect(down.map(({ name }) => name)).toEqual(algorithm.wire.up.map(({ name }) => name));
    const { 'control.items': rows, 'control.offsets': offsets } = named(await serverOf(algorithm));
    expect([...rows!, ...offsets!].every((value) => value === 0)).toBe(true);
  });

  it('moves them by the share of the fleet that took part times the mean change, whatever the server’s rule', async () => {
    for (const serverOptimizer of ['sgd', 'yogi'] as const) {
      const algorithm = fedavg({ ...ADAM, serverOptimizer, controlVariates: true, rowWeighting: 'touched', weighting: 'uniform' });
      const server = await serverOf(algorithm);
      const updates = updatesFor(algorithm);
      takeUpdates(algorithm, server, updates);
      server.step(1, 1);
      const control = named(server)['control.offsets']!;
      const sent = (device: number, item: number): number => updates[device]!.tensors[3]![updates[device]!.rows.indexOf(item)]!;
      const share = updates.length / WORLD.devices;
      expect(control[1]).toBeCloseTo(share * sent(0, 1), 6);
      expect(control[4]).toBeCloseTo((share * (sent(0, 4) + sent(1, 4) + sent(2, 4))) / 3, 6);
      expect(control[2]).toBe(0);
    }
  });
});

describe('the server rate', () => {
  it('falls along half a cosine over the planned rounds, whatever round a run is resumed at', async () => {
    const moved = async (
      round: number,
      rounds: number | undefined,
      serverSchedule: FedAvgOptions['serverSchedule'],
      serverAnnealRounds = 0,
    ) => {
      const algorithm = fedavg({ ...DOT, serverSchedule, serverAnnealRounds, serverRate: 2 });
      const server = await algorithm.createServer({ seed: 1, threads: 1, ...(rounds === undefined ? {} : { rounds }) });
      onTestFinished(() => server.close());
      const before = named(server)['offsets']![4]!;
      takeUpdates(algorithm, server, updatesFor(algorithm));
      server.step(1, round);
      return named(server)['offsets']![4]! - before;
    };
    const whole = await moved(1, 8, 'constant');
    expect(whole).not.toBe(0);
    expect(await moved(1, 8, 'cosine')).toBe(whole);
    for (const round of [2, 5, 8])
      expect((await moved(round, 8, 'cosine')) / whole).toBeCloseTo((1 + Math.cos((Math.PI * (round - 1)) / 8)) / 2, 5);
    expect(await moved(20, 8, 'cosine')).toBeCloseTo(0, 10);
    expect(await moved(3, 99, 'cosine', 4)).toBe(await moved(5, 8, 'cosine'));
    expect(await moved(5, undefined, 'cosine')).toBe(whole);
    expect(await moved(5, 8, 'constant')).toBe(whole);
  });

  it.each([
    ['sgd', 'cohort', 20],
    ['sgd', 'touched', 2],
    ['momentum', 'cohort', 2],
    ['adam', 'cohort', 0.05],
  ] as const)('is one that suits the optimizer where none is given: %s, %s', (serverOptimizer, rowWeighting, rate) => {
    const of = (serverRate: number) => serverRateOf({ ...OPTIONS, serverOptimizer, rowWeighting, serverRate });
    expect([of(0), of(0.7)]).toEqual([rate, 0.7]);
  });
});

describe('the options of the FedAvg family', () => {
  const unused = (options: Partial<FedAvgOptions>): readonly string[] =>
    unusedOptions({ ...OPTIONS, serverSchedule: 'cosine', ...options });

  it('say which of them the others leave without effect', () => {
    expect(unused({ centring: 'device-mean' })).toEqual(['beta1', 'untouchedRows', 'beta2', 'tau']);
    expect(unused({ serverOptimizer: 'momentum' })).toEqual(['centringDamping', 'beta2', 'tau']);
    expect(unused({ centring: 'device-mean', serverOptimizer: 'adagrad' })).toEqual(['beta2']);
    expect(unused({ centring: 'device-mean', serverOptimizer: 'yogi' })).toEqual([]);
    expect(unused({ centring: 'device-mean', serverOptimizer: 'yogi', serverSchedule: 'constant' })).toEqual(['serverAnnealRounds']);
    expect(unused({ centring: 'device-mean', serverOptimizer: 'yogi', model: 'dot' })).toEqual(['units']);
    expect(unused({ centring: 'device-mean', serverOptimizer: 'yogi', model: 'dot', itemRate: 0.1, userRate: 0.1 })).toEqual([
      'units',
      'localRate',
    ]);
  });

  it('refuse a proximal term whose local steps would overshoot', () => {
    expect(() => fedavg({ proximal: 50, localRate: 0.04 })).toThrow('key fedavg.proximal: expected below 2 ÷ the local rate, 50');
    expect(fedavg({ proximal: 49, localRate: 0.04 }).name).toBe('fedavg');
  });
});
