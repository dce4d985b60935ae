import { ALGORITHM } from '../../algorithms/registry.js';
import { badInput } from '../../base/errors.js';
import { AGGREGATOR } from '../../coordinator/aggregation/registry.js';
import { UPDATE_STEP } from '../../updates/registry.js';
import type { Config } from './config.js';
import { chosen } from './definitions.js';

type Chosen = Pick<Config, 'algorithm' | 'aggregation' | 'updates' | 'defence'>;

const checkAggregation = ({ algorithm: name, aggregation }: Chosen): void => {
  const algorithm = chosen(ALGORITHM, name).definition;
  const aggregator = chosen(AGGREGATOR, aggregation).definition;
  if (algorithm.traits.aggregation === 'sum' || aggregator.traits.leaves === 'updates') return;
  const others = AGGREGATOR.builtIns.filter(({ traits }) => traits.leaves === 'updates').map((known) => known.name);
  const reason = `as ${algorithm.name} needs every update by itself and ${aggregator.name} leaves a sum`;
  throw badInput('CONFIG', 'key aggregation', `one of ${others.join(', ')}, ${reason}`, aggregation);
};

const checkUpdates = ({ algorithm: name, updates, defence }: Chosen): void => {
  const algorithm = chosen(ALGORITHM, name).definition;
  const steps = updates.map((step) => chosen(UPDATE_STEP, step).definition);
  for (const [at, { name: step, traits }] of steps.entries()) {
    if (steps.findIndex((other) => other.name === step) < at)
      throw badInput('CONFIG', 'key updates', 'each step once', `${updates[at]} twice`);
    if (traits.requires === 'sum' && algorithm.traits.aggregation === 'each') {
      const reason = `as ${step} leaves a sum and ${algorithm.name} needs every update by itself`;
      throw badInput('CONFIG', 'key updates', `steps that leave single updates, ${reason}`, updates[at]!);
    }
    const bounded = (['normMultiple', 'mostNorm'] as const).find((key) => defence[key] > 0);
    if (traits.hides.includes('norms') && bounded !== undefined)
      throw badInput('CONFIG', `key defence.${bounded}`, `0, as ${step} hides the norms of updates`, String(defence[bounded]));
  }
};

/** Throws CONFIG for definitions that contradict each other: what one leaves is not what another needs. */
export const checkCompatible = (config: Chosen): void => {
  checkAggregation(config);
  checkUpdates(config);
};
