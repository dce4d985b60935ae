import type { Interactions } from '../../algorithms/port/client.js';
import type { Dataset, Ratings } from '../../data/dataset.js';
import { createMeasure, type MeasureOptions } from '../../device/actor/measure.js';
import type { MetricValues } from '../../events/evaluation.js';
import { createMetricSet } from '../../metrics/metric-set.js';
import { fitBaselines } from '../../models/baselines/baselines.js';
import type { Predictor } from '../../models/baselines/bias-models.js';
import type { Config } from '../config/config.js';
import { measureOptionsOf } from './plan.js';

/** Central models are measured as devices are: the same metrics, over the same candidates, user by user. */
const ratingsOf = ({ offsets, items, values }: Ratings, user: number): Interactions => {
  const [start, end] = [offsets[user]!, offsets[user + 1]!];
  return { items: items.subarray(start, end), values: values.subarray(start, end) };
};

/** Calls `visit` with each user's sums of the metric set over its test ratings, users ascending. */
export const forEachUser = (
  predict: Predictor,
  { users, parts }: Dataset,
  options: MeasureOptions,
  visit: (user: number, sums: Float64Array) => void,
): void => {
  const measure = createMeasure(options);
  for (let user = 0; user < users; user++) {
    const ratings = { train: ratingsOf(parts.train, user), valid: ratingsOf(parts.valid, user), test: ratingsOf(parts.test, user), user };
    const { test } = measure.score(ratings, (items) => Float64Array.from(items, (item) => predict(user, item)));
    visit(user, Float64Array.from(test.sums));
  }
};

/** Over the test part; null where nothing was measured. */
export const measurePredictor = (predict: Predictor, dataset: Dataset, options: MeasureOptions): MetricValues => {
  const set = createMetricSet(options.metrics);
  const total = new Float64Array(set.size);
  forEachUser(predict, dataset, options, (_, sums) => set.merge(total, sums));
  return set.values(total);
};

/** Four central models by name, fitted to the training part and measured on the test part with what the configuration measures. */
export const measureBaselines = async (config: Config, dataset: Dataset): Promise<Readonly<Record<string, MetricValues>>> => {
  const fitted = await fitBaselines(dataset, config.seed);
  const options = measureOptionsOf(config, dataset);
  return Object.fromEntries(Object.entries(fitted).map(([name, predict]) => [name, measurePredictor(predict, dataset, options)]));
};
