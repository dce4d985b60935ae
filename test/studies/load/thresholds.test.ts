import { describe, expect, it } from 'vitest';
import { isMetafleetError } from '../../../src/base/errors.js';
import { millis } from '../../../src/base/units.js';
import { createLoadMetrics, loadMetricsOf } from '../../../src/studies/load/load-metrics.js';
import { renderLoadTable } from '../../../src/studies/load/load-table.js';
import { judgeThresholds, parseThreshold } from '../../../src/studies/load/thresholds.js';
import { epochFinished, roundFinished } from '../../support/report/run-events.js';

const seconds = () => 10;
const parse = (metric: string, text: string) =>
  parseThreshold(loadMetricsOf(['mae', 'mse', 'ndcg@10']), metric, text, 's.yaml:3, key thresholds');
const outcomes = roundFinished().outcomes;

describe('load metrics', () => {
  it('are shares of the devices asked, over all rounds', () => {
    const metrics = createLoadMetrics(['mae', 'mse'], seconds);
    metrics.observe(
      roundFinished({ outcomes: { ...outcomes, assigned: 90, trained: 80, rejected: { norm: 4, shape: 2 }, dropped: { after: 4 } } }),
    );
    metrics.observe(roundFinished({ outcomes: { ...outcomes, assigned: 10, trained: 0, refused: { battery: 7 }, late: 3 } }));
    const rates = ['trained', 'rejected', 'dropped', 'refused', 'late'] as const;
    expect(rates.map((metric) => metrics.value(metric, 'rate'))).toEqual([0.8, 0.06, 0.04, 0.07, 0.03]);
    expect(metrics.value('updates', 'count')).toBe(80);
    expect(metrics.value('updates', 'rate')).toBe(8);
  });

  it('have the statistics of what was observed, and NaN where nothing was', () => {
    const metrics = createLoadMetrics(['mae', 'mse'], seconds);
    for (let round = 1; round <= 100; round++) metrics.observe(roundFinished({ round, millis: millis(round) }));
    const found = ['avg', 'min', 'med', 'max', 'p(90)', 'p(99.5)'].map((statistic) => metrics.value('round_latency', statistic));
    [50.5, 1, 50, 100, 90, 100].forEach((expected, index) => {
      expect(found[index]! / expected).toBeCloseTo(1, 1);
    });
    expect(metrics.value('mse', 'value')).toBeNaN();
    metrics.observe(epochFinished({ test: { count: 3, metrics: { mae: 0.5, mse: 0.7 } }, best: true }));
    metrics.observe(epochFinished({ test: { count: 3, metrics: { mae: 0.6, mse: 0.8 } }, best: false }));
    expect([metrics.value('mse', 'value'), metrics.value('best_mse', 'value')]).toEqual([0.8, 0.7]);
    expect(metrics.value('round_virtual', 'avg')).toBeNaN();
  });

  it('hold any metric of the run; over no ratings it has no value, and no threshold on it is met', () => {
    const metrics = createLoadMetrics(['mse', 'ndcg@10'], seconds);
    metrics.observe(epochFinished({ test: { count: 3, metrics: { mse: 0.5, 'ndcg@10': 0.25 } }, best: true }));
    expect(['ndcg@10', 'best_ndcg@10', 'best_mse'].map((name) => metrics.value(name, 'value'))).toEqual([0.25, 0.25, 0.5]);
    metrics.observe(epochFinished({ test: { count: 0, metrics: { mse: null, 'ndcg@10': null } }, best: true }));
    const judged = judgeThresholds([parse('mse', 'value<0.5'), parse('best_mse', 'value>=0'), parse('ndcg@10', 'value!=1')], metrics);
    expect(judged.map(({ value, passed }) => [value, passed])).toEqual([1, 2, 3].map(() => [Number.NaN, false]));
    expect(renderLoadTable(metrics, judged)).toMatch(/^ {2}✗ mse: value<0\.5 +value=-$/m);
  });
});

describe('a threshold', () => {
  it.each([
    ['round_latency', 'p(95)<2s', 1999, 2000],
    ['round_latency', ' p(99.9) <= 250 ', 250, 251],
    ['bytes_down_per_device', 'avg<1MB', 999_999, 1_000_000],
    ['rejected', 'rate<1%', 0.009, 0.01],
    ['mse', 'value<0.9', 0.89, Number.NaN],
    ['rounds', 'count>=1e2', 100, 99],
    ['virtual_time', 'value>2h', 7201, 7200],
    ['hosts_lost', 'count==0', 0, 1],
  ])('%s: %s holds of %d and not of %d', (metric, text, good, bad) => {
    const { holds } = parse(metric, text);
    expect([holds(good), holds(bad)]).toEqual([true, false]);
  });

  it.each([
    ['round_latncy', 'avg<1', /expected a metric: round_latency, .*, found "round_latncy"$/],
    ['rejected', 'p(95)<1', /expected a statistic of rejected: rate, found "p\(95\)"$/],
    ['round_latency', 'p(101)<1', /expected a statistic of round_latency: avg, min, med, max, p\(N\), found "p\(101\)"$/],
    ['round_latency', 'avg<1MB', /expected a unit of round_latency: us, ms, s, min, h, found "MB"$/],
    ['auc', 'value>0', /expected a metric: .*, ndcg@10, best_ndcg@10, ndcg@10_ratio, found "auc"$/],
    ['mse', '0.9', /expected statistic, comparison and number, such as "value<1", found "0\.9"$/],
  ])('%s: %s is refused with its place', (metric, text, message) => {
    let thrown: unknown;
    try {
      parse(metric, text);
    } catch (error) {
      thrown = error;
    }
    expect(isMetafleetError(thrown, 'CONFIG')).toBe(true);
    expect((thrown as Error).message).toMatch(/^s\.yaml:3, key thresholds: /);
    expect((thrown as Error).message).toMatch(message);
  });

  it('that was crossed is marked in the table, with what was found', () => {
    const metrics = createLoadMetrics(['mae', 'mse'], seconds);
    metrics.observe(roundFinished({ millis: millis(1500), outcomes: { ...outcomes, rejected: { norm: 32 } } }));
    const verdicts = judgeThresholds([parse('round_latency', 'max<1s'), parse('rejected', 'rate<0.6'), parse('mse', 'value<9')], metrics);
    expect(verdicts.map(({ passed }) => passed)).toEqual([false, true, false]);
    const table = renderLoadTable(metrics, verdicts);
    expect(table).toMatch(/^ {2}round_latency \.+ avg=1\.50 s +min=1\.50 s/m);
    expect(table).toMatch(/^ {2}✗ round_latency: max<1s +max=1\.50 s$/m);
    expect(table).toMatch(/^ {2}✓ rejected: rate<0\.6 +rate=50\.0 %$/m);
    expect(table).toMatch(/^ {2}✗ mse: value<9 +value=-$/m);
    expect(table).not.toMatch(/^ {2}round_virtual/m);
  });
});
