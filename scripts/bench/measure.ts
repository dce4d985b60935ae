import { performance } from 'node:perf_hooks';
import { processorTime } from '../../src/base/clock.js';
import { median } from '../../src/base/median.js';

/**
 * Contenders take turns, repetition by repetition, and a ratio is the median of the ratios of neighbours. Other work of the machine
 * then hits both sides alike. `cpu` is the time the whole process computed: other processes hardly change it.
 */
export type Timing = { readonly millis: readonly number[]; readonly cpu: readonly number[] };

/** What is timed. One that returns a number has measured itself, in milliseconds (rounds, other programs). */
export type Contender = () => unknown;

/**
 * `calls`: how often a contender is called in each turn, of which the median counts (default 1).
 * The first call of several threads that slept is a slow one.
 */
export type Alternation = { readonly repetitions: number; readonly warmups?: number; readonly calls?: (name: string) => number };

/** Median of a[i] / b[i]. */
export const medianRatio = (a: readonly number[], b: readonly number[]): number => median(a.map((value, index) => value / b[index]!));

/**
 * By which clock. Work on one thread is compared by the time it computed, so that waiting for a busy core does not count. Work
 * on several is compared by the clock on the wall, since this time is what they gain.
 */
export type ClockName = 'millis' | 'cpu';

/** Median time of a against that of b, pair by pair: above 1, a is slower. */
export const ratio = (a: Timing, b: Timing, clock: ClockName = 'millis'): number => medianRatio(a[clock], b[clock]);

/** The shortest against the shortest: where only regressions matter, what else the machine did can be left out of both. */
export const bestRatio = (a: Timing, b: Timing, clock: ClockName = 'millis'): number => Math.min(...a[clock]) / Math.min(...b[clock]);

/** A contender whose sample is the median of several calls: one call after others had the caches would be the cold one only. */
export const medianOf =
  (calls: number, work: () => void): Contender =>
  () =>
    median(
      Array.from({ length: calls }, () => {
        const start = performance.now();
        work();
        return performance.now() - start;
      }),
    );

const timeOnce = async (contender: Contender): Promise<{ millis: number; cpu: number }> => {
  const before = processorTime();
  const start = performance.now();
  const result = contender();
  // Awaiting what is no promise would let other work in between the two clocks.
  const value = result instanceof Promise ? await result : result;
  const wall = performance.now() - start;
  return { millis: typeof value === 'number' ? value : wall, cpu: processorTime() - before };
};

/** Every other repetition runs backwards, so that none always has the same neighbour before it. */
export const alternate = async <Name extends string>(
  contenders: Readonly<Record<Name, Contender>>,
  { repetitions, warmups = 1, calls = () => 1 }: Alternation,
): Promise<Record<Name, Timing>> => {
  const entries = Object.entries(contenders) as [Name, Contender][];
  const timings = {} as Record<Name, { millis: number[]; cpu: number[] }>;
  for (const [name] of entries) timings[name] = { millis: [], cpu: [] };
  for (let repetition = -warmups; repetition < repetitions; repetition++) {
    for (const [name, contender] of repetition % 2 === 0 ? entries : entries.toReversed()) {
      const turn: { millis: number; cpu: number }[] = [];
      for (let call = 0; call < calls(name); call++) turn.push(await timeOnce(contender));
      if (repetition < 0) continue;
      timings[name].millis.push(median(turn.map(({ millis }) => millis)));
      timings[name].cpu.push(median(turn.map(({ cpu }) => cpu)));
    }
  }
  return timings;
};
