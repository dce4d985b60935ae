import { type FileHandle, open } from 'node:fs/promises';
import { whatToDo } from '../../../base/disk.js';
import { badInput, MetafleetError, messageOf } from '../../../base/errors.js';
import { replaceAtomically } from '../atomic-write.js';

export type NdjsonFile = {
  /** Buffers one line. Never throws, never waits; nothing after close(). NaN and infinities become null, as JSON has none. */
  append(line: object): void;
  /** Resolves when all lines so far were handed to the system, or could not be. Never rejects. */
  flush(): Promise<void>;
  /** Flushes and closes; idempotent. */
  close(): Promise<void>;
};

export type NdjsonOptions = {
  /** Called once, with a full sentence, when writes begin to fail, and when they succeed again. */
  readonly warn: (text: string) => void;
  readonly flushMillis?: number;
};

/** Characters of lines that wait for a disk to have room again: at some hundred a line, tens of thousands of rounds. */
const MOST_WAITING = 1 << 24;

/**
 * Appends to `path` (made if missing) in batches. A full disk never costs the run. The file is cut back to its last whole line,
 * and the rest waits in memory for the next batch. Only beyond MOST_WAITING are lines lost, the oldest first.
 * Rejects with the system's error when the file cannot be opened.
 */
export const openNdjson = async (path: string, { warn, flushMillis = 1000 }: NdjsonOptions): Promise<NdjsonFile> => {
  const file = await open(path, 'a');
  let whole = (await file.stat()).size;
  let pending: string[] = [];
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();
  let torn = false;
  let failing = false;
  let lost = 0;
  let closing: Promise<void> | undefined;

  const cutBack = async (): Promise<void> => {
    await file.truncate(whole);
    torn = false;
  };
  const keepWaiting = (lines: readonly string[]): void => {
    const waiting = [...lines, ...pending];
    let size = waiting.reduce((sum, line) => sum + line.length, 0);
    let first = 0;
    for (; size > MOST_WAITING; first++) size -= waiting[first]!.length;
    lost += first;
    pending = waiting.slice(first);
  };
  const write = async (): Promise<void> => {
    if (pending.length === 0) return;
    const lines = pending;
    const batch = Buffer.from(lines.join(''));
    pending = [];
    try {
      if (torn) await cutBack();
      torn = true;
      await file.appendFile(batch);
      whole += batch.length;
      torn = false;
      if (failing) warn(`${path}: lines are being written again${lost > 0 ? `, without the ${lost} that were too many to keep` : ''}`);
      failing = false;
      lost = 0;
    } catch (error) {
      await cutBack().catch(() => undefined);
      if (!failing) warn(`${path}: lines wait in memory, the run goes on: ${messageOf(error)}${whatToDo(error)}`);
      failing = true;
      keepWaiting(lines);
    }
  };
  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    writing = writing.then(write);
    return writing;
  };

  return {
    append(line) {
      if (closing !== undefined) return;
      pending.push(`${JSON.stringify(line)}\n`);
      timer ??= setTimeout(() => void flush(), flushMillis).unref();
    },
    flush,
    close() {
      closing ??= flush().then(() => {
        if (pending.length > 0) warn(`${path}: ${pending.length + lost} lines could not be written`);
        return file.close();
      });
      return closing;
    },
  };
};

const LINES_PER_WRITE = 1000;

/**
 * Keeps the lines of `path` whose `round` is ≤ `lastRound`, each round once, replacing the file atomically. Resolves to the
 * last round kept, 0 when there is none. A missing file is an empty one; a torn last line (the process died) is cut off.
 * Rejects with CHECKPOINT on any other line that is not an object with a round.
 */
export const truncateNdjson = async (path: string, lastRound: number): Promise<number> => {
  let kept = 0;
  const copy = async (source: FileHandle, append: (text: string) => Promise<void>): Promise<void> => {
    let number = 0;
    let bad: { number: number; text: string } | undefined;
    let lines: string[] = [];
    for await (const text of source.readLines({ autoClose: false })) {
      if (bad) throw badInput('CHECKPOINT', `${path}:${bad.number}`, 'a JSON object with a round', bad.text.slice(0, 60));
      number++;
      const round = roundOf(text);
      if (round === undefined) bad = { number, text };
      else if (round > kept && round <= lastRound) {
        kept = round;
        lines.push(`${text}\n`);
      }
      if (lines.length === LINES_PER_WRITE) {
        await append(lines.join(''));
        lines = [];
      }
    }
    await append(lines.join(''));
  };
  try {
    const source = await open(path, 'r');
    await replaceAtomically(path, (append) => copy(source, append)).finally(() => source.close());
  } catch (error) {
    if (error instanceof MetafleetError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw new MetafleetError('CHECKPOINT', `${path}: cannot be cut back to round ${lastRound}: ${messageOf(error)}`, { cause: error });
  }
  return kept;
};

const roundOf = (text: string): number | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    const round = typeof value === 'object' && value !== null && 'round' in value ? value.round : undefined;
    return typeof round === 'number' ? round : undefined;
  } catch {
    return undefined;
  }
};
