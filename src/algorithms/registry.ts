import { badInput } from '../base/errors.js';
import type { OptimizerSetup } from '../tensor/optimizers/setup.js';
import { fedavg } from './fedavg/fedavg.js';
import { metamf } from './metamf/metamf.js';
import { type Algorithm, bindAlgorithm } from './port/algorithm.js';
import type { AlgorithmDefinition, World } from './port/definition.js';

/** The algorithms that need no module of a user's. */
export const ALGORITHMS: readonly AlgorithmDefinition[] = [metamf, fedavg];

/** Plain data that names an algorithm and all it needs beside the dataset's public facts: it crosses threads. */
export type AlgorithmSetup = {
  readonly name: string;
  /** As the definition's schema leaves them. */
  readonly options: unknown;
  /** The run's `optimizer` section. */
  readonly optimizer: OptimizerSetup;
};

/** Throws CONFIG for an unknown name, or for settings that contradict each other. */
export const createAlgorithm = ({ name, options, optimizer }: AlgorithmSetup, world: World): Algorithm => {
  const definition = ALGORITHMS.find((known) => known.name === name);
  if (definition === undefined) throw badInput('CONFIG', 'key algorithm', ALGORITHMS.map((known) => known.name).join(' or '), name);
  return bindAlgorithm(definition, options, optimizer, world);
};
