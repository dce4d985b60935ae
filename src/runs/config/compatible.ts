import { ALGORITHM } from '../../algorithms/registry.js';
import { badInput } from '../../base/errors.js';
import { AGGREGATOR } from '../../coordinator/aggregation/registry.js';
import type { Config } from './config.js';
import { chosen } from './definitions.js';

/** Throws CONFIG for definitions that contradict each other: what one leaves is not what another needs. */
export const checkCompatible = (config: Pick<Config, 'algorithm' | 'aggregation'>): void => {
  const algorithm = chosen(ALGORITHM, config.algorithm).definition;
  const aggregator = chosen(AGGREGATOR, config.aggregation).definition;
  if (algorithm.traits.aggregation === 'each' && aggregator.traits.leaves === 'sum') {
    const others = AGGREGATOR.builtIns.filter(({ traits }) => traits.leaves === 'updates').map(({ name }) => name);
    const reason = `as ${algorithm.name} needs every update by itself and ${aggregator.name} leaves a sum`;
    throw badInput('CONFIG', 'key aggregation', `one of ${others.join(', ')}, ${reason}`, config.aggregation);
  }
};
