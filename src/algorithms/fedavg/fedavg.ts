import { elements } from '../../messages/wire-tensor.js';
import type { AlgorithmDefinition } from '../port/definition.js';
import { createClientHalf, type Work } from './client.js';
import { checkOptions, type FedAvgOptions, fedavgOptions, sharedTensors, unusedOptions, wireOf } from './options.js';
import { createServerHalf } from './server.js';

/**
 * Federated averaging (McMahan et al., AISTATS 2017) of item rows and perhaps a small prediction network, with user parts that never leave
 * their devices, and its kin: what devices add to their steps (FedProx, SCAFFOLD), and what the server makes of the devices' mean
 * difference (FedAvgM, FedAdagrad, FedAdam, FedYogi).
 */
export const fedavg: AlgorithmDefinition<FedAvgOptions, Work> = {
  name: 'fedavg',
  version: '2',
  options: fedavgOptions,
  traits: { feedback: 'explicit', aggregation: 'sum', coldUsers: false, features: [], reads: [] },
  check: checkOptions,
  unused: unusedOptions,
  wire: (_world, options) => wireOf(options),
  client: createClientHalf,
  server: createServerHalf,
  cost: ({ items }, options) => {
    const { model, itemEmbedding: d, units, localEpochs } = options;
    const parameters = sharedTensors(options).reduce((sum, { perRow, shape }) => sum + elements(shape) * (perRow ? items : 1), 0);
    return { workPerRow: localEpochs * d * (model === 'dot' ? 1 : units), parameters, stepped: parameters };
  },
};
