import { median } from '../../src/base/median.js';

/** One look at the process; times in minutes since the start. */
export type Sample = {
  readonly minutes: number;
  readonly rssBytes: number;
  /** Of these, memory that no file backs. */
  readonly anonymousBytes: number;
  readonly heapBytes: number;
  /** Open files, sockets and pipes. */
  readonly files: number;
  /** What keeps the event loop alive: timers, ports, threads, servers. */
  readonly handles: number;
  readonly listeners: number;
  readonly round: number;
};

export type Verdict = {
  /** Growth of resident memory in 10 minutes, as a share of its median. */
  readonly rssShare: number;
  /** Median of the last quarter minus that of the first. */
  readonly files: number;
  readonly handles: number;
  readonly listeners: number;
  readonly passed: boolean;
};

/** Growth of resident memory that is let pass: 1 % in 10 minutes. */
const MOST_RSS = 0.01;
/** Timers and sockets come and go: a leak adds up to more than these. */
const MOST_HANDLES = 2;

/** Theil and Sen's slope, the median of those between any two points: a garbage collection here or there does not move it. */
export const slopeOf = (points: readonly (readonly [x: number, y: number])[]): number => {
  const slopes = points.flatMap(([x, y], i) =>
    points.slice(i + 1).flatMap(([otherX, otherY]) => (otherX > x ? [(otherY - y) / (otherX - x)] : [])),
  );
  return slopes.length === 0 ? 0 : median(slopes);
};

/** Judges the samples after `warmUp` minutes. Throws where there are too few of them. */
export const judge = (samples: readonly Sample[], warmUp: number): Verdict => {
  const steady = samples.filter(({ minutes }) => minutes >= warmUp);
  if (steady.length < 8) throw new Error(`soak: expected at least 8 samples after ${warmUp} minutes, found ${steady.length}`);
  const rssShare =
    (10 * slopeOf(steady.map(({ minutes, rssBytes }) => [minutes, rssBytes]))) / median(steady.map(({ rssBytes }) => rssBytes));
  const quarter = steady.length >> 2;
  const growth = (key: 'files' | 'handles' | 'listeners'): number =>
    median(steady.slice(-quarter).map((sample) => sample[key])) - median(steady.slice(0, quarter).map((sample) => sample[key]));
  const [files, handles, listeners] = [growth('files'), growth('handles'), growth('listeners')];
  const passed = rssShare <= MOST_RSS && files <= MOST_HANDLES && handles <= MOST_HANDLES && listeners <= 0;
  return { rssShare, files, handles, listeners, passed };
};
