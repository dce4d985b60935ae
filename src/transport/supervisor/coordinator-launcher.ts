import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { MetafleetError, messageOf } from '../../base/errors.js';
import type { RoundFinished } from '../../events/round.js';
import { arrivedOn } from '../channels/arrived.js';
import { connect, type Remote } from '../threads/control.js';
import type { CoordinatorControl } from '../threads/coordinator-thread.js';
import { entry } from './entries.js';
import { YOUNG_MEGABYTES } from './heaps.js';

export type LaunchedCoordinator = {
  readonly remote: Remote<CoordinatorControl>;
  /** Rejects when the thread dies (COORDINATOR_LOST), or with the error of `end`. */
  readonly death: Promise<never>;
  readonly end: (error: Error) => void;
  readonly exited: Promise<void>;
  readonly terminate: () => Promise<number>;
};

export const launchCoordinator = (coordinatorEntry = entry('coordinator')): LaunchedCoordinator => {
  const worker = new Worker(coordinatorEntry, { resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MEGABYTES } });
  let end = (_: Error): void => {};
  const death = new Promise<never>((_, reject) => {
    end = reject;
    const lost = (how: string, cause?: unknown): void =>
      reject(new MetafleetError('COORDINATOR_LOST', `the coordinator thread ${how}`, { cause }));
    worker.once('error', (error) => lost(`died: ${messageOf(error)}`, error));
    worker.once('exit', (code) => lost(`ended with code ${code}`));
  });
  death.catch(() => {}); // The calls that race against it handle it.
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  return { remote: connect<CoordinatorControl>(worker), death, end, exited, terminate: () => worker.terminate() };
};

/** The way of round events from the coordinator's thread. */
export type RoundEvents = {
  /** The coordinator's end. */
  readonly port: MessagePort;
  /** Passes on the events that have arrived already. */
  readonly take: () => void;
  readonly close: () => void;
};

/** Does not keep the process alive. */
export const createRoundEvents = (handOn: (rounds: readonly RoundFinished[]) => void): RoundEvents => {
  const { port1, port2 } = new MessageChannel();
  port1.on('message', handOn);
  port1.unref();
  return {
    port: port2,
    take: () => {
      for (const rounds of arrivedOn<readonly RoundFinished[]>(port1)) handOn(rounds);
    },
    close: () => port1.close(),
  };
};
