import { describe, expect, it } from 'vitest';
import { smallFacts } from '../../../src/conformance/small-ratings.js';
import type { Dataset } from '../../../src/data/dataset.js';
import { identityOf } from '../../../src/runs/config/definitions.js';
import { flagSource, presetSource, printConfig, refuseIdleSettings, resolveConfig } from '../../../src/runs/config/parse-config.js';
import { planTraining } from '../../../src/runs/trainer/plan-training.js';

const configOf = (flags: Readonly<Record<string, string>>) => {
  const source = flagSource(flags);
  const config = resolveConfig(presetSource('default'), source);
  refuseIdleSettings([config], [source]);
  return config;
};

const { users, items, train } = smallFacts();
const dataset: Dataset = {
  ...{ name: 'small', feedback: 'explicit', users, items, scale: { lowest: 1, highest: 5, step: 1 } },
  parts: { train, valid: train, test: train },
};

describe('a configuration of a central model', () => {
  it.each([
    ['cohort', '8'],
    ['sampling', 'uniform'],
    ['aggregation', 'median'],
    ['delivery', 'full'],
    ['dtype', 'f16'],
    ['optimizer.rate', '0.1'],
    ['fleet.profiles', 'mix'],
    ['policy.kind', 'deadline'],
    ['perturbations.lost', '0.5'],
    ['evaluation.delivery', 'full'],
  ])('refuses %s, which only a fleet reads, by name', (key, value) => {
    expect(() => configOf({ algorithm: 'svdpp', [key]: value })).toThrow(
      `flag --${key}: only an algorithm that learns on a fleet reads it, and svdpp is a central model`,
    );
  });

  it("refuses the options of a fleet's algorithm, and of another model", () => {
    expect(() => configOf({ algorithm: 'svdpp', 'metamf.dropout': '0.5' })).toThrow(
      'only algorithm metamf reads it, and this run has algorithm svdpp',
    );
    expect(() => configOf({ algorithm: 'svdpp', 'pmf.factors': '3' })).toThrow('only algorithm pmf reads it');
    expect(() => configOf({ 'pmf.factors': '3' })).toThrow('only algorithm pmf reads it, and this run has algorithm metamf');
  });

  it('refuses epochs of a closed form, and plans one', () => {
    expect(() => configOf({ algorithm: 'ease', epochs: '3' })).toThrow(
      'flag --epochs: ease has a closed form, and is done after one epoch',
    );
    expect(planTraining(configOf({ algorithm: 'ease' }), dataset)).toMatchObject({ epochs: 1, rounds: 1, roundsPerEpoch: 1, fleet: null });
  });

  it('has defaults of its own, under those that are given', () => {
    expect(configOf({ algorithm: 'svdpp' })).toMatchObject({ epochs: 60, evaluation: { metrics: ['mae', 'mse'] } });
    expect(configOf({ algorithm: 'svdpp', epochs: '7' }).epochs).toBe(7);
    expect(configOf({ algorithm: 'ease' }).evaluation.metrics).toEqual(['recall@100', 'ndcg@100', 'precision@100']);
    expect(configOf({}).epochs).toBe(30);
  });

  it('measures no rating of a model that only ranks', () => {
    expect(() => configOf({ algorithm: 'ease', 'evaluation.metrics': '[mse]' })).toThrow(
      'flag --evaluation.metrics: expected ranking metrics such as ndcg@100, as ease predicts no ratings, found mse',
    );
  });

  it('prints no key of a fleet, and is identified by the model alone', () => {
    const config = configOf({ algorithm: 'pmf' });
    const text = printConfig(config, false);
    expect(text).toContain('pmf:\n');
    expect(text).not.toMatch(/^(cohort|optimizer|fleet|metamf)/m);
    expect(identityOf(config)).toBe('pmf@1');
  });
});
