import { explained } from '../atomic-write.js';
import { type NdjsonFile, openNdjson, truncateNdjson } from './ndjson.js';

/** Lines of rising rounds; a round at or before the last one is already there. */
export type LineWriter = {
  /** Lines wait in memory until the file is open. */
  readonly append: (round: number, line: object) => void;
  readonly open: () => Promise<void>;
  /** Opens a resumed file, without the lines after `round`. Rejects with CHECKPOINT when it cannot be read or written. */
  readonly cut: (round: number) => Promise<void>;
  readonly flush: () => Promise<void>;
  readonly close: () => Promise<void>;
};

export const createLineWriter = (path: string, warn: (text: string) => void): LineWriter => {
  let file: NdjsonFile | undefined;
  let opening: Promise<void> | undefined;
  let waiting: { readonly round: number; readonly line: object }[] = [];
  let last = 0;
  const append = (round: number, line: object): void => {
    if (!file) {
      waiting.push({ round, line });
    } else if (round > last) {
      last = round;
      file.append(line);
    }
  };
  const openAfter = async (cut: Promise<number>): Promise<void> => {
    last = await cut;
    file = await explained(path, openNdjson(path, { warn }));
    for (const { round, line } of waiting) append(round, line);
    waiting = [];
  };
  const start = (cut: Promise<number>): Promise<void> => {
    opening = openAfter(cut);
    return opening;
  };
  return {
    append,
    open: () => start(Promise.resolve(0)),
    cut: (round: number) => start(truncateNdjson(path, round)),
    flush: async () => file?.flush(),
    async close(): Promise<void> {
      // A failure was the error of `open` or `cut`.
      await opening?.catch(() => undefined);
      await file?.close();
    },
  };
};
