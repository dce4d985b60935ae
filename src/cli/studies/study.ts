import { wallClock } from '../../base/clock.js';
import type { RunEvent } from '../../events/run-event.js';
import { formatSpan } from '../../report/format.js';
import { createPace } from '../../report/pace.js';
import type { Watched } from '../../runs/folder/run-folder.js';
import type { StudyContext, StudyHooks } from '../../studies/train-all.js';
import { createProgress } from '../progress/progress.js';
import { pressRun } from '../signals/interrupt.js';
import { onPress } from '../signals/signals.js';

/** How long all runs will take at most: the pace of this one, for the rounds of those that wait, too. */
const createOutlook = () => {
  let context: StudyContext | undefined;
  let pace = createPace();
  let started: { readonly at: number; readonly round: number } | undefined;
  let round = 0;
  return {
    context(next: StudyContext): void {
      context = next;
      pace = createPace();
      started = undefined;
    },
    observe(event: RunEvent): void {
      const now = wallClock();
      pace.observe(event, now);
      if (event.type === 'run-started') {
        started = { at: now, round: event.round };
        round = event.round;
      }
      if (event.type === 'round') round = event.round;
    },
    text(): string {
      if (context === undefined) return '';
      const now = wallClock();
      const left = pace.remaining(now);
      const done = started === undefined ? 0 : round - started.round;
      const waiting = started === undefined || done === 0 ? Number.NaN : (context.waitingRounds * (now - started.at)) / done;
      const all = left === undefined || !Number.isFinite(waiting) ? '...' : formatSpan(left.millis + waiting);
      return `run ${context.run}/${context.runs} (${context.label}), all at most ${all}`;
    },
  };
};

/**
 * Many runs in one command. One progress display shows the time that all of them will take.
 * Ctrl-C ends the current run with a checkpoint, and leaves the others for the next time.
 */
export const withStudyHooks = async <T>(quiet: boolean, work: (hooks: StudyHooks) => Promise<T>): Promise<T> => {
  const outlook = createOutlook();
  const progress = createProgress({ stream: process.stderr, quiet, context: outlook.text });
  let watched: Watched = {};
  let interrupted = false;
  const release = onPress((press) => {
    interrupted = true;
    pressRun(press, watched, progress, 'stopped between runs: the same command continues');
  });
  try {
    return await work({
      stage: progress.stage,
      note: progress.note,
      observe: (event) => {
        outlook.observe(event);
        progress.observe(event);
      },
      context: outlook.context,
      watch: (next) => {
        watched = next;
      },
      interrupted: () => interrupted,
    });
  } finally {
    release();
    progress.close();
  }
};
