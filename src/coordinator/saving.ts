import { badInput } from '../base/errors.js';
import { type Bytes, type Millis, millis } from '../base/units.js';
import type { CheckpointFile } from './checkpoint/checkpoint.js';
import { createCheckpointWriter } from './checkpoint/checkpoint-writer.js';

export type SaveOptions = {
  /** Without the optimizer's moments: enough to predict, not to continue. */
  readonly weightsOnly: boolean;
  /** How many files of this name are kept, the new one included. */
  readonly keep: number;
  /**
   * Only copies Θ for now: next to the file, or in memory if the disk takes no copy. Each path has one copy, and `saveHeld` makes the file.
   * A better model often follows at once. Then this one costs the copy alone.
   */
  readonly hold: boolean;
  /**
   * A file that must be there before this one is written. If its last save failed, this one fails, too.
   * A state that names a file which is not there could not be continued.
   */
  readonly after?: string;
};

/** `millis` from the call to the file. `waited` is the time that rounds waited for it. */
export type Saved = { readonly bytes: Bytes; readonly millis: Millis; readonly waited: Millis; readonly round: number };

/** Writes checkpoints in another thread while rounds go on, one after the other. */
export type Saving = {
  /** Resolves when Θ may change: the last save has its copy. */
  copied(): Promise<void>;
  /** `contentOf` returns the file's content, as Θ is now. null: held. Rejects with CHECKPOINT. */
  save(path: string, round: number, options: SaveOptions, contentOf: () => CheckpointFile): Promise<Saved | null>;
  /** Writes the held copy of this path. null: there is none. Rejects with CHECKPOINT. */
  saveHeld(path: string): Promise<Saved | null>;
  close(): Promise<void>;
};

/** When Θ may change again, when the save is over, and how long a step waited for it. */
type Save = { readonly copied: Promise<void>; readonly over: Promise<void>; waited: number };

const nothing = (): void => {};

export const createSaving = (): Saving => {
  const writer = createCheckpointWriter();
  let last: Save = { copied: Promise.resolve(), over: Promise.resolve(), waited: 0 };
  /** By path: the round of the last held copy, and the copies since the last file. */
  const held = new Map<string, { readonly round: number; readonly copies: readonly Save[] }>();
  /** Paths whose last save failed. */
  const missing = new Set<string>();
  const track = async <T>(path: string, writing: Promise<T>): Promise<T> => {
    try {
      const written = await writing;
      missing.delete(path);
      return written;
    } catch (error) {
      missing.add(path);
      throw error;
    }
  };

  return {
    copied: async () => {
      const start = performance.now();
      await last.copied;
      last.waited += performance.now() - start;
    },
    save: async (path, round, { keep, hold, after }, contentOf) => {
      const start = performance.now();
      const { magic, header, stretches } = contentOf();
      // The header is plain data of this moment. Θ cannot change before it is copied: the next step waits for that.
      const job = last.over.then(() => {
        if (after !== undefined && missing.has(after))
          throw badInput('CHECKPOINT', path, `${after} to be written first`, 'that it could not be');
        return writer.write({ path, magic, header, stretches: [...stretches], keep, hold });
      });
      const written = track(
        path,
        job.then((writing) => writing.written),
      );
      const mine: Save = { copied: job.then((writing) => writing.copied, nothing), over: written.then(nothing, nothing), waited: 0 };
      last = mine;
      if (hold) held.set(path, { round, copies: [...(held.get(path)?.copies ?? []), mine] });
      mine.waited += performance.now() - start;
      const bytes = await written;
      return bytes === null ? null : { bytes, millis: millis(performance.now() - start), waited: millis(mine.waited), round };
    },
    saveHeld: async (path) => {
      const start = performance.now();
      const copied = held.get(path);
      if (copied === undefined) return null;
      const written = track(
        path,
        last.over.then(() => writer.rewrite(path)),
      );
      last = { copied: last.copied, over: written.then(nothing, nothing), waited: 0 };
      const bytes = await written;
      if (held.get(path) === copied) held.delete(path);
      if (bytes === null) return null;
      const waited = copied.copies.reduce((sum, copy) => sum + copy.waited, 0);
      return { bytes, millis: millis(performance.now() - start), waited: millis(waited), round: copied.round };
    },
    close: async () => {
      await last.over;
      await writer.close();
    },
  };
};
