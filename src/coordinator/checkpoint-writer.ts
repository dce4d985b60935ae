import { createRequire } from 'node:module';
import { type MessagePort, Worker } from 'node:worker_threads';
import { MetafleetError, messageOf } from '../base/errors.js';
import type { Bytes } from '../base/units.js';
import { makeRoom } from './kept-files.js';
import { copySealed } from './sealed-file.js';

/**
 * Checkpoints are written by a thread of their own, straight from the kernels' shared memory: rounds go on meanwhile, and only a
 * round's last step, which changes Θ, waits until the thread has copied Θ into the system's file cache. Hashing, the disk and
 * the renaming come after that, beside any number of rounds. This process holds no second copy of Θ.
 */
export type WriteJob = {
  readonly path: string;
  readonly magic: string;
  readonly header: object;
  /** Views of shared memory. */
  readonly stretches: readonly Uint8Array[];
  /** How many files of this name are kept, this one included. */
  readonly keep: number;
};

export type Writing = {
  /** Resolves when the stretches may change again, however the writing goes. */
  readonly copied: Promise<void>;
  /** Rejects with CHECKPOINT naming the path; what was there before then stays. */
  readonly written: Promise<Bytes>;
};

/** One job at a time: the next waits until the one before is written. */
export type CheckpointWriter = { write(job: WriteJob): Writing; close(): Promise<void> };

type Reply =
  | { readonly kind: 'copied' }
  | { readonly kind: 'written'; readonly bytes: Bytes }
  | { readonly kind: 'failed'; readonly message: string };

type Waiting = { readonly path: string; readonly copied: () => void; readonly settle: (result: Bytes | MetafleetError) => void };

export const createCheckpointWriter = (): CheckpointWriter => {
  let thread: Worker | undefined;
  let waiting: Waiting | undefined;
  const settle = (result: Bytes | MetafleetError): void => {
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
  return {
    write: (job) => {
      let copied = (): void => {};
      const whenCopied = new Promise<void>((resolve) => {
        copied = resolve;
      });
      const written = new Promise<Bytes>((resolve, reject) => {
        const finish = (result: Bytes | MetafleetError): void => {
          if (typeof result === 'number') resolve(result);
          else reject(result);
        };
        waiting = { path: job.path, copied, settle: finish };
      });
      running().postMessage(job);
      return { copied: whenCopied, written };
    },
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
  port.on('message', ({ path, magic, header, stretches, keep }: WriteJob) => {
    try {
      const copy = copySealed(path, magic, header, stretches);
      reply({ kind: 'copied' });
      reply({ kind: 'written', bytes: copy.seal(() => makeRoom(path, keep)) });
    } catch (error) {
      reply({ kind: 'failed', message: messageOf(error) });
    }
  });
};
