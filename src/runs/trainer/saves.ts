import { z } from 'zod';
import { badInput, isMetafleetError, messageOf } from '../../base/errors.js';
import { keptPaths, removeLeftovers } from '../../coordinator/checkpoint/kept-files.js';
import type { PrivateColumns } from '../../device/actor/columns.js';
import type { RunEvent } from '../../events/run-event.js';
import type { Trainer } from '../../transport/supervisor/trainer.js';
import { orDeath } from '../../transport/threads/control.js';
import { dropOtherBestStates, dropOtherStates, forgetDeviceStates, restoreDeviceStates, saveDeviceStates } from './device-states.js';
import { type BestSoFar, NOTHING_YET } from './early-stopping.js';
import { createSaveQueue } from './save-queue.js';

/** Saves of a run and the ways back from them. A save that fails costs that checkpoint, never the run. */
export type CheckpointPaths = { readonly last: string; readonly best: string };

/** What a run knows, apart from the coordinator's own state. */
export type RunState = { readonly epochsEnded: number; readonly best: BestSoFar };

export const AT_START: RunState = { epochsEnded: 0, best: NOTHING_YET };

/** State of observers, plain data, kept with the checkpoint and given back when it is resumed. */
export type ObserverState = { readonly save: () => unknown; readonly restore: (saved: unknown, round: number) => Promise<void> };

const standing = { epoch: z.int().min(0), waited: z.int().min(0) };

/** Before metrics had names, the best value was always that of `mse`. */
const savedBest = z.union([
  z.object({ value: z.number().nullable(), ...standing }),
  z.object({ mse: z.number().nullable(), ...standing }).transform(({ mse, ...rest }) => ({ value: mse, ...rest })),
]);

const savedRun = z.object({
  epochsEnded: z.int().min(0),
  best: savedBest,
  devices: z.string().nullable(),
  observers: z.unknown(),
});
type SavedRun = z.infer<typeof savedRun>;

/** Throws CHECKPOINT, naming the path, for what no run has saved. */
export const parseSavedRun = (value: unknown, path: string): SavedRun => {
  const parsed = savedRun.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw badInput('CHECKPOINT', `${path}, run`, "a run's state", `${issue.path.join('.')}: ${issue.message}`);
};

export type SavesOptions = {
  readonly paths: CheckpointPaths | undefined;
  readonly resume: string | undefined;
  /** How many last checkpoints are kept. */
  readonly keep: number;
  readonly shards: readonly PrivateColumns[];
  readonly observers: ObserverState | undefined;
  readonly onEvent: (event: RunEvent) => void;
};

export type RestoredRun = { readonly round: number; readonly state: RunState };

export type Saves = {
  /**
   * Both begin a save, of the state as it is now, and return when rounds may go on. A best model is only copied, over the one before, until
   * `last` makes a file of it. The state that names this model is not written before.
   */
  last(fleet: Trainer, round: number, state: RunState): void;
  best(fleet: Trainer, round: number): void;
  /** When all that was begun is written or given up. */
  settled(): Promise<void>;
  /** False while the last save that ended was one that failed. */
  healthy(): boolean;
  /** Files whose last save failed: what stands there, if anything, is older than the run. */
  unsaved(): readonly string[];
  /**
   * Brings a fresh fleet to the newest checkpoint that is whole, or to the start where there is none and none was asked for.
   * Throws CHECKPOINT for the newest one's defect where no other serves.
   */
  restore(fleet: Trainer): Promise<RestoredRun>;
  /** Removes what a thread that is gone was writing. */
  tidyUp(): void;
};

const restoreFrom = async ({ shards, observers }: SavesOptions, fleet: Trainer, path: string): Promise<RestoredRun> => {
  const { round, run } = await orDeath(fleet.coordinator.restore(path), fleet.death);
  const { devices, observers: watched, ...state } = parseSavedRun(run, path);
  if (devices === null) forgetDeviceStates(shards);
  else restoreDeviceStates(path, devices, shards);
  await observers?.restore(watched, round);
  return { round, state };
};

/** From `newest`, or where that is damaged from the newest before it that is whole: then `isOlder`, and an event says so. */
const restoreNewest = async (
  options: SavesOptions,
  fleet: Trainer,
  newest: string,
): Promise<RestoredRun & { readonly isOlder: boolean }> => {
  const candidates = keptPaths(newest, Math.max(options.keep, 2));
  let first: unknown;
  for (const [age, path] of candidates.entries()) {
    try {
      const restored = await restoreFrom(options, fleet, path);
      if (age > 0)
        options.onEvent({ type: 'checkpoint-refused', path: newest, reason: messageOf(first), instead: path, round: restored.round });
      return { ...restored, isOlder: age > 0 };
    } catch (error) {
      if (!isMetafleetError(error, 'CHECKPOINT')) throw error;
      first ??= error;
    }
  }
  throw first;
};

export const createSaves = (options: SavesOptions): Saves => {
  const { paths, resume, keep, shards, observers, onEvent } = options;
  const queue = createSaveQueue(onEvent);
  /** Where a coordinator would go on from. */
  let newest = resume;
  const atStart = observers?.save() ?? null;
  let holdsBest = false;
  /** A damaged newest file makes way for the next one: it does not push out a whole one. */
  let damaged = false;
  const tidyUp = (): void => {
    if (paths !== undefined) for (const path of Object.values(paths)) removeLeftovers(path);
  };
  tidyUp();

  const saveLast = ({ last: path, best }: CheckpointPaths, fleet: Trainer, round: number, state: RunState): void => {
    try {
      const devices = saveDeviceStates(path, round, shards);
      const run: SavedRun = { ...state, devices, observers: observers?.save() ?? null };
      // Its state says which epoch was the best: nobody would compute that one again.
      const how = { weightsOnly: false, keep: damaged ? 1 : keep, hold: false, after: best };
      const then = (): void => {
        newest = path;
        damaged = false;
        if (devices !== null) dropOtherStates(path, keep);
      };
      queue.begin(fleet, path, round, () => fleet.coordinator.save(path, run, how), then);
    } catch (error) {
      queue.failed(path, round, error);
    }
  };
  const saveHeld = (best: string, fleet: Trainer, round: number): void => {
    const then = (): void => {
      holdsBest = false;
      dropOtherBestStates(best);
    };
    queue.begin(fleet, best, round, () => fleet.coordinator.saveHeld(best), then);
  };

  return {
    last: (fleet, round, state) => {
      if (paths === undefined) return;
      if (holdsBest) saveHeld(paths.best, fleet, round);
      saveLast(paths, fleet, round, state);
    },
    best: (fleet, round) => {
      if (paths === undefined) return;
      const { best } = paths;
      try {
        // Without them nobody could predict from the best model: a device may have trained since.
        if (saveDeviceStates(best, round, shards) !== null) dropOtherBestStates(best, round);
        queue.begin(fleet, best, round, () => fleet.coordinator.save(best, null, { weightsOnly: true, keep: 1, hold: true }));
        holdsBest = true;
      } catch (error) {
        queue.failed(best, round, error);
      }
    },
    settled: queue.settled,
    healthy: queue.healthy,
    unsaved: queue.unsaved,
    tidyUp,
    restore: async (fleet) => {
      // What the thread that is gone was writing, or held.
      tidyUp();
      holdsBest = false;
      if (newest === undefined) {
        forgetDeviceStates(shards);
        await observers?.restore(atStart, 0);
        return { round: 0, state: AT_START };
      }
      const { isOlder, ...restored } = await restoreNewest(options, fleet, newest);
      damaged ||= isOlder;
      return restored;
    },
  };
};
