import { describe, expect, it } from 'vitest';
import { renderTable } from '../../src/report/table.js';
import { createSummary } from '../../src/runs/folder/accounts.js';
import type { RunFacts, Summary } from '../../src/runs/folder/summary.js';
import { facts } from '../support/report/facts.js';
import { epochFinished, roundFinished, runFinished, runStarted } from '../support/report/run-events.js';

const summaryOf = (changes: Partial<RunFacts> = {}, mse: number | null = 0.82): Summary => {
  const builder = createSummary({ ...facts, ...changes }, { sampleProcess: () => ({ wallMillis: 125_000, rssPeakBytes: 432e6 }) });
  builder.observe(runStarted());
  for (let round = 1; round <= 20; round++) builder.observe(roundFinished({ round, clipped: round <= 5 }));
  builder.observe(epochFinished({ epoch: 1, round: 10, test: { count: 1, metrics: { mae: 0.7, mse } } }));
  builder.observe(epochFinished({ epoch: 2, round: 20, best: false, test: { count: 1, metrics: { mae: 0.75, mse: 0.9 } } }));
  builder.observe(runFinished({ reason: 'early-stopped', round: 20, epoch: 2 }));
  return builder.summary();
};
const lineOf = (table: string, start: string): string => table.split('\n').find((line) => line.startsWith(start)) ?? `no line "${start}"`;

