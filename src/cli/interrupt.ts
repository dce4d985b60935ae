import type { Run } from '../runs/trainer/run.js';
import type { ProgressDisplay } from './progress/progress.js';

/** First Ctrl-C: end after this round, with a checkpoint and a table. Second, or without a run: end now; `idle` says so. Returns what takes the handlers away. */
export const onInterrupt = (
  progress: ProgressDisplay,
  run: () => Run | undefined,
  idle = 'stopped before training began',
): (() => void) => {
  let asked = false;
  const handle = (): void => {
    const running = run();
    if (running === undefined) progress.note(idle);
    if (asked || running === undefined) process.exit(130);
    asked = true;
    progress.note('stopping after this round, with a checkpoint (Ctrl-C again: at once)');
    running.interrupt();
  };
  process.on('SIGINT', handle).on('SIGTERM', handle);
  return () => process.off('SIGINT', handle).off('SIGTERM', handle);
};
