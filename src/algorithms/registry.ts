import type { HookWatch } from '../definitions/hook-watch.js';
import { builtIn, type DefinitionSetup, type Kind, loadDefinition } from '../definitions/kind.js';
import type { OptimizerSetup } from '../tensor/optimizers/setup.js';
import { fedavg } from './fedavg/fedavg.js';
import { maml } from './maml/maml.js';
import { metamf } from './metamf/metamf.js';
import { type Algorithm, bindAlgorithm } from './port/algorithm.js';
import type { AlgorithmDefinition, World } from './port/definition.js';
import { guardAlgorithm } from './port/guard.js';

const TRAITS: Readonly<Record<string, readonly unknown[]>> = {
  feedback: ['explicit', 'implicit'],
  aggregation: ['each', 'sum'],
  coldUsers: [true, false],
};

export const ALGORITHM: Kind<AlgorithmDefinition> = {
  title: 'an algorithm',
  key: 'algorithm',
  builtIns: [metamf, fedavg, maml],
  functions: ['wire', 'client', 'server'],
  problem: ({ traits }) => {
    if (typeof traits !== 'object' || traits === null) return `traits: expected an object, found ${typeof traits}`;
    for (const [key, values] of Object.entries(TRAITS)) {
      const found = (traits as Record<string, unknown>)[key];
      if (!values.includes(found)) return `traits.${key}: expected ${values.join(' or ')}, found ${String(found)}`;
    }
    const lists = ['features', 'reads'].find((key) => !Array.isArray((traits as Record<string, unknown>)[key]));
    return lists === undefined ? undefined : `traits.${lists}: expected a list`;
  },
};

/** Plain data that names an algorithm and its settings. It crosses threads. The dataset's public facts come separately. */
export type AlgorithmSetup = DefinitionSetup & {
  /** The run's `optimizer` section. */
  readonly optimizer: OptimizerSetup;
};

/** A built-in algorithm. Throws CONFIG for an unknown name, or for settings that contradict each other. */
export const createAlgorithm = ({ name, options, optimizer }: AlgorithmSetup, world: World): Algorithm =>
  bindAlgorithm(builtIn(ALGORITHM, name), options, optimizer, world);

/**
 * Any algorithm, on the calling thread. Errors and wrong results of a user's module end in one line of MODULE.
 * `watch` shows other threads which of its hooks is called.
 */
export const loadAlgorithm = async (setup: AlgorithmSetup, world: World, watch?: HookWatch): Promise<Algorithm> => {
  const definition = await loadDefinition(ALGORITHM, setup);
  const { options, optimizer, module } = setup;
  if (module === undefined) return bindAlgorithm(definition, options, optimizer, world);
  const guarded = guardAlgorithm(definition, module.name, watch);
  const { entering, isBroken } = guarded;
  return bindAlgorithm(guarded.definition, options, optimizer, world, { entering, isBroken });
};
