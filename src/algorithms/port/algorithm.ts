import type { OptimizerSetup } from '../../tensor/optimizers/setup.js';
import type { ClientHalf } from './client.js';
import type { AlgorithmDefinition, Traits, Wire, World } from './definition.js';
import { createRuntime } from './runtime.js';
import type { ServerHalf } from './server.js';

/** A definition with its options, for a world: what the engine runs. */
export type Algorithm = {
  readonly name: string;
  readonly version: string;
  readonly traits: Traits;
  readonly wire: Wire;
  /** The client half, made when it is first asked for. */
  client(): ClientHalf;
  createServer(options: ServerOptions): Promise<ServerHalf>;
};

export type ServerOptions = { readonly seed: number; readonly threads: number };

/** `options` are as the definition's schema leaves them. Throws CONFIG for settings that contradict each other. */
export const bindAlgorithm = (
  definition: AlgorithmDefinition,
  options: unknown,
  optimizer: OptimizerSetup | null,
  world: World,
): Algorithm => {
  const { name, version, traits } = definition;
  const settings = traits.reads.includes('optimizer') ? optimizer : null;
  definition.check?.(options, settings);
  let client: ClientHalf | undefined;
  return {
    name,
    version,
    traits,
    wire: definition.wire(world, options),
    client: () => (client ??= definition.client(world, options)),
    createServer: async ({ seed, threads }) => {
      return definition.server(world, options, createRuntime({ seed, threads, optimizer: settings }));
    },
  };
};
