import { leave } from '../../base/leaving.js';
import { INTERRUPTED, onPress } from '../signals/signals.js';

export type StopRequest = {
  readonly isAsked: () => boolean;
  /** Takes the handler away. */
  readonly release: () => void;
};

/** First Ctrl-C: `stop` is called, and the command ends by itself, soon and with nothing half-written. Second: it ends at once. */
export const onStopRequest = (stop: () => void = () => {}): StopRequest => {
  let asked = false;
  const release = onPress((press) => {
    if (press === 'again') void leave(INTERRUPTED);
    if (asked) return;
    asked = true;
    process.exitCode = INTERRUPTED;
    stop();
  });
  return { isAsked: () => asked, release };
};
