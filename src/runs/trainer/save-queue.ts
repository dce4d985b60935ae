import { isMetafleetError, messageOf } from '../../base/errors.js';
import type { Saved } from '../../coordinator/saving.js';
import type { RunEvent } from '../../events/run-event.js';
import type { Trainer } from '../../transport/supervisor/trainer.js';
import { orDeath } from '../../transport/threads/control.js';

/** Saves that are under way, and what became of those that have ended. A save that fails is an event, never an error. */
export type SaveQueue = {
  /** Begins a save of `path`, which `call` writes or (null) holds; `then` is called once it is written. */
  readonly begin: (
    fleet: Pick<Trainer, 'death'>,
    path: string,
    round: number,
    call: () => Promise<Saved | null>,
    then?: () => void,
  ) => void;
  readonly failed: (path: string, round: number, error: unknown) => void;
  /** When all that was begun is written or given up. */
  readonly settled: () => Promise<void>;
  /** False while the last save that ended was one that failed. */
  readonly healthy: () => boolean;
  /** Files whose last save failed. */
  readonly unsaved: () => readonly string[];
};

export const createSaveQueue = (onEvent: (event: RunEvent) => void): SaveQueue => {
  let ended: Promise<unknown> = Promise.resolve();
  let healthy = true;
  const unsaved = new Set<string>();

  const failed = (path: string, round: number, error: unknown): void => {
    // What goes down with its thread or the run is neither the disk's fault nor news.
    if (!isMetafleetError(error, 'CHECKPOINT')) return;
    healthy = false;
    unsaved.add(path);
    onEvent({ type: 'checkpoint-failed', path, round, reason: messageOf(error) });
  };

  return {
    begin: (fleet, path, round, call, then = () => {}) => {
      const save = async (): Promise<void> => {
        try {
          const saved = await orDeath(call(), fleet.death);
          // It is held; or nothing is: the save failed when its content could not be kept any more.
          if (saved === null) return;
          then();
          healthy = true;
          unsaved.delete(path);
          onEvent({ type: 'checkpoint', path, ...saved });
        } catch (error) {
          failed(path, round, error);
        }
      };
      ended = Promise.all([ended, save()]).then(() => undefined);
    },
    failed,
    settled: async () => {
      for (let seen: unknown; seen !== ended; ) {
        seen = ended;
        await ended;
      }
    },
    healthy: () => healthy,
    unsaved: () => [...unsaved],
  };
};
