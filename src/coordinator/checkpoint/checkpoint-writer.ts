import { createRequire } from 'node:module';
import { type MessagePort, Worker } from 'node:worker_threads';
import { MetafleetError, messageOf } from '../../base/errors.js';
import type { Bytes } from '../../base/units.js';
import { makeRoom } from './kept-files.js';
import { type CopiedFile, copySealed } from './sealed-file.js';

/**
 * A thread of its own writes checkpoints, straight from the kernels' shared memory. Rounds go on meanwhile. Only the last step of a
 * round waits, because it changes Θ, until the thread has copied Θ into the system's file cache. Hashing, the disk and
 * the renaming come after that, during any number of rounds. This process holds no second copy of Θ.
 */
export type WriteJob = {
  readonly path: string;
  readonly magic: string;
  readonly header: object;
  /** Views of shared memory. */
  readonly stretches: readonly Uint8Array[];
  /** How many files of this name are kept, this one included. */
  readonly keep: number;
  /**
   * Only copied for now, in place of the copy before; `rewrite` makes a file of it. So a file that another soon takes the place of costs
   * neither hashing nor the disk. A copy that finds no room on the disk is kept in memory.
   */
  readonly hold: boolean;
};

export type Writing = {
  /** Resolves when the stretches may change again, however the writing goes. */
  readonly copied: Promise<void>;
  /** null: held. Rejects with CHECKPOINT naming the path; what was there before then stays. */
  readonly written: Promise<Bytes | null>;
};

/** One job at a time: the next waits until the one before is written. */
export type CheckpointWriter = {
  write(job: WriteJob): Writing;
  /** Writes the held copy of a file; null where there is none. Rejects as `written` does. */
  rewrite(path: string): Promise<Bytes | null>;
  close(): Promise<void>;
};

type Order = WriteJob | { readonly again: string };

type Reply =
  | { readonly kind: 'copied' }
  | { readonly kind: 'written'; readonly bytes: Bytes | null }
  | { readonly kind: 'failed'; readonly message: string };

type Waiting = { readonly path: string; readonly copied: () => void; readonly settle: (result: Bytes | null | MetafleetError) => void };

export const createCheckpointWriter = (): CheckpointWriter => {
  let thread: Worker | undefined;
  let waiting: Waiting | undefined;
  const settle = (result: Bytes | null | MetafleetError): void => {
    const job = waiting;
    waiting = undefined;
    job?.copied();
    job?.settle(result);
  };
  const lost = (why: string): void => {
    thread = undefined;
    settle(new MetafleetError('CHECKPOINT', `${waiting?.path ?? ''}: the checkpoint could not be written: its thread ended: ${why}`));
  };
  const onReply = (reply: Reply): void => {
    if (reply.kind === 'copied') waiting?.copied();
    else settle(reply.kind === 'written' ? reply.bytes : new MetafleetError('CHECKPOINT', reply.message));
  };
  /** Started when it is first needed, and again should it have died. */
  const running = (): Worker => {
    if (thread !== undefined) return thread;
    const started = new Worker(createRequire(import.meta.url).resolve('#built/workers/checkpoint.js'), { name: 'checkpoint' });
    started.on('message', onReply);
    started.on('error', (error) => lost(messageOf(error)));
    started.on('exit', (code) => {
      if (thread === started) lost(`exit code ${code}`);
    });
    thread = started;
    return started;
  };
  const order = (path: string, what: Order, copied = (): void => {}): Promise<Bytes | null> =>
    new Promise((resolve, reject) => {
      waiting = { path, copied, settle: (result) => (result instanceof MetafleetError ? reject(result) : resolve(result)) };
      running().postMessage(what);
    });
  return {
    write: (job) => {
      let copied = (): void => {};
      const whenCopied = new Promise<void>((resolve) => {
        copied = resolve;
      });
      return { copied: whenCopied, written: order(job.path, job, copied) };
    },
    rewrite: (path) => order(path, { again: path }),
    close: async () => {
      const ending = thread;
      thread = undefined;
      await ending?.terminate();
    },
  };
};

/** The thread's side. */
export const serveCheckpoints = (port: MessagePort): void => {
  const reply = (message: Reply): void => port.postMessage(message);
  /** In memory, and in files next to their targets. */
  const held = new Map<string, WriteJob>();
  const copies = new Map<string, CopiedFile>();
  const copy = ({ path, magic, header, stretches }: WriteJob): CopiedFile => copySealed(path, magic, header, stretches);
  const seal = ({ path, keep }: Pick<WriteJob, 'path' | 'keep'>, file: CopiedFile): void => {
    const bytes = file.seal(() => makeRoom(path, keep));
    held.delete(path);
    reply({ kind: 'written', bytes });
  };
  /** Before anybody learns that memory may change. */
  const copyOrHold = (job: WriteJob): CopiedFile => {
    // What was held of this name is out of date.
    held.delete(job.path);
    copies.delete(job.path);
    try {
      return copy(job);
    } catch (error) {
      if (job.hold) held.set(job.path, { ...job, stretches: job.stretches.map((data) => data.slice()) });
      throw error;
    }
  };
  const write = (job: WriteJob): void => {
    const file = copyOrHold(job);
    reply({ kind: 'copied' });
    if (job.hold) {
      copies.set(job.path, file);
      reply({ kind: 'written', bytes: null });
    } else seal(job, file);
  };
  const rewrite = (path: string): void => {
    const file = copies.get(path);
    const job = held.get(path);
    copies.delete(path);
    if (file !== undefined) seal({ path, keep: 1 }, file);
    else if (job !== undefined) seal(job, copy(job));
    else reply({ kind: 'written', bytes: null });
  };
  port.on('message', (order: Order) => {
    try {
      if ('again' in order) rewrite(order.again);
      else write(order);
    } catch (error) {
      reply({ kind: 'failed', message: messageOf(error) });
    }
  });
};
