import { leave } from '../../base/leaving.js';
import type { Watched } from '../../runs/folder/run-folder.js';
import type { ProgressDisplay } from '../progress/progress.js';
import { INTERRUPTED, onPress, type Press } from './signals.js';

const STOPPING = 'stopping after this round, with a checkpoint (Ctrl-C again: at once)';
const STARTING = 'stopping once the fleet has started, with a checkpoint (Ctrl-C again: at once)';
const ENDED = 'the run has ended; its results are being written (Ctrl-C again: at once)';

/** What a press means for a run: end it after its round, or end now. `idle` says the latter while there is no run and no folder of one. */
export const pressRun = (press: Press, watched: Watched, progress: Pick<ProgressDisplay, 'note'>, idle: string): void => {
  if (press === 'again' || watched.state === undefined) {
    progress.note(press === 'again' ? 'stopping at once' : idle);
    void leave(INTERRUPTED);
    return;
  }
  progress.note(watched.state === 'ended' ? ENDED : watched.run === undefined ? STARTING : STOPPING);
  watched.interrupted = true;
  watched.run?.interrupt();
};

/** First Ctrl-C: end after this round, with a checkpoint and a table. Second, or without a run: end now. Returns what takes the handler away. */
export const onInterrupt = (
  progress: Pick<ProgressDisplay, 'note'>,
  watched: () => Watched,
  idle = 'stopped before training began',
): (() => void) => onPress((press) => pressRun(press, watched(), progress, idle));
