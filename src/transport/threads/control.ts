import type { MessagePort, Worker } from 'node:worker_threads';
import * as Comlink from 'comlink';
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';
import { type ErrorCode, isMetafleetError, MetafleetError, messageOf } from '../../base/errors.js';

/**
 * The control plane: Comlink between threads, for rare calls (load, attach, train an epoch, save).
 * Comlink drops an error's class and code, and a call to a dead thread never settles. This file mends both.
 */
type Thrown = { readonly code?: ErrorCode; readonly message: string; readonly stack?: string };

const serialize = ({ value }: { value: unknown }): [Thrown, Transferable[]] => {
  const stack = value instanceof Error && value.stack !== undefined ? { stack: value.stack } : {};
  return [{ ...(isMetafleetError(value) ? { code: value.code } : {}), message: messageOf(value), ...stack }, []];
};

const deserialize = ({ code, message, stack }: Thrown): never => {
  const error = code === undefined ? new Error(message) : new MetafleetError(code, message);
  if (stack !== undefined) error.stack = stack;
  throw error;
};

/** Replaces Comlink's own handler of that name on this thread. */
const carryErrorCodes = (): void => {
  const original = Comlink.transferHandlers.get('throw');
  if (original !== undefined)
    Comlink.transferHandlers.set('throw', { canHandle: original.canHandle, serialize, deserialize } as typeof original);
};
carryErrorCodes();

export const expose = (api: object, port: MessagePort): void => {
  Comlink.expose(api, nodeEndpoint(port));
};

export type Remote<T> = Comlink.Remote<T>;

export const connect = <T>(port: MessagePort | Worker): Remote<T> => Comlink.wrap<T>(nodeEndpoint(port));

/** Marks the ports of an argument of a call as transferred. */
export const handOver = <T extends object>(argument: T, ports: readonly MessagePort[]): T =>
  Comlink.transfer(argument, ports as readonly unknown[] as Transferable[]);

/** Marks numbers in the arguments of a call, or in its answer, as transferred: they are not copied, and are gone on this side. */
export const giveAway = <T extends Uint32Array>(numbers: T): T => Comlink.transfer(numbers, [numbers.buffer as ArrayBuffer]);

/** Ends a connection. The other side may be dead. */
export const disconnect = (remote: Remote<unknown>): void => (remote as { [Comlink.releaseProxy](): void })[Comlink.releaseProxy]();

/** The result of a call, or the death of its thread, if that is first. */
export const orDeath = <T>(call: Promise<T>, death: Promise<never>): Promise<T> =>
  new Promise((resolve, reject) => {
    const calls = callsUntil(death);
    calls.add(reject);
    const settle =
      <V>(pass: (value: V) => void) =>
      (value: V): void => {
        calls.delete(reject);
        pass(value);
      };
    call.then(settle(resolve), settle(reject));
  });

/** Waiting calls, by the death that would end them. A race against a promise that hardly ever settles would keep every call's result. */
const waiting = new WeakMap<Promise<never>, Set<(error: Error) => void>>();

const callsUntil = (death: Promise<never>): Set<(error: Error) => void> => {
  const known = waiting.get(death);
  if (known !== undefined) return known;
  const calls = new Set<(error: Error) => void>();
  waiting.set(death, calls);
  death.catch((error: Error) => {
    // A later call finds a new set, and rejects as well.
    waiting.delete(death);
    for (const reject of calls) reject(error);
  });
  return calls;
};
