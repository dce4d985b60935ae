import { describe, expect, it } from 'vitest';
import { createAlgorithm } from '../../../src/algorithms/registry.js';
import { distinct, random } from '../../../src/base/random.js';
import { deviceId } from '../../../src/base/units.js';
import type { Dataset, Ratings } from '../../../src/data/dataset.js';
import type { EpochFinished, MetricValues } from '../../../src/events/evaluation.js';
import { inspectRun } from '../../../src/runs/trainer/inspect.js';
import { planRun } from '../../../src/runs/trainer/plan.js';
import { parseSavedRun } from '../../../src/runs/trainer/saves.js';
import { columnOf } from '../../support/device/small-world.js';
import { epochsOf, finish, smallConfig, smallData, temporaryFolder } from '../../support/transport/small-run.js';

const METRICS = ['mse', 'ndcg@10', 'auc', 'hr@10'];
const configOf = (candidates: 'all' | number, more: object = {}) => ({
  epochs: 3,
  optimizer: { rate: 0.02, schedule: 'geometric' },
  evaluation: { metrics: METRICS, candidates, relevant: 2 },
  stopOn: 'ndcg@10',
  ...more,
});

const itemsOf = ({ offsets, items, values }: Ratings, user: number) => ({
  items: items.slice(offsets[user], offsets[user + 1]),
  values: values.slice(offsets[user], offsets[user + 1]),
});

type Scored = readonly { readonly score: number; readonly relevant: boolean }[];

/** Each by its definition, over the whole order, the best first; scores have no ties. */
const BY_DEFINITION: Readonly<Record<string, (order: Scored) => number | null>> = {
  'ndcg@10': (order) => {
    const gain = (list: readonly boolean[]) => list.slice(0, 10).reduce((sum, hit, i) => sum + (hit ? 1 / Math.log2(i + 2) : 0), 0);
    const hits = order.map(({ relevant }) => relevant);
    return gain(hits) / gain(hits.toSorted((a, b) => Number(b) - Number(a)));
  },
  auc: (order) => {
    const others = order.filter(({ relevant }) => !relevant);
    const shares = order.flatMap(({ relevant, score }) => (relevant ? others.map((other) => Number(score > other.score)) : []));
    return shares.length === 0 ? null : shares.reduce((sum, share) => sum + share, 0) / shares.length;
  },
  'hr@10': (order) => Number(order.slice(0, 10).some(({ relevant }) => relevant)),
};

const mean = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;

/** Predictions of every item by the model of every device, from a checkpoint. */
const predictionsOf = async (config: ReturnType<typeof smallConfig>, dataset: Dataset, checkpoint: string) => {
  const { host, world } = planRun(config, dataset);
  const client = createAlgorithm(host.algorithm, world).client();
  const inspection = await inspectRun({ config, dataset, checkpoint });
  try {
    const rows = Uint32Array.from({ length: dataset.items }, (_, item) => item);
    const devices = Array.from({ length: dataset.users }, (_, user) => deviceId(user));
    return (await inspection.models(devices, rows)).map((tensors, user) =>
      client.score(
        { rows, tensors },
        { train: itemsOf(dataset.parts.train, user) },
        { items: rows, values: new Float32Array(0) },
        new Float32Array(0),
      ),
    );
  } finally {
    await inspection.close();
  }
};

const naive = (dataset: Dataset, all: readonly Float32Array[], part: 'valid' | 'test', candidates: 'all' | number): MetricValues => {
  const errors: number[] = [];
  const orders: Scored[] = [];
  all.forEach((scores, user) => {
    const [train, valid, test] = (['train', 'valid', 'test'] as const).map((name) => itemsOf(dataset.parts[name], user));
    const held = part === 'valid' ? valid! : test!;
    held.items.forEach((item, i) => errors.push((scores[item]! - held.values[i]!) ** 2));
    const isRated = (item: number) => [train, valid, test].some((known) => known!.items.includes(item));
    const unrated = Array.from(scores.keys()).filter((item) => !isRated(item));
    const isKnown = (item: number) => train!.items.includes(item) || (part === 'test' && valid!.items.includes(item));
    const chosen =
      candidates === 'all'
        ? Array.from(scores.keys()).filter((item) => !isKnown(item))
        : [...held.items, ...Array.from(distinct(candidates, unrated.length, random(1, 'candidates', user)), (index) => unrated[index]!)];
    const order = chosen.map((item) => ({
      score: scores[item]!,
      relevant: held.items.includes(item) && held.values[held.items.indexOf(item)]! >= 2,
    }));
    expect(new Set(order.map(({ score }) => score)).size).toBe(order.length);
    if (order.some(({ relevant }) => relevant)) orders.push(order.toSorted((a, b) => b.score - a.score));
  });
  const ranking = Object.entries(BY_DEFINITION).map(([name, by]) => [name, mean(orders.map(by).filter((value) => value !== null))]);
  return { mse: mean(errors), ...Object.fromEntries(ranking) };
};

