import { badInput } from '../../base/errors.js';
import { createMetricSet } from '../../metrics/metric-set.js';
import { type Config, PREFERRED_METRIC } from './config.js';

type Measured = { readonly stopOn: Config['stopOn']; readonly evaluation: Pick<Config['evaluation'], 'metrics'> };

/** Name of the metric that decides which epoch is best, and when to stop. */
export const stopMetricOf = ({ stopOn, evaluation: { metrics } }: Measured): string =>
  stopOn !== 'auto' ? stopOn : metrics.includes(PREFERRED_METRIC) ? PREFERRED_METRIC : metrics[0]!;

/** Throws CONFIG for an unknown metric, for one named twice, and for a `stopOn` that is not measured. `place` names a key in an error. */
export const checkMeasured = (config: Measured, place: (key: string) => string): void => {
  const { metrics } = config.evaluation;
  createMetricSet(metrics, place('evaluation.metrics'));
  if (config.stopOn !== 'auto' && !metrics.includes(config.stopOn))
    throw badInput('CONFIG', place('stopOn'), `auto, or one of evaluation.metrics (${metrics.join(', ')})`, config.stopOn);
};
