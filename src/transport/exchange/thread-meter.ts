import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { sharedNow } from '../../base/clock.js';
import { bytes, millis } from '../../base/units.js';
import type { ThreadUse } from '../../events/round.js';

/** The time between two looks at the loop. 50 looks a second cost a thread less than 0.1 % of its time. Shorter delays are not seen. */
export const LOOK_MILLIS = 20;

export type ThreadMeter = {
  /** The reading of the calling thread since the last call. */
  take(): ThreadUse;
  close(): void;
};

/**
 * Measures its thread, without keeping it alive.
 * node:perf_hooks' monitorEventLoopDelay forgets at each reset when it last looked. So it misses a delay that began before its next look.
 * On a thread that is read while it is busy, those are most delays.
 */
export const createThreadMeter = (now: () => number = sharedNow): ThreadMeter => {
  let looked = now();
  let longest = 0;
  const delay = (): number => Math.max(longest, now() - looked - LOOK_MILLIS);
  const timer = setInterval(() => {
    longest = delay();
    looked = now();
  }, LOOK_MILLIS);
  timer.unref();
  let collecting = 0;
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) collecting += duration;
  });
  observer.observe({ entryTypes: ['gc'] });
  return {
    take: () => {
      const use = { lagMillis: millis(delay()), gcMillis: millis(collecting), heapBytes: bytes(getHeapStatistics().used_heap_size) };
      longest = 0;
      collecting = 0;
      return use;
    },
    close: () => {
      clearInterval(timer);
      observer.disconnect();
    },
  };
};
