import { createKernelPool } from '../../tensor/kernels/kernel-pool.js';
import { clearGradients, type Parameter } from '../../tensor/memory/parameter.js';
import { createDeferral } from '../../tensor/optimizers/deferral.js';
import { optimizerStep } from '../../tensor/optimizers/optimizer.js';
import { optimizerOf, type SparseTensors } from '../../tensor/optimizers/setup.js';
import { createOptimizerState, type OptimizerState } from '../../tensor/optimizers/step.js';
import type { World } from '../port/definition.js';
import { parameterTensor } from '../port/parameter-tensors.js';
import type { ServerHalf, ServerRuntime } from '../port/server.js';
import { accumulate, createBackward } from './backward.js';
import { dropoutOf } from './dropout.js';
import { createForward, generate, prepare } from './generate.js';
import { initialize } from './initialize.js';
import { serverReference } from './kernels/server-kernels.js';
import { createLayout, shapeIn } from './layout.js';
import type { MetaMFOptions } from './options.js';

/** Room for the generated rows of a chunk in the shards' memories together, in 4-byte elements. */
const CHUNK_ELEMENTS = 1 << 24;

export const SPARSE: SparseTensors = { names: ['U', 'low'], byPopularity: 'low' };

export type MetaMFServer = ServerHalf & Required<Pick<ServerHalf, 'accumulate'>> & { readonly parameters: readonly Parameter[] };

/** @throws MetafleetError CONFIG for settings of the optimizer that contradict each other. */
export const createServerHalf = async (world: World, options: MetaMFOptions, runtime: ServerRuntime): Promise<MetaMFServer> => {
  if (runtime.optimizer === null) throw new Error('MetaMF needs the settings of an optimizer');
  const { optimizer, keeps } = optimizerOf(runtime.optimizer, SPARSE);
  const layout = createLayout(world, options, keeps);
  initialize(layout, runtime.seed);
  const memories = [...new Set([layout.core, ...layout.shards.map(({ arena }) => arena)])].map(({ memory }) => memory);
  const pool = await createKernelPool({ reference: serverReference, threads: runtime.threads, memories });
  const deferral = createDeferral(pool);
  const forward = createForward(layout, deferral);
  const backward = createBackward(layout, deferral);
  const state = createOptimizerState();
  let ratings = 0;
  return {
    parameters: layout.parameters,
    tensors: layout.parameters.map((parameter) => parameterTensor(parameter, shapeIn(layout, parameter))),
    kernels: pool.implementation,
    chunk: Math.max(1, Math.floor(CHUNK_ELEMENTS / (world.items * layout.paddedRank))),
    prepare: (requests, round) => {
      const cohort = requests.map(({ device }) => device);
      prepare(pool, layout, forward, cohort, round === null ? null : dropoutOf(options, runtime.seed, round));
    },
    generate: (first, rows) => generate(pool, layout, forward, first, rows),
    accumulate: (updates) => {
      ratings += updates.reduce((sum, update) => sum + update.count, 0);
      accumulate(pool, layout, forward, backward, updates);
    },
    step: (learningRate) => {
      if (ratings === 0) {
        deferral.settle();
        // A cohort without updates has claimed gradient slots, too.
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
