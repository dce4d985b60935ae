import { optimizerOf } from '../../tensor/optimizers/setup.js';
import type { AlgorithmDefinition } from '../port/definition.js';
import { createClientHalf, type Work } from './client.js';
import { type MetaMFOptions, metamfOptions, modelTensors } from './options.js';
import { createServerHalf, SPARSE } from './server.js';

/**
 * Meta Matrix Factorization for federated rating prediction (Lin et al., SIGIR 2020), with MetaMF-SI and MetaMF-SM of its section 6.
 * The server generates a private model Φ_u for each user. The device returns ∂loss/∂Φ_u.
 */
export const metamf: AlgorithmDefinition<MetaMFOptions, Work> = {
  name: 'metamf',
  version: '1',
  options: metamfOptions,
  traits: { feedback: 'explicit', aggregation: 'each', coldUsers: false, features: [], reads: ['optimizer'] },
  check: (_options, optimizer) => void (optimizer !== null && optimizerOf(optimizer, SPARSE)),
  wire: (_world, options) => ({ down: modelTensors(options), up: modelTensors(options) }),
  client: createClientHalf,
  server: createServerHalf,
  sizes: ['userEmbedding', 'collaborative', 'hidden', 'lowRank', 'itemEmbedding', 'units', 'userInit'],
  cost: ({ devices, items }, options, optimizer) => {
    const { userEmbedding, collaborative, hidden, lowRank, itemEmbedding, units, variant } = options;
    const perItem = variant === 'si' ? lowRank : (hidden + 1) * lowRank;
    const generators = 3 * (collaborative + 1) * hidden + (hidden + 1) * itemEmbedding * (lowRank + units + 1);
    const rest = userEmbedding * collaborative + generators;
    const lazy = (tensor: string): boolean => optimizer?.lazy.includes(tensor) === true;
    const stepped = rest + (lazy('U') ? 0 : devices * userEmbedding) + (lazy('low') ? 0 : items * perItem);
    return { workPerRow: perItem, parameters: rest + devices * userEmbedding + items * perItem, stepped };
  },
};