describe('final table', () => {
  const table = renderTable(summaryOf(), { folder: 'results/one' });

  it('puts the test error of best and last epoch next to every baseline', () => {
    expect(lineOf(table, 'metamf, best-validation epoch (1)')).toMatch(/0\.8200 +0\.7000$/);
    expect(lineOf(table, 'metamf, last epoch (2)')).toMatch(/0\.9000 +0\.7500$/);
    expect(lineOf(table, 'global mean')).toMatch(/1\.1100 +0\.8500 +higher by 35\.4 %$/);
    expect(lineOf(table, 'matrix factorization (central)')).toMatch(/higher by 2\.4 %$/);
  });
  it('says plainly which baseline is better, and stars the lowest error of each column', () => {
    expect(lineOf(table, 'biased baseline')).toMatch(/0\.7720\* +0\.6820\* +lower by 5\.9 % \(better\)$/);
    expect(table).toContain('metamf has a lower MSE than 3 of 4 baselines; better than it: biased baseline.');
    expect(table.match(/\d\*/g)).toHaveLength(2);
  });
  it('tells the error by activity where there is one, without starring it', () => {
    const score = (mse: number) => ({ best: { mae: 0.1, mse }, last: null });
    const group = (name: 'low' | 'medium' | 'high', mse: number) => ({ group: name, devices: 34, valid: score(1), test: score(mse) });
    const text = renderTable({ ...summaryOf(), groups: [group('low', 0.1), group('medium', 0.2), group('high', 0.3)] });
    expect(lineOf(text, 'metamf, least active 5 % (34 devices)')).toMatch(/0\.1000 +0\.1000$/);
    expect(lineOf(text, 'metamf, middling 5 % (34 devices)')).toMatch(/0\.2000 +0\.1000$/);
    expect(lineOf(text, 'metamf, most active 5 % (34 devices)')).toMatch(/0\.3000 +0\.1000$/);
    expect(table).not.toContain('active 5 %');
  });
  it('has the metrics of the run, what it stops on first, each with its own best', () => {
    const values = (ndcg: number, auc: number | null, mse: number, precision: number) => ({
      mse,
      'ndcg@10': ndcg,
      auc,
      'precision@10': precision,
    });
    const builder = createSummary({
      ...facts,
      ...{ metrics: ['mse', 'ndcg@10', 'auc', 'precision@10'], stopOn: 'ndcg@10' },
      baselines: { popular: values(0.2, null, 0.7, 0.1), random: values(0.05, 0.5, 0.9, 0.3) },
    });
    builder.observe(epochFinished({ test: { count: 1, metrics: values(0.1, 0.75, 0.8, 0.2) } }));
    const text = renderTable(builder.summary());
    expect(lineOf(text, 'on test ratings (* best)')).toMatch(/ NDCG@10 +MSE +NDCG@10 against the run's$/);
    expect(lineOf(text, 'popular')).toMatch(/0\.2000\* +0\.7000\* +higher by 100\.0 % \(better\)$/);
    expect(lineOf(text, 'random')).toMatch(/0\.0500 +0\.9000 +lower by 50\.0 %$/);
    expect(text).toContain('metamf has a higher NDCG@10 than 1 of 2 baselines; better than it: popular.');
    const second = text.slice(text.indexOf('AUC'));
    expect(second).toMatch(/^AUC +PRECISION@10$/m);
    expect(lineOf(second, 'metamf, best-validation epoch (1)')).toMatch(/0\.7500\* +0\.2000$/);
    expect(lineOf(second, 'popular')).toMatch(/ - +0\.1000$/);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });
  it('shows a measure of nothing as -, without a star or a win', () => {
    const text = renderTable(summaryOf({ baselines: { even: { mae: null, mse: null } } }, null));
    expect(lineOf(text, 'metamf, best-validation epoch (1)')).toMatch(/ - +0\.7000\*$/);
    expect(lineOf(text, 'even')).toMatch(/ - +-$/);
    expect(text).toContain('metamf has no MSE: nothing was measured on the test part.');
    expect(text).not.toMatch(/null|NaN/);
  });
  it('names no best epoch where nothing validated', () => {
    const nothing = { mae: null, mse: null };
    const text = renderTable({ ...summaryOf(), valid: { best: nothing, last: nothing } });
    expect(text).not.toContain('best-validation');
    expect(lineOf(text, 'metamf, last epoch (2)')).toMatch(/0\.\d{4}/);
  });
  it('claims no win over a baseline that prints the same', () => {
    const even = renderTable(summaryOf({ baselines: { even: { mae: 0.7, mse: 0.820_01 } } }));
    expect(lineOf(even, 'even')).toMatch(/0\.8200\* +0\.7000\* +the same$/);
    expect(even).toContain('metamf has a lower MSE than 0 of 1 baseline.');
  });
  it('tells the cost: rounds, bytes, messages, latencies, phases, memory, and where the results lie', () => {
    expect(lineOf(table, 'rounds')).toContain('20 in 2 epochs, 2m 05s in all, 25.0 % clipped');
    expect(lineOf(table, 'bytes, training')).toMatch(/1\.28 MB down +128 kB up$/);
    expect(lineOf(table, '  per round')).toMatch(/64\.0 kB down +6\.40 kB up$/);
    expect(lineOf(table, '  per device')).toMatch(/1\.91 kB down +191 B up$/);
    expect(lineOf(table, 'bytes, evaluation')).toMatch(/1\.34 MB down +0 B up$/);
    expect(lineOf(table, 'messages')).toContain('3,902');
    expect(lineOf(table, 'round  ')).toContain('p95 10.0 ms');
    expect(lineOf(table, '  spent on')).toContain('generate 30.0 %');
    expect(lineOf(table, 'device update')).toMatch(/p50 3\d\d us, p95 6\d\d us/);
    expect(lineOf(table, 'memory')).toContain('432 MB at most; generated models 5.00 MB (100 at once)');
    expect(lineOf(table, 'end')).toContain('early-stopped');
    expect(lineOf(table, 'results')).toMatch(/results\/one$/);
  });
  it('says when costs cover a part of the rounds only, and where it was resumed', () => {
    const partly = {
      ...summaryOf(),
      rounds: { total: 50, measured: 20, clipped: 0, retries: 3 },
      resumedFrom: [30],
      hosts: { lost: 1, restored: 1 },
    };
    const text = renderTable(partly);
    expect(text).toContain('costs cover 20 rounds');
    expect(text).toContain('resumed after round 30');
    expect(text).toContain('retried 3x, 1 host lost, 1 restored');
  });
  it('has a table for a run stopped before its first round, and for one that diverged', () => {
    expect(renderTable(createSummary(facts).summary())).toContain('No epoch has been evaluated.');
    const diverged = renderTable(summaryOf({}, Number.NaN));
    expect(diverged).toContain('metamf diverged');
    expect(diverged).not.toMatch(/NaN|undefined|Infinity/);
  });
  it('is ASCII within 100 columns, with the largest numbers and the longest names', () => {
    const name = 'x'.repeat(200);
    const text = renderTable(
      {
        ...summaryOf(
          { run: name, dataset: { ...facts.dataset, name }, baselines: { [name]: { mae: 1e7, mse: 1e9 }, ...facts.baselines } },
          0.5,
        ),
        rounds: { total: 4e9, measured: 4e9, clipped: 4e9, retries: 4e9 },
        updates: 1e12,
        ratings: 1e12,
        hosts: { lost: 1e6, restored: 1e6 },
        resumedFrom: Array.from({ length: 30 }, (_, index) => index * 1_000_000),
      },
      { folder: 'results/one' },
    );
    for (const line of text.split('\n')) expect(line).toMatch(/^[ -~]{0,100}$/);
  });
});
