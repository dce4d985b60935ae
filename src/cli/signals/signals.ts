import { leave } from '../../base/leaving.js';
import { hangupIsIgnored } from './hangup.js';

/** The exit code of a command that a signal ended, whatever the signal. */
export const INTERRUPTED = 130;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export type Signal = (typeof SIGNALS)[number];

/**
 * Signals that arrive within this time of the first are the same press. A terminal signals the whole process group, and npm and
 * `timeout` pass the signal on to their child. So one Ctrl-C arrives twice. A busy machine passes a signal on in less
 * time. A person needs more time to read what the first one does.
 */
const SAME_PRESS_MILLIS = 500;

/** `again`: a second, deliberate one. */
export type Press = 'first' | 'again';
type Taker = (press: Press, signal: Signal) => void;

/** Tells presses from signals. A hang-up never counts as a second press: a closing terminal sends several. */
export const createPresses = (deliver: Taker): ((signal: Signal) => void) => {
  let asked = false;
  let isArmed = false;
  const arm = (): void => {
    isArmed = true;
  };
  return (signal) => {
    if (asked) {
      if (isArmed && signal !== 'SIGHUP') deliver('again', signal);
      return;
    }
    asked = true;
    // Not when the time is over, but after the signals that arrived until then were read: the thread may have been busy meanwhile.
    setTimeout(() => setImmediate(arm), SAME_PRESS_MILLIS).unref();
    deliver('first', signal);
  };
};

/** The last one is the one that is asked. */
const takers: Taker[] = [];

/** What a press does from now on. Without a taker it ends the process, with nothing half-written left. Returns what takes it back. */
export const onPress = (taker: Taker): (() => void) => {
  takers.push(taker);
  return () => {
    const at = takers.lastIndexOf(taker);
    if (at >= 0) takers.splice(at, 1);
  };
};

/** Listens to signals from here to the end of the process. Node forgets that a hang-up was to be ignored (nohup): it stays ignored. */
export const watchSignals = (): void => {
  const press = createPresses((kind, signal) => {
    const taker = takers.at(-1);
    if (taker === undefined) void leave(INTERRUPTED);
    else taker(kind, signal);
  });
  const ignored = hangupIsIgnored();
  for (const signal of SIGNALS) process.on(signal, signal === 'SIGHUP' && ignored ? () => undefined : press);
};
