import type { MessagePort, Worker } from 'node:worker_threads';
import * as Comlink from 'comlink';
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';
import { type ErrorCode, isMetafleetError, MetafleetError, messageOf } from '../base/errors.js';

/**
 * The control plane: Comlink between threads, for calls that are rare (load, attach, train an epoch, save). Comlink drops an
 * error's class and code, and a call to a dead thread never settles: both are mended here.
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

/** Marks a port in the arguments of a call as handed over. */
export const handOver = (port: MessagePort): MessagePort => Comlink.transfer(port, [port as unknown as Transferable]);

/** Ends a connection, whether or not the other side still lives. */
export const disconnect = (remote: Remote<unknown>): void => (remote as { [Comlink.releaseProxy](): void })[Comlink.releaseProxy]();

/** The result of a call, or the reason why the thread it went to is dead: whichever is first. */
export const orDeath = <T>(call: Promise<T>, death: Promise<never>): Promise<T> => Promise.race([call, death]);
