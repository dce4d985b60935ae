import { type Clock, wallClock } from '../../base/clock.js';
import { formatCount, formatSpan } from '../../report/format.js';
import type { Terminal } from '../progress/progress-display.js';

const TICK_MILLIS = 200;
/** Without a terminal: a line this often. */
const PLAIN_MILLIS = 10_000;

export type Countdown = {
  done(count: number): void;
  /** Leaves the terminal's line free. */
  close(): void;
};

/** Progress of work whose end is known: so many of `total`, and how long the rest takes at the pace so far. */
export const createCountdown = (total: number, noun: string, stream: Terminal, clock: Clock = wallClock): Countdown => {
  const start = clock();
  const isTerminal = stream.isTTY === true;
  let shown: number = start;
  let open = false;
  return {
    done: (count) => {
      const now = clock();
      if (now - shown < (isTerminal ? TICK_MILLIS : PLAIN_MILLIS)) return;
      shown = now;
      const left = formatSpan(((now - start) / count) * (total - count));
      const text = `${formatCount(count)} of ${formatCount(total)} ${noun}, ETA ${left}`;
      stream.write(isTerminal ? `\r\u001b[K${text}` : `${text}\n`);
      open = isTerminal;
    },
    close: () => {
      if (open) stream.write('\r\u001b[K');
      open = false;
    },
  };
};
