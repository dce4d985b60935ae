import { elements } from '../../messages/wire-tensor.js';
import type { AlgorithmDefinition } from '../port/definition.js';
import { createClientHalf, type Work } from './client.js';
import { checkOptions, type FedAvgOptions, fedavgOptions, sharedTensors, unusedOptions, wireOf } from './options.js';
import { createServerHalf } from './server.js';

/**
 * Federated averaging (McMahan et al., AISTATS 2017) of item rows and perhaps a small prediction network. User parts never leave their devices.
 * FedProx and SCAFFOLD add to the devices' steps. FedAvgM, FedAdagrad, FedAdam and FedYogi are other server steps (docs/fedavg.md).
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
  sizes: ['itemEmbedding', 'units', 'localRate', 'itemRate', 'userRate', 'serverRate', 'beta1', 'beta2', 'tau'],
  cost: ({ items }, options) => {
    const { model, itemEmbedding: d, units, localEpochs } = options;
    const parameters = sharedTensors(options).reduce((sum, { perRow, shape }) => sum + elements(shape) * (perRow ? items : 1), 0);
    return { workPerRow: localEpochs * d * (model === 'dot' ? 1 : units), parameters, stepped: parameters };
  },
};
