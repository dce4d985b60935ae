import { appendFile, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MetafleetError, messageOf } from '../../base/errors.js';
import type { DeviceId } from '../../base/units.js';
import type { FlightStep, RecordedFlight } from '../../events/flights.js';
import { writeAtomically } from './atomic-write.js';

/** One line of the flight log. `device` comes first: readers look for it before they parse. */
export type FlightLine = { readonly device: DeviceId; readonly round: number; readonly steps: readonly FlightStep[] };

export type FlightLog = {
  append(round: number, flights: readonly RecordedFlight[]): void;
  /** Resumed runs: drops the lines after the checkpoint's round, which will come again. Rejects with CHECKPOINT. */
  cutAfter(round: number): Promise<void>;
  /** Resolves when all lines so far were handed to the system, or given up. Never rejects. */
  flush(): Promise<void>;
  /** The last `most` lines of a device, oldest first, those not yet written included. */
  read(device: DeviceId, most: number): Promise<readonly FlightLine[]>;
  close(): Promise<void>;
};

export type FlightLogOptions = {
  /** For the whole log. */
  readonly maxBytes: number;
  /** Called once, when a write fails. */
  readonly warn: (text: string) => void;
  readonly flushMillis?: number;
};

/** So many files share the cap; the oldest goes when a new one would not fit: at least 7/8 of the cap are kept. */
const SEGMENTS = 8;
const SEGMENT = /^\d{6}\.ndjson$/;
const segmentName = (index: number): string => `${String(index).padStart(6, '0')}.ndjson`;

const segmentsIn = async (folder: string): Promise<string[]> => {
  try {
    return (await readdir(folder)).filter((name) => SEGMENT.test(name)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
};

/**
 * The flights of recorded devices as NDJSON files in `folder`, made at the first line. Lines wait in memory for a second at most, and
 * never for the disk. What cannot be written is lost, with one warning, and the run goes on.
 */
export const openFlightLog = (folder: string, { maxBytes, warn, flushMillis = 1000 }: FlightLogOptions): FlightLog => {
  const segmentBytes = maxBytes / SEGMENTS;
  let pending: string[] = [];
  let current: { index: number; size: number } | undefined;
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> = Promise.resolve();
  let torn = false;
  let warned = false;
  let lastRound = 0;

  /** A new file after the newest, in the place of the oldest where there are enough. */
  const open = async (): Promise<{ index: number; size: number }> => {
    await mkdir(folder, { recursive: true });
    const names = await segmentsIn(folder);
    await Promise.all(names.slice(0, Math.max(0, names.length - SEGMENTS + 1)).map((name) => rm(join(folder, name), { force: true })));
    const newest = names.at(-1);
    return { index: newest === undefined ? 1 : Number.parseInt(newest, 10) + 1, size: 0 };
  };
  const writeBatch = async (lines: readonly string[]): Promise<void> => {
    for (let first = 0; first < lines.length; ) {
      if (current === undefined || (current.size > 0 && current.size + lines[first]!.length > segmentBytes)) current = await open();
      let size = current.size;
      let end = first;
      while (end < lines.length && (end === first || size + lines[end]!.length <= segmentBytes)) size += lines[end++]!.length;
      // A line that a full disk cut short must not take the next one with it.
      await appendFile(join(folder, segmentName(current.index)), `${torn ? '\n' : ''}${lines.slice(first, end).join('')}`);
      torn = false;
      current.size = size;
      first = end;
    }
  };
  const write = async (): Promise<void> => {
    if (pending.length === 0) return;
    const batch = pending;
    pending = [];
    try {
      await writeBatch(batch);
    } catch (error) {
      torn = true;
      if (!warned) warn(`${folder}: flight records are being lost, the run goes on: ${messageOf(error)}`);
      warned = true;
    }
  };
  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    working = working.then(write);
    return working;
  };

  return {
    append(round, flights) {
      // Rounds come again when a coordinator is restored.
      if (round <= lastRound) return;
      lastRound = round;
      for (const { device, steps } of flights) pending.push(`${JSON.stringify({ device, round, steps } satisfies FlightLine)}\n`);
      if (pending.length > 0) timer ??= setTimeout(() => void flush(), flushMillis).unref();
    },
    cutAfter: (round) => {
      lastRound = round;
      const cutting = working.then(() => cut(folder, round));
      working = cutting.catch(() => undefined);
      return cutting;
    },
    flush,
    read: async (device, most) => {
      await flush();
      return readFlights(folder, device, most);
    },
    close: flush,
  };
};

const cut = async (folder: string, lastRound: number): Promise<void> => {
  try {
    for (const name of await segmentsIn(folder)) {
      const path = join(folder, name);
      const lines = (await readFile(path, 'utf8'))
        .split('\n')
        .filter((line) => (parse(line)?.round ?? Number.POSITIVE_INFINITY) <= lastRound);
      if (lines.length === 0) await rm(path);
      else await writeAtomically(path, lines.map((line) => `${line}\n`).join(''));
    }
  } catch (error) {
    throw new MetafleetError('CHECKPOINT', `${folder}: cannot be cut back to round ${lastRound}: ${messageOf(error)}`, { cause: error });
  }
};

/** A line that was cut short, by a full disk or a killed process, is none. */
const parse = (line: string): FlightLine | undefined => {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && 'device' in value && 'round' in value && 'steps' in value
      ? (value as FlightLine)
      : undefined;
  } catch {
    return undefined;
  }
};

/** The last `most` lines of a device, oldest first; none where there is no log. Cost: a search through the log's bytes, newest file first. */
export const readFlights = async (folder: string, device: DeviceId, most = Number.POSITIVE_INFINITY): Promise<readonly FlightLine[]> => {
  const head = Buffer.from(`{"device":${device},`);
  const found: FlightLine[] = [];
  for (const name of (await segmentsIn(folder)).reverse()) {
    const data = await readFile(join(folder, name)).catch((error: NodeJS.ErrnoException) => {
      // Rotated away meanwhile.
      if (error.code === 'ENOENT') return Buffer.alloc(0);
      throw error;
    });
    const here: FlightLine[] = [];
    for (let at = data.indexOf(head); at >= 0; at = data.indexOf(head, at + 1)) {
      const end = data.indexOf('\n', at);
      const line = parse(data.toString('utf8', at, end < 0 ? data.length : end));
      if (line) here.push(line);
    }
    found.unshift(...here);
    if (found.length >= most) break;
  }
  return Number.isFinite(most) ? found.slice(-most) : found;
};
