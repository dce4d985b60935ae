import { describe, expect, it } from 'vitest';
import { finish, storyOf } from '../../support/transport/small-run.js';

/** Settings that change what is computed or sent; each must give the same bits on any number of threads. */
const SETTINGS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'full delivery': {},
  'subset delivery among decoys, two ratings a round, cohorts by activity': {
    delivery: 'subset',
    decoys: 5,
    ratings: 2,
    sampling: 'activity',
    rounds: 12,
  },
  'few rows a round, the others stepped beside the next round': {
    delivery: 'subset',
    ratings: 1,
    cohort: 4,
    rounds: 12,
    optimizer: { tensorMoments: [] },
  },
  'f16 on the wire, MetaMF-SI': { dtype: 'f16', metamf: { variant: 'si' } },
  'int8 on the wire in subset delivery, MetaMF-SM': { dtype: 'int8', delivery: 'subset', metamf: { variant: 'sm' } },
  'uniform cohorts, decoys in uploads alone': { sampling: 'uniform', decoys: 5 },
};

describe('the same seed on 1, 2 and 4 threads', () => {
  for (const [name, config] of Object.entries(SETTINGS)) {
    it(`gives the same bits of Θ and the same messages: ${name}`, async () => {
      const [one, ...others] = await Promise.all([1, 2, 4].map((threads) => finish({ config: { ...config, threads } })));
      const { digest } = one!.outcome;
      process.stdout.write(`digest of ${name}, threads 1: ${digest}\n`);
      expect(digest).toMatch(/^[0-9a-f]{64}$/);
      for (const other of others) {
        expect(other.outcome).toEqual(one!.outcome);
        expect(storyOf(other.events)).toEqual(storyOf(one!.events));
      }
      expect(storyOf(one!.events).rounds).toHaveLength(12);
    });
  }
});

it('full and subset delivery in f32 train the same Θ, with decoys or without, and measure the same errors', async () => {
  const [full, subset, hidden, measuredFull] = await Promise.all([
    finish(),
    finish({ config: { delivery: 'subset' } }),
    finish({ config: { delivery: 'subset', decoys: 4 } }),
    finish({ config: { evaluation: { delivery: 'full' } } }),
  ]);
  const errors = ({ events }: typeof full) => storyOf(events).epochs.map(({ traffic: _, ...rest }) => rest);
  for (const other of [subset, hidden, measuredFull]) {
    expect(other.outcome.digest).toBe(full.outcome.digest);
    expect(errors(other)).toEqual(errors(full));
  }
  const kinds = ({ events }: typeof full) => storyOf(events).rounds[0]!.traffic.map(({ kind, direction }) => `${kind} ${direction}`);
  expect(kinds(full)).toEqual(['model down', 'update up']);
  expect(kinds(subset)).toEqual(['assign down', 'model down', 'update up', 'want up']);
});

it('the digest tells seeds, wire types and variants apart, but not one run from the next of the same settings', async () => {
  const configs = [{}, {}, { seed: 2 }, { dtype: 'f16' }, { metamf: { variant: 'si' } }];
  const runs = await Promise.all(configs.map((config) => finish({ config: { ...config, rounds: 2 } })));
  const digests = runs.map(({ outcome }) => outcome.digest);
  expect(digests[1]).toBe(digests[0]);
  expect(new Set(digests).size).toBe(4);
});

it('training lowers the error on the ratings that devices learn from', async () => {
  const { events } = await finish({ config: { epochs: 12, optimizer: { rate: 0.02, rateDecay: 1 } } });
  const { epochs } = storyOf(events);
  expect(epochs.at(-1)!.trainLoss).toBeLessThan(0.7 * epochs[0]!.trainLoss!);
});

it('refuses a cohort larger than the fleet before a thread is started', async () => {
  await expect(finish({ config: { cohort: 31 } })).rejects.toThrow("key cohort: expected at most the fleet's 30 devices, found 31");
});
