import type { MessagePort } from 'node:worker_threads';
import type { Dataset } from '../../data/dataset.js';
import type { DefinitionSetup } from '../../definitions/kind.js';
import type { MeasureOptions } from '../../device/actor/measure.js';
import type { Facts, ModelTraits } from '../../models/port/definition.js';
import { createEngine } from '../../models/port/engine.js';
import { loadModel } from '../../models/registry.js';
import { expose } from '../threads/control.js';
import { type Central, createCentral } from './central.js';

/** The thread of a central model: it holds the tensors, and sees every rating. */
export type CentralSetup = {
  readonly model: DefinitionSetup;
  /** In shared memory: the thread reads the columns where they are. */
  readonly dataset: Dataset;
  readonly seed: number;
  readonly identity: string;
  readonly measure: MeasureOptions;
  readonly threads: number;
  /** Planned for the run. */
  readonly epochs: number;
};

export type CentralControl = Omit<Central, 'parameters'> & {
  /** Creates the model. Throws MODULE for what a user's module does wrong. */
  start(setup: CentralSetup): Promise<{ readonly parameters: number; readonly kernels: 'simd' | 'reference' }>;
  interrupt(): void;
};

const factsOf = ({ users, items, scale: { lowest, highest }, parts: { train }, ...dataset }: Dataset, { features }: ModelTraits): Facts => {
  let sum = 0;
  for (const value of train.values) sum += value;
  const mean = train.values.length === 0 ? (lowest + highest) / 2 : sum / train.values.length;
  return {
    ...{ users, items, lowest, highest, mean, train },
    ...(features?.includes('users') && dataset.userFeatures && { userFeatures: dataset.userFeatures }),
    ...(features?.includes('items') && dataset.itemFeatures && { itemFeatures: dataset.itemFeatures }),
  };
};

const createModel = async ({ model: setup, dataset, seed, threads, epochs }: CentralSetup) => {
  const definition = await loadModel(setup);
  const engine = createEngine({ seed, threads, epochs, items: dataset.items, train: dataset.parts.train });
  return { model: await definition.create(factsOf(dataset, definition.traits), setup.options, engine), engine };
};

export const serveCentral = (control: MessagePort): void => {
  let started: Central | undefined;
  const running = (): Central => {
    if (started === undefined) throw new Error('the model has not been started');
    return started;
  };
  const api: CentralControl = {
    start: async (setup) => {
      const { model, engine } = await createModel(setup);
      const { dataset, seed, identity, measure } = setup;
      started = createCentral({ model, dataset, seed, identity, measure, kernelBytes: () => engine.arena.used });
      return { parameters: started.parameters, kernels: engine.implementation };
    },
    train: (until) => running().train(until),
    // The thread hears of it after the epoch it is in. Until then the caller asks for no other.
    interrupt: () => {},
    evaluate: () => running().evaluate(),
    digest: () => running().digest(),
    save: (path, run, options) => running().save(path, run, options),
    saveHeld: (path) => running().saveHeld(path),
    restore: (path) => running().restore(path),
    predict: (user, items) => running().predict(user, items),
    close: async () => started?.close(),
  };
  expose(api, control);
};
