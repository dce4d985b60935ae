import { describe, expect, it } from 'vitest';
import type { ClientUpdate, ServerHalf, UpdateSum } from '../../../src/algorithms/port/server.js';
import { deviceId } from '../../../src/base/units.js';
import type { Aggregator, Combined } from '../../../src/coordinator/aggregation/aggregator.js';
import { AGGREGATOR } from '../../../src/coordinator/aggregation/registry.js';
import { createTakeUpdates } from '../../../src/coordinator/aggregation/take-updates.js';
import { createUpdateSums } from '../../../src/coordinator/aggregation/update-sums.js';
import { fakeAlgorithm } from '../../support/coordinator/fake-algorithm.js';
import { WORLD } from '../../support/device/small-world.js';

const EACH = fakeAlgorithm({ each: true });
const SUM = fakeAlgorithm();
const UPDATES: readonly ClientUpdate[] = [1, 4].map((device) => ({
  device: deviceId(device),
  count: device,
  rows: Uint32Array.of(2, device + 5),
  tensors: [Float32Array.of(device, 1), Float32Array.of(0.5, device)],
}));
const MEAN = AGGREGATOR.builtIns[0]!.create({}, { wire: SUM.wire, items: WORLD.items });
const leaving = (combined: Combined): Aggregator => ({ combine: () => combined });

type Half = 'accumulate' | 'apply';

/** A server half that has one of the two hooks and notes what it is handed. */
const halfOf = async (algorithm: typeof EACH, ...hooks: readonly Half[]) => {
  const { accumulate: _each, apply: _sum, ...rest } = await algorithm.createServer({ seed: 1, threads: 1 });
  const taken: unknown[] = [];
  const hook = (given: readonly ClientUpdate[] | UpdateSum) => void taken.push(structuredClone(given));
  const server: ServerHalf = { ...rest, ...Object.fromEntries(hooks.map((name) => [name, hook])) };
  return { server, taken };
};
const take = async (algorithm: typeof EACH, hook: Half, aggregator: Aggregator, updates = UPDATES) => {
  const { server, taken } = await halfOf(algorithm, hook);
  createTakeUpdates(algorithm, server, WORLD.items, aggregator).take(updates, { round: 1, cohort: updates.length, marks: [] });
  return taken;
};

describe('a round’s updates', () => {
  it('reach the server half one by one, or as their sum, as the algorithm’s traits say', async () => {
    expect(await take(EACH, 'accumulate', MEAN)).toEqual([UPDATES]);
    expect(await take(SUM, 'apply', MEAN)).toEqual([createUpdateSums(SUM.wire.up, WORLD.items).of(UPDATES)]);
  });

  it('are those that the aggregator leaves', async () => {
    const one = leaving({ kind: 'updates', updates: UPDATES.slice(1) });
    expect(await take(EACH, 'accumulate', one)).toEqual([UPDATES.slice(1)]);
    expect(await take(SUM, 'apply', one)).toEqual([createUpdateSums(SUM.wire.up, WORLD.items).of(UPDATES.slice(1))]);
    const none = leaving({ kind: 'updates', updates: [] });
    expect(await take(EACH, 'accumulate', none)).toEqual([]);
    expect(await take(SUM, 'apply', none)).toEqual([]);
  });

  it('are the sum that the aggregator leaves, where sums suffice; where they do not, that is an error', async () => {
    const sum: UpdateSum = {
      updates: 1,
      weight: 3,
      tensors: [new Float32Array(40), Float32Array.of(1, 2)],
      rowWeights: new Float32Array(40),
    };
    expect(await take(SUM, 'apply', leaving({ kind: 'sum', sum }))).toEqual([sum]);
    await expect(take(EACH, 'accumulate', leaving({ kind: 'sum', sum }))).rejects.toThrow(
      'algorithm fake: takes each update by itself, and the aggregator left their sum',
    );
  });

  it('need the hook that the traits call for', async () => {
    const [without, other] = [await halfOf(EACH, 'apply'), await halfOf(SUM, 'accumulate')];
    expect(() => createTakeUpdates(EACH, without.server, WORLD.items, MEAN)).toThrow('algorithm fake: its server half lacks accumulate');
    expect(() => createTakeUpdates(SUM, other.server, WORLD.items, MEAN)).toThrow('algorithm fake: its server half lacks apply');
  });
});

describe('the mean', () => {
  it('is the first of the aggregators, and leaves every update as it is', () => {
    expect(AGGREGATOR.builtIns.map(({ name }) => name)[0]).toBe('mean');
    expect(MEAN.combine(UPDATES)).toEqual({ kind: 'updates', updates: UPDATES });
  });

  it('has no options', () => {
    expect(AGGREGATOR.builtIns[0]!.options.safeParse({}).success).toBe(true);
    expect(AGGREGATOR.builtIns[0]!.options.safeParse({ trim: 0.1 }).success).toBe(false);
  });
});
