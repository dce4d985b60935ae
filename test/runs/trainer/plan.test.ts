import { describe, expect, it } from 'vitest';
import { isMetafleetError } from '../../../src/base/errors.js';
import { rateAt } from '../../../src/coordinator/schedule.js';
import type { Dataset } from '../../../src/data/dataset.js';
import { countsOf } from '../../../src/data/dataset.js';
import type { Config } from '../../../src/runs/config/config.js';
import { flagSource, resolveConfig } from '../../../src/runs/config/parse-config.js';
import { planRun } from '../../../src/runs/trainer/plan.js';
import { datasetOf } from '../../support/runs/small-dataset.js';

// 10 users, 35 training ratings.
const dataset = datasetOf([1, 2, 3, 4, 5, 6, 5, 4, 3, 2]);
const configOf = (flags: Readonly<Record<string, string>> = {}): Config => resolveConfig(flagSource({ cohort: '4', ...flags }));
const plan = (flags: Readonly<Record<string, string>> = {}) => planRun(configOf(flags), dataset);

describe('the plan of a run', () => {
  it('counts ratings by part', () => {
    expect(countsOf(dataset)).toEqual({ train: 35, valid: 10, test: 20 });
  });

  it('refuses a cohort larger than the fleet, and takes one as large', () => {
    expect(plan({ cohort: '10' }).roundsPerEpoch).toBe(1);
    const tooLarge = () => plan({ cohort: '11' });
    expect(tooLarge).toThrow("key cohort: expected at most the fleet's 10 devices, found 11");
    try {
      tooLarge();
    } catch (error) {
      expect(isMetafleetError(error, 'CONFIG')).toBe(true);
    }
  });

  it.each([
    // every device once: ⌈10 / 4⌉
    ['shuffled', 'all', 3],
    ['shuffled', '1', 3],
    ['shuffled', '100', 3],
    // as many devices as there are
    ['uniform', 'all', 3],
    ['activity', 'all', 3],
    // as many ratings as there are: ⌈35 / (4 · ratings)⌉
    ['uniform', '1', 9],
    ['activity', '1', 9],
    ['activity', '2', 5],
    ['uniform', '5', 2],
    ['activity', '100', 1],
  ])('makes an epoch of %s sampling with %s ratings a device %i rounds', (sampling, ratings, rounds) => {
    const { roundsPerEpoch, settings } = plan({ sampling, ratings });
    expect(roundsPerEpoch).toBe(rounds);
    expect(settings.roundsPerEpoch).toBe(rounds);
  });

  it('runs its epochs, unless the rounds end before', () => {
    const sampled = { sampling: 'shuffled', epochs: '7' };
    expect(plan(sampled)).toMatchObject({ rounds: 21, epochs: 7 });
    expect(plan({ ...sampled, rounds: '0' })).toMatchObject({ rounds: 21, epochs: 7 });
    expect(plan({ ...sampled, rounds: '6' })).toMatchObject({ rounds: 6, epochs: 2 });
    expect(plan({ ...sampled, rounds: '7' })).toMatchObject({ rounds: 7, epochs: 3 });
    expect(plan({ ...sampled, rounds: '1000' })).toMatchObject({ rounds: 21, epochs: 7 });
  });

  it('hands each setting to the thread that needs it', () => {
    const flags = { seed: '9', delivery: 'subset', 'evaluation.delivery': 'full', dtype: 'f16', decoys: '3', ratings: '2', threads: '3' };
    const { settings, host, world, threads } = plan({
      ...flags,
      'optimizer.rate': '0.5',
      'optimizer.rateDecay': '0.25',
      'optimizer.schedule': 'geometric',
      'metamf.hidden': '6',
    });
    expect(world).toEqual({ devices: 10, items: 4000, lowest: 1, highest: 5 });
    expect(settings).toMatchObject({ seed: 9, cohort: 4, delivery: 'subset', evaluationDelivery: 'full', dtype: 'f16' });
    expect(settings.schedule).toMatchObject({ kind: 'geometric', rate: 0.5, decay: 0.25 });
    expect(host).toMatchObject({ world, dtype: 'f16', batch: { seed: 9, ratings: 2, decoys: 3, items: 4000 } });
    expect(host.algorithm).toMatchObject({ name: 'metamf', options: { hidden: 6 }, optimizer: { beta1: configOf().optimizer.beta1 } });
    expect(threads).toBe(3);
    expect(() => structuredClone({ settings, host })).not.toThrow();
  });

  it('lets λ fall with the number of training ratings, unless it is given', () => {
    const decayOf = (data: Dataset, flags: Readonly<Record<string, string>> = {}) => {
      const { algorithm } = planRun(configOf(flags), data).host;
      return algorithm.optimizer.decay;
    };
    expect(decayOf(datasetOf(Array(20).fill(4000)))).toBe(80 / 80_000);
    expect(decayOf(dataset)).toBe(2e-3);
    expect(decayOf(dataset, { 'optimizer.decay': '0.5' })).toBe(0.5);
  });

  it('lets the cosine take as many epochs as the run, unless their number is given', () => {
    const cosine = { 'optimizer.schedule': 'cosine', epochs: '7' };
    expect(plan(cosine).settings.schedule).toMatchObject({ kind: 'cosine', epochs: 7 });
    expect(plan({ ...cosine, rounds: '4' }).settings.schedule.epochs).toBe(2);
    expect(plan({ ...cosine, 'optimizer.annealEpochs': '20' }).settings.schedule.epochs).toBe(20);
  });

  it('keeps FedAvg’s server rate as it is', () => {
    const { settings, host } = plan({ algorithm: 'fedavg', 'fedavg.serverRate': '0.5', 'optimizer.schedule': 'cosine' });
    expect([1, 50].map((round) => rateAt(settings.schedule, round, 3))).toEqual([1, 1]);
    expect(host.algorithm).toMatchObject({ name: 'fedavg', options: { serverRate: 0.5 } });
  });

  it('shares the memory for models between as many hosts as there will be', () => {
    const bytesWith = (threads: string) => plan({ modelMemory: '12', threads }).host.modelBytes;
    expect(bytesWith('1')).toBe(12e6);
    expect(bytesWith('3')).toBe(4e6);
    expect(bytesWith('64')).toBe(12e5); // 10 devices: no more than 10 hosts
  });

  it('uses the machine’s cores when no threads are named', () => {
    expect(plan({ threads: '0' }).threads).toBeGreaterThanOrEqual(1);
  });
});
