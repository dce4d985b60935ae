import type { AlgorithmDefinition } from '../port/definition.js';
import { createClientHalf, type Work } from './client.js';
import { type FedAvgOptions, fedavgOptions, sharedTensors } from './options.js';
import { createServerHalf } from './server.js';

/**
 * Federated averaging (McMahan et al., AISTATS 2017) of item embeddings and a small prediction network, with user vectors
 * that never leave their devices. The server adds the ratings-weighted mean of the devices' differences, times its own
 * rate (1 in the original).
 */
export const fedavg: AlgorithmDefinition<FedAvgOptions, Work> = {
  name: 'fedavg',
  version: '1',
  options: fedavgOptions,
  traits: { feedback: 'explicit', aggregation: 'sum', coldUsers: false, features: [], reads: [] },
  wire: (_world, options) => ({ down: sharedTensors(options), up: sharedTensors(options) }),
  client: createClientHalf,
  server: createServerHalf,
  sizes: ['itemEmbedding', 'units'],
  cost: ({ items }, { itemEmbedding, units, localEpochs }) => {
    const parameters = (items + units) * itemEmbedding;
    return { workPerRow: itemEmbedding * units * localEpochs, parameters, stepped: parameters };
  },
};
