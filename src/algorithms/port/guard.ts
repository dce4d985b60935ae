import type { AlgorithmDefinition, Wire, World } from './definition.js';
import { guardClient } from './guard-client.js';
import { guardServer } from './guard-server.js';
import { createCalls, type HookCalls } from './hook-calls.js';
import type { HookWatch } from './hook-watch.js';

/** A definition of a user's module. `entering` is called before the hooks of another device. */
export type GuardedAlgorithm = { readonly definition: AlgorithmDefinition; entering(device: number): void };

const show = (value: unknown): string => (value === undefined ? 'nothing' : (JSON.stringify(value) ?? typeof value));

const MOST_TENSORS = 64;

const checkSpecs = (calls: HookCalls, list: unknown, where: string, withRows: boolean): void => {
  const refuse = (expected: string, found: unknown): void => calls.expect(false, 'wire', `${where}: ${expected}`, () => show(found));
  if (!Array.isArray(list) || list.length > MOST_TENSORS) {
    refuse(`a list of at most ${MOST_TENSORS} tensors`, list);
    return;
  }
  const names = new Set<unknown>();
  let dense = false;
  for (const spec of list as readonly Readonly<Record<string, unknown>>[]) {
    const { name, perRow, shape } = spec ?? {};
    if (typeof name !== 'string' || name === '' || names.has(name)) refuse('a name of its own for each tensor', name);
    if (typeof perRow !== 'boolean' || (perRow && !withRows))
      refuse(`perRow ${withRows ? 'true or false' : 'false'} for ${String(name)}`, perRow);
    if (perRow === true && dense) refuse('tensors with rows first', name);
    const isShape =
      Array.isArray(shape) && shape.length > 0 && shape.length <= 3 && shape.every((size) => Number.isSafeInteger(size) && size > 0);
    if (!isShape) refuse(`a shape of one to three whole numbers for ${String(name)}`, shape);
    names.add(name);
    dense ||= perRow === false;
  }
};

const checkWire = (calls: HookCalls, wire: unknown): Wire => {
  const { down, up, context } = (wire ?? {}) as Partial<Wire>;
  checkSpecs(calls, down, 'down', true);
  checkSpecs(calls, up, 'up', true);
  if (context !== undefined) checkSpecs(calls, context, 'context', false);
  return wire as Wire;
};

/** `module`: the name that the user wrote. */
export const guardAlgorithm = (definition: AlgorithmDefinition, module: string, watch?: HookWatch): GuardedAlgorithm => {
  let device: number | null = null;
  const callsFor = (world: World): HookCalls => createCalls(module, world.items, () => device, watch);
  const wireOf = (world: World, options: unknown): Wire => {
    const calls = callsFor(world);
    return checkWire(
      calls,
      calls.call('wire', () => definition.wire(world, options)),
    );
  };
  const guarded: AlgorithmDefinition = {
    ...definition,
    wire: wireOf,
    client: (world, options) => {
      const calls = callsFor(world);
      return guardClient(
        calls,
        wireOf(world, options),
        calls.call('client', () => definition.client(world, options)),
      );
    },
    server: async (world, options, runtime) => {
      const calls = callsFor(world);
      const wire = wireOf(world, options);
      const made = calls.call('server', () => definition.server(world, options, runtime));
      const half = await Promise.resolve(made).catch((error: unknown) => calls.call('server', () => Promise.reject(error)));
      return guardServer(calls, wire, definition.traits.aggregation, half);
    },
  };
  return {
    definition: guarded,
    entering: (next) => {
      device = next;
    },
  };
};
