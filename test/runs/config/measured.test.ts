import { describe, expect, it } from 'vitest';
import { isMetafleetError } from '../../../src/base/errors.js';
import { stopMetricOf } from '../../../src/runs/config/measured.js';
import { flagSource, resolveConfig, yamlSource } from '../../../src/runs/config/parse-config.js';

const said = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (isMetafleetError(error, 'CONFIG')) return error.message;
    throw error;
  }
  return 'nothing was thrown';
};
const withMetrics = (metrics: string, stopOn = 'auto') => resolveConfig(flagSource({ 'evaluation.metrics': metrics, stopOn }));

describe('what a run measures', () => {
  it('is MAE and MSE by default, and stops on MSE where that is measured', () => {
    const config = resolveConfig();
    expect(config.evaluation).toMatchObject({ metrics: ['mae', 'mse'], candidates: 'all', relevant: 'all' });
    expect([config, withMetrics('[auc, mse]'), withMetrics('[auc, ndcg@10]'), withMetrics('[mse, auc]', 'auc')].map(stopMetricOf)).toEqual([
      'mse',
      'mse',
      'auc',
      'auc',
    ]);
  });

  it.each([
    ['[mse, ndcg]', /^flag --evaluation\.metrics: expected one of mae, mse, .*, found ndcg$/],
    ['[ndcg@0]', /^flag --evaluation\.metrics: expected one of mae, .*, found ndcg@0$/],
    ['[mse, mae, mse]', /^flag --evaluation\.metrics: expected each metric once, found mse twice$/],
    ['[]', /^flag --evaluation\.metrics: expected a list of at least 1, found \[\]$/],
    ['mse', /^flag --evaluation\.metrics: expected an array, found "mse"$/],
  ])('is refused by its key for %s', (metrics, line) => {
    expect(said(() => withMetrics(metrics))).toMatch(line);
  });

  it('must hold what the run stops on; the error names the key where the last source says it', () => {
    expect(said(() => withMetrics('[mse, auc]', 'mae'))).toBe(
      'flag --stopOn: expected auto, or one of evaluation.metrics (mse, auc), found mae',
    );
    const file = yamlSource('cohort: 8\nstopOn: mse\n', 'run.yaml');
    expect(said(() => resolveConfig(file, flagSource({ 'evaluation.metrics': '[auc]' })))).toBe(
      'run.yaml:2, key stopOn: expected auto, or one of evaluation.metrics (auc), found mse',
    );
    // A later source may add what an earlier one stops on.
    expect(resolveConfig(yamlSource('stopOn: auc\n', 'run.yaml'), flagSource({ 'evaluation.metrics': '[auc]' })).stopOn).toBe('auc');
  });

  it.each([
    ['evaluation.candidates', 'none', 'all, warm, cold, or a whole number ≥ 1, found "none"'],
    ['evaluation.candidates', '0', 'a number ≥ 1, found 0'],
    ['evaluation.relevant', 'good', 'all, or a number, found "good"'],
    ['optimizer.decay', 'lots', 'auto, or a number ≥ 0, found "lots"'],
  ])('%s says for %s what it takes', (key, text, line) => {
    expect(said(() => resolveConfig(flagSource({ [key]: text })))).toBe(`flag --${key}: expected ${line}`);
  });
});
