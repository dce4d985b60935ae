import { elements } from '../../messages/wire-tensor.js';
import type { OptimizerSetup } from '../../tensor/optimizers/setup.js';
import type { ClientHalf } from './client.js';
import type { AlgorithmCost, AlgorithmDefinition, Traits, Wire, World } from './definition.js';
import { createRuntime } from './runtime.js';
import type { ServerHalf } from './server.js';

/** A bound algorithm: a definition with its options, for one world. The engine runs it. */
export type Algorithm = {
  readonly name: string;
  readonly version: string;
  readonly traits: Traits;
  readonly wire: Wire;
  /** The client half, created at the first call. */
  client(): ClientHalf;
  createServer(options: ServerOptions): Promise<ServerHalf>;
  cost(): AlgorithmCost;
  /** Called with the device whose hooks are called next, for the errors of users' modules. */
  entering?(device: number): void;
  /** Whether a hook of a user's module that changes Θ failed: Θ may be that of no round. */
  isBroken?(): boolean;
};

/** What the engine calls on the guard of a user's module. */
type Guard = Pick<Algorithm, 'entering' | 'isBroken'>;

/** `rounds`: planned for the run; absent: no plan. */
export type ServerOptions = { readonly seed: number; readonly threads: number; readonly rounds?: number };

const sharedCost = ({ down }: Wire, { items }: World): AlgorithmCost => {
  const numbers = (perRow: boolean): number =>
    down.filter((spec) => spec.perRow === perRow).reduce((sum, { shape }) => sum + elements(shape), 0);
  const parameters = items * numbers(true) + numbers(false);
  return { workPerRow: numbers(true), parameters, stepped: parameters };
};

/** `options`: the output of the definition's schema. Throws CONFIG for settings that contradict each other. */
export const bindAlgorithm = (
  definition: AlgorithmDefinition,
  options: unknown,
  optimizer: OptimizerSetup | null,
  world: World,
  guard: Guard = {},
): Algorithm => {
  const { name, version, traits } = definition;
  const settings = traits.reads.includes('optimizer') ? optimizer : null;
  definition.check?.(options, settings);
  const wire = definition.wire(world, options);
  let client: ClientHalf | undefined;
  return {
    name,
    version,
    traits,
    wire,
    cost: () => definition.cost?.(world, options, settings) ?? sharedCost(wire, world),
    ...guard,
    client: () => (client ??= definition.client(world, options)),
    createServer: async (server) => {
      return definition.server(world, options, createRuntime({ ...server, optimizer: settings }));
    },
  };
};
