/**
 * The share of the host threads' time in devices' training steps.
 * It is taken between the last two samples that are at least a window apart. Piscina's own figure counts ended tasks, of which there are none.
 */
export type Utilization = {
  /** Times of training steps, in ms. */
  readonly add: (times: readonly number[]) => void;
  readonly sample: () => number;
};

/** One scrape takes several samples. */
const WINDOW_MILLIS = 500;

export const createUtilization = (threads: number, now: () => number = () => performance.now()): Utilization => {
  let busyMillis = 0;
  let utilization = 0;
  let windowStart = now();
  return {
    add: (times) => {
      for (const time of times) busyMillis += time;
    },
    sample: () => {
      const millis = now() - windowStart;
      if (millis < WINDOW_MILLIS) return utilization;
      // A round's work is known at its end. That of a long round may be more than the window.
      utilization = Math.min(1, busyMillis / (threads * millis));
      windowStart += millis;
      busyMillis = 0;
      return utilization;
    },
  };
};
