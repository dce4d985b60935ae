import type { AlgorithmDefinition } from '../port/definition.js';
import { createClientHalf, type Work } from './client.js';
import { checkOptions, type MamlOptions, mamlOptions, unusedOptions, wireOf } from './options.js';
import { createServerHalf } from './server.js';

/**
 * Federated meta-learning of a rating model: FedRec of Lin et al. (SIGIR 2020, section 4.2), after Chen et al., "Federated Meta-Learning with Fast
 * Convergence and Efficient Communication", 2018. The server learns item rows and a start for every user. A device adapts the start to its
 * ratings, and answers with the gradient of other ratings of its own (docs/cold-start.md).
 */
export const maml: AlgorithmDefinition<MamlOptions, Work> = {
  name: 'maml',
  version: '1',
  options: mamlOptions,
  traits: { feedback: 'explicit', aggregation: 'sum', coldUsers: true, features: [], reads: [] },
  check: checkOptions,
  unused: unusedOptions,
  wire: (_world, options) => wireOf(options),
  client: createClientHalf,
  server: createServerHalf,
  sizes: ['dimension', 'innerRate', 'outerRate'],
  cost: ({ items }, { variant, dimension: d, innerSteps }) => {
    const parameters = (items + (variant === 'meta-sgd' ? 2 : 1)) * (d + 1);
    return { workPerRow: innerSteps * (d + 1), parameters, stepped: parameters };
  },
};
