import { createKernelPool } from '../../tensor/kernels/kernel-pool.js';
import { clearGradients } from '../../tensor/memory/parameter.js';
import { createDeferral } from '../../tensor/optimizers/deferral.js';
import { type OptimizerOptions, optimizerStep } from '../../tensor/optimizers/optimizer.js';
import { createOptimizerState, type OptimizerState } from '../../tensor/optimizers/step.js';
import type { Algorithm, ServerHalf, ServerOptions, World } from '../port/algorithm.js';
import { accumulate, createBackward } from './backward.js';
import { createDeviceHalf } from './device.js';
import { dropoutOf } from './dropout.js';
import { createForward, generate, prepare } from './generate.js';
import { initialize } from './initialize.js';
import { serverReference } from './kernels/server-kernels.js';
import { createLayout, type Memory } from './layout.js';
import { type MetaMFOptions, modelTensors } from './options.js';

/** Generated rows a chunk may take in the shards' memories together, in 4-byte elements. */
const CHUNK_ELEMENTS = 1 << 24;

const createServerHalf = async (
  world: World,
  options: MetaMFOptions,
  optimizer: OptimizerOptions,
  memory: Memory,
  server: ServerOptions,
): Promise<ServerHalf> => {
  const layout = createLayout(world, options, memory);
  initialize(layout, server.seed);
  const memories = [layout.core, ...layout.shards.map(({ arena }) => arena)].map(({ memory }) => memory);
  const pool = await createKernelPool({ reference: serverReference, threads: server.threads, memories });
  const deferral = createDeferral(pool);
  const forward = createForward(layout, deferral);
  const backward = createBackward(layout, deferral);
  const state = createOptimizerState();
  let ratings = 0;
  return {
    parameters: layout.parameters,
    kernels: pool.implementation,
    chunk: Math.max(1, Math.floor(CHUNK_ELEMENTS / (world.items * layout.paddedRank))),
    prepare: (cohort, round) => prepare(pool, layout, forward, cohort, round === null ? null : dropoutOf(options, server.seed, round)),
    generate: (first, rows) => generate(pool, layout, forward, first, rows),
    accumulate: (updates) => {
      ratings += updates.reduce((sum, update) => sum + update.count, 0);
      accumulate(pool, layout, forward, backward, updates);
    },
    step: (learningRate) => {
      if (ratings === 0) {
        deferral.settle();
        // A cohort that answered nothing has claimed gradient slots all the same.
        clearGradients(pool, layout.parameters);
        return { gradientNorm: 0, clipped: false };
      }
      const result = optimizerStep(pool, layout.parameters, optimizer, state, learningRate, ratings, deferral);
      ratings = 0;
      return result;
    },
    settle: () => deferral.settle(),
    state: () => {
      deferral.settle();
      return structuredClone(state);
    },
    restore: (saved) => {
      Object.assign(state, structuredClone(saved) as OptimizerState);
    },
    close: () => pool.close(),
  };
};

/**
 * Meta Matrix Factorization for federated rating prediction (Lin et al., SIGIR 2020), with the variants MetaMF-SI and
 * MetaMF-SM of its section 6. The server generates a private model Φ_u for each user; her device returns ∂loss/∂Φ_u.
 */
export const createMetaMF = (world: World, options: MetaMFOptions, optimizer: OptimizerOptions, memory: Memory): Algorithm => ({
  name: 'metamf',
  tensors: modelTensors(options),
  device: createDeviceHalf(world, options),
  createServer: (server) => createServerHalf(world, options, optimizer, memory, server),
});
