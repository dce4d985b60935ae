import { Worker } from 'node:worker_threads';
import { MetafleetError, messageOf } from '../../base/errors.js';
import type { RoundFinished } from '../../events/round.js';
import { entry } from '../supervisor/entries.js';
import type { Trainer } from '../supervisor/trainer.js';
import { connect, disconnect, orDeath } from '../threads/control.js';
import type { CentralControl, CentralSetup } from './central-thread.js';

export type CentralLaunch = {
  readonly setup: CentralSetup;
  readonly onEvent: (event: RoundFinished) => void;
  /** Entry of the thread, for tests of faults. Default: metafleet's own. */
  readonly entry?: string;
};

/** A thread that does not end by itself in this time is ended: its disk may hang, for example. */
const CLOSE_MILLIS = 10_000;

const launch = (file: string) => {
  const worker = new Worker(file);
  let end = (_: Error): void => {};
  const death = new Promise<never>((_, reject) => {
    end = reject;
    const lost = (how: string, cause?: unknown): void =>
      reject(new MetafleetError('COORDINATOR_LOST', `the model's thread ${how}`, { cause }));
    worker.once('error', (error) => lost(`died: ${messageOf(error)}`, error));
    worker.once('exit', (code) => lost(`ended with code ${code}`));
  });
  death.catch(() => {}); // The calls that race against it handle it.
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  return { exited, worker, remote: connect<CentralControl>(worker), death, end };
};

/** Starts the thread of a central model, and creates the model there. It is supervised as a coordinator is. */
export const startCentral = async ({ setup, onEvent, entry: file = entry('central') }: CentralLaunch): Promise<Trainer> => {
  const { worker, remote, death, end, exited } = launch(file);
  let closed: Promise<void> | undefined;
  const shutDown = async (): Promise<void> => {
    end(new Error('the run was closed'));
    const deadline = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_MILLIS).unref());
    await Promise.race([remote.close(), exited, deadline]).catch(() => {});
    disconnect(remote);
    await worker.terminate();
  };
  const close = (): Promise<void> => {
    closed ??= shutDown();
    return closed;
  };
  let busy = { since: performance.now(), millis: 0 };
  try {
    const { userIds: _users, itemIds: _items, ...dataset } = setup.dataset;
    const started = await orDeath(remote.start({ ...setup, dataset }), death);
    return {
      coordinator: remote,
      ...started,
      train: async (until) => {
        const { rounds, ...progress } = await orDeath(remote.train(until), death);
        for (const event of rounds) {
          busy.millis += event.millis;
          onEvent(event);
        }
        return progress;
      },
      death,
      killThread: () => void worker.terminate(),
      killCoordinator: () => void worker.terminate(),
      predict: async (user, items) => (closed === undefined ? orDeath(remote.predict(user, items), death) : null),
      isSound: async () => true,
      sample: () => {
        const { since, millis } = busy;
        busy = { since: performance.now(), millis: 0 };
        return { queued: 0, utilization: Math.min(1, millis / Math.max(1, busy.since - since)), threads: 1 };
      },
      interrupt: () => {
        if (closed === undefined) void Promise.resolve(remote.interrupt()).catch(() => {});
      },
      close,
      // Its death ends what `close` waits for.
      abandon: async () => {
        await worker.terminate();
        void close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
};