const expectClose = (found: MetricValues, expected: MetricValues): void => {
  for (const name of METRICS) expect([name, found[name]]).toEqual([name, expect.closeTo(expected[name]!, 5)]);
};

const bestOf = (epochs: readonly EpochFinished[]): number[] => {
  let best = Number.NEGATIVE_INFINITY;
  return epochs.flatMap(({ epoch, valid }) => {
    const value = valid.metrics['ndcg@10']!;
    if (value <= best) return [];
    best = value;
    return [epoch];
  });
};

describe('a run with ranking metrics', () => {
  it.each(['all', 5] as const)('has what the definitions give for its models, on 1 thread and on 2: candidates %s', async (candidates) => {
    const folder = await temporaryFolder();
    const dataset = await smallData();
    const checkpoints = { last: `${folder}/last.checkpoint`, best: `${folder}/best.checkpoint` };
    const config = configOf(candidates);
    const { events } = await finish({ config, checkpoints });
    const epochs = epochsOf(events);
    expect(epochs.filter(({ best }) => best).map(({ epoch }) => epoch)).toEqual(bestOf(epochs));
    for (const [checkpoint, epoch] of [
      [checkpoints.best, epochs.findLast(({ best }) => best)!],
      [checkpoints.last, epochs.at(-1)!],
    ] as const) {
      const all = await predictionsOf(smallConfig(config), dataset, checkpoint);
      for (const part of ['valid', 'test'] as const) {
        expect(Object.keys(epoch[part].metrics)).toEqual(METRICS);
        expect(epoch[part].count).toBe(dataset.parts[part].items.length);
        expectClose(epoch[part].metrics, naive(dataset, all, part, candidates));
      }
    }
    const scores = (list: readonly EpochFinished[]) => list.map(({ valid, test, best }) => ({ valid, test, best }));
    for (const delivery of ['full', 'subset']) {
      const evaluation = { ...config.evaluation, delivery };
      const { events: alone } = await finish({ config: { ...config, threads: 1, evaluation } });
      expect(scores(epochsOf(alone))).toEqual(scores(epochs));
    }
  });

  it('keeps its best value over an interruption', async () => {
    const folder = await temporaryFolder();
    const checkpoints = { last: `${folder}/last.checkpoint`, best: `${folder}/best.checkpoint` };
    const { events: whole } = await finish({ config: configOf('all', { epochs: 6 }) });
    const { events: first } = await finish({ config: configOf('all', { epochs: 3 }), checkpoints });
    const { events: second } = await finish({ config: configOf('all', { epochs: 6 }), checkpoints, resume: checkpoints.last });
    const told = (list: typeof whole) => epochsOf(list).map(({ epoch, valid, best }) => ({ epoch, valid, best }));
    expect([...told(first), ...told(second)]).toEqual(told(whole));
    // Else a best value that was forgotten would not show.
    expect(epochsOf(second)[0]!.best).toBe(false);
  });

  it('goes on from a checkpoint that was written when metrics had no names', () => {
    const saved = { epochsEnded: 2, best: { mse: 0.5, epoch: 1, waited: 1 }, devices: null, observers: null };
    expect(parseSavedRun(saved, 'last').best).toEqual({ value: 0.5, epoch: 1, waited: 1 });
    expect(parseSavedRun({ ...saved, best: { value: null, epoch: 1, waited: 1 } }, 'last').best.value).toBeNull();
    expect(() => parseSavedRun({ ...saved, best: { epoch: 1, waited: 1 } }, 'last')).toThrow(/^last, run: expected a run's state/);
  });
});

it('a run without validation ratings has no value there, calls its latest epoch the best, and does not stop early', async () => {
  const data = await smallData();
  const dataset = { ...data, parts: { ...data.parts, valid: columnOf(Array.from({ length: data.users }, () => [])) } };
  const { events, outcome } = await finish({ config: configOf('all', { patience: 1 }), dataset });
  expect(outcome.reason).toBe('completed');
  for (const { valid, test, best } of epochsOf(events)) {
    expect(valid).toEqual({ count: 0, metrics: { mse: null, 'ndcg@10': null, auc: null, 'hr@10': null } });
    expect(test.metrics['mse']).toBeGreaterThan(0);
    expect(best).toBe(true);
  }
});
