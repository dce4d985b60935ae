import { MetafleetError, messageOf } from '../../base/errors.js';
import type { AlgorithmDefinition, Wire, World } from './definition.js';
import { guardClient } from './guard-client.js';
import { guardServer } from './guard-server.js';
import { enterHook, type Hook, type HookWatch, leaveHook } from './hook-watch.js';

/** Calls hooks of a user's module: what one throws, or returns wrongly, ends in one line that names module, hook and device. */
export type HookCalls = {
  readonly items: number;
  /** Calls a hook. Throws MODULE where it throws. */
  call<T>(hook: Hook, work: () => T): T;
  /** Throws MODULE unless `right`. */
  expect(right: boolean, hook: Hook, expected: string, found: () => string): void;
};

/** A definition of a user's module, and what is called before the hooks of another device. */
export type GuardedAlgorithm = { readonly definition: AlgorithmDefinition; entering(device: number): void };

const firstLine = (error: unknown): string => messageOf(error).split('\n')[0]!.slice(0, 200);

const createCalls = (module: string, items: number, device: () => number | null, watch: HookWatch | undefined): HookCalls => {
  const place = (hook: Hook): string => {
    const of = device();
    return `${module}, hook ${hook}${of === null ? '' : `, device ${of}`}`;
  };
  return {
    items,
    call: (hook, work) => {
      if (watch !== undefined) enterHook(watch, hook, device());
      try {
        return work();
      } catch (error) {
        if (error instanceof MetafleetError && error.code === 'MODULE') throw error;
        throw new MetafleetError('MODULE', `${place(hook)}: it threw: ${firstLine(error)}`, { cause: error });
      } finally {
        if (watch !== undefined) leaveHook(watch);
      }
    },
    expect: (right, hook, expected, found) => {
      if (!right) throw new MetafleetError('MODULE', `${place(hook)}: expected ${expected}, found ${found().slice(0, 200)}`);
    },
  };
};

const show = (value: unknown): string => (value === undefined ? 'nothing' : (JSON.stringify(value) ?? typeof value));

const MOST_TENSORS = 64;

const checkSpecs = (calls: HookCalls, list: unknown, where: string, withRows: boolean): void => {
  const refuse = (expected: string, found: unknown): void => calls.expect(false, 'wire', `${where}: ${expected}`, () => show(found));
  if (!Array.isArray(list) || list.length > MOST_TENSORS) return refuse(`a list of at most ${MOST_TENSORS} tensors`, list);
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

/** `module`: how the user named it. */
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
