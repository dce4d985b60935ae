import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadConfigured } from '../../../src/runs/config/load-data.js';
import { resolveConfig, treeOf } from '../../../src/runs/config/parse-config.js';
import { calibrationRuns, kindOf } from '../../../src/studies/sweep/calibration.js';
import { fitCosts, type RunSizes, sizesOf, totalMillis } from '../../../src/studies/sweep/cost-model.js';
import { fitShares } from '../../../src/studies/sweep/least-squares.js';

const configOf = (values: Readonly<Record<string, unknown>>) => resolveConfig({ tree: treeOf(values), place: (path) => path.join('.') });
const SMALL = { data: 'synthetic:users=40,items=30,ratings=400', cohort: 8, metrics: { enabled: false } };

describe('shares of work', () => {
  it('are found again, whatever their size', () => {
    const positive = fc.double({ min: 1e-3, max: 1e3, noNaN: true });
    fc.assert(
      fc.property(fc.tuple(positive, positive), (shares) => {
        const rows = [1, 2, 3, 5, 8].map((n) => [1, n * 1e6]);
        const found = fitShares(
          rows,
          rows.map((row) => row[0]! * shares[0] + row[1]! * shares[1] * 1e-6),
        );
        expect(found[0]! / shares[0]).toBeCloseTo(1, 3);
        expect((found[1]! * 1e6) / shares[1]).toBeCloseTo(1, 3);
      }),
    );
  });

  it('are never negative, even where a line through the points would have one', () => {
    const found = fitShares(
      [1, 2, 3].map((n) => [1, n]),
      [1, 3, 5],
    );
    expect(found[0]).toBe(0);
    expect(found[1]).toBeGreaterThan(1);
  });
});

describe('sizes of a run', () => {
  it('count what travels: all rows or those of a batch, numbers of a row and of the dense part', async () => {
    const dataset = await loadConfigured(configOf(SMALL));
    const full = await sizesOf(configOf({ ...SMALL, delivery: 'full', decoys: 3 }), dataset);
    // Of 400 ratings of 40 devices, 10 each, 80 % are for training; a row is s = 8 numbers; dense: s·d + d·f + f + f + 1.
    expect(full).toMatchObject({ rowsDown: 30, rowWidth: 8, dense: 8 * 32 + 32 * 8 + 8 + 8 + 1, devices: 40, items: 30, ratings: 400 });
    const { offsets } = dataset.parts.train;
    const batch = offsets[40]! / 40;
    expect(full.rowsUp).toBeCloseTo(batch + 3);
    expect(await sizesOf(configOf({ ...SMALL, ratings: 2 }), dataset)).toMatchObject({ rowsDown: 2, rowsUp: 2 });
  });

  it('meet active devices more often where cohorts are drawn by activity', async () => {
    const dataset = await loadConfigured(configOf(SMALL));
    const rowsUp = async (sampling: string) => (await sizesOf(configOf({ ...SMALL, sampling }), dataset)).rowsUp;
    const [uniform, active] = [await rowsUp('uniform'), await rowsUp('activity')];
    expect(active!).toBeGreaterThan(1.1 * uniform!);
  });

  it('count measurements: every so many epochs and at the end, or none', async () => {
    const dataset = await loadConfigured(configOf(SMALL));
    const sizes = [1, 3, 0].map((every) => sizesOf(configOf({ ...SMALL, epochs: 10, 'evaluation.every': every }), dataset));
    const measurements = (await Promise.all(sizes)).map((each) => each.measurements);
    expect(measurements).toEqual([10, 4, 0]);
  });
});

describe('a cost model', () => {
  const sizes = (changes: Partial<RunSizes>): RunSizes => ({
    devices: 1000,
    items: 100,
    ratings: 20_000,
    cohort: 64,
    rowsDown: 100,
    rowsUp: 16,
    rowsMeasured: 4,
    workPerRow: 4104,
    rowWidth: 8,
    dense: 529,
    parameters: 1e6,
    stepped: 9e5,
    rounds: 10,
    measurements: 1,
    ...changes,
  });

  it('predicts what lies between and beyond the runs it was fitted to', () => {
    const millis = ({ cohort, stepped }: RunSizes): number => 3 + 0.25 * cohort + 1e-6 * stepped;
    const samples = [64, 256, 1024].flatMap((cohort) =>
      [1e6, 4e6].map((stepped) => ({ sizes: sizes({ cohort, stepped }), costs: { roundMillis: millis(sizes({ cohort, stepped })) } })),
    );
    const far = sizes({ cohort: 8192, stepped: 2e6 });
    const costs = fitCosts(samples)(far);
    expect(costs.roundMillis / millis(far)).toBeCloseTo(1, 2);
    expect(costs.measureMillis).toBe(0);
    const all = ['startMillis', 'roundMillis', 'roundCpuMillis', 'measureMillis', 'bytesDown', 'bytesUp', 'memoryBytes'];
    expect(Object.keys(costs).toSorted()).toEqual(all.toSorted());
    expect(totalMillis({ ...costs, startMillis: 500, measureMillis: 40 }, far)).toBeCloseTo(540 + 10 * costs.roundMillis);
  });
});

describe('calibration', () => {
  const point = (values: Readonly<Record<string, unknown>>, changes: Partial<RunSizes>) => ({
    config: configOf(values),
    sizes: {
      ...({ devices: 1e6, items: 500, ratings: 2e7, cohort: 64, rowsUp: 16, workPerRow: 4104, stepped: 1e6, measurements: 0 } as RunSizes),
      ...changes,
    },
  });

  it('runs small fleets of the same shape at both ends of what a group varies, and one with many ratings', () => {
    const cohorts = [250, 1000, 8000].map((cohort) => point({ cohort }, { cohort }));
    const groups = [...calibrationRuns(cohorts).values()];
    expect(groups).toHaveLength(1);
    expect(groups[0]!.map(({ cohort }) => cohort)).toEqual([250, 4000, 250]);
    expect(groups[0]!.map(({ data }) => data)).toEqual([
      'synthetic:users=20000,items=500,ratings=400000',
      'synthetic:users=20000,items=500,ratings=400000',
      'synthetic:users=500000,items=500,ratings=10000000',
    ]);
  });

  it('keeps runs apart that cost differently for the same sizes, and not those whose numbers alone differ', () => {
    const kinds = (values: Readonly<Record<string, unknown>>[]): number => new Set(values.map((one) => kindOf(configOf(one)))).size;
    expect(kinds([{ delivery: 'full' }, { delivery: 'subset' }, { dtype: 'int8' }, { threads: 1 }])).toBe(4);
    expect(kinds([{ seed: 1 }, { seed: 2 }, { 'optimizer.rate': 0.1 }, { cohort: 9 }, { data: 'ml-1m' }])).toBe(1);
  });
});
