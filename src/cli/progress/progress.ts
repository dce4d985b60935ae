import { basename } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { type Clock, wallClock } from '../../base/clock.js';
import type { RunEvent, RunFinished } from '../../events/run-event.js';
import { formatBytes, formatCount, formatMillis, formatSpan, plural } from '../../report/format.js';
import { liveDisplay, plainDisplay, type Terminal } from './progress-display.js';
import { createStatus } from './progress-status.js';

export type ProgressOptions = {
  readonly stream: Terminal;
  /** Writes nothing at all. */
  readonly quiet?: boolean;
  readonly clock?: Clock;
  /** For one of many runs: its number, and the time that all will take. It is shown first. */
  readonly context?: () => string;
};

export type ProgressDisplay = {
  /** Cheap: drawing happens on a timer, at most 10 times a second. */
  observe(event: RunEvent): void;
  /** A line that stays. */
  note(text: string): void;
  /** The work before training starts. Each call replaces the text of the one before. */
  stage(text: string): void;
  /** Removes the live lines. Idempotent. */
  close(): void;
};

/** The best checkpoint of a model that gets better is written after every epoch. So each file has at most one note a minute. */
const CHECKPOINT_NOTE_MILLIS = 60_000;

/** A live display on a terminal, rewritten in place. Other streams get plain lines: one an epoch and one each 10 s. */
export const createProgress = ({ stream, quiet = false, clock = wallClock, context }: ProgressOptions): ProgressDisplay => {
  if (quiet) return { observe: () => undefined, note: () => undefined, stage: () => undefined, close: () => undefined };
  const status = createStatus(clock, context);
  // A closed pipe must not end the run: it only observes.
  const ignore = (): void => undefined;
  stream.on('error', ignore);
  const display = stream.isTTY && process.env.TERM !== 'dumb' ? liveDisplay(stream, clock, status) : plainDisplay(stream, clock, status);
  const note = (text: string): void => display.note(printable(text));
  const notedAt = new Map<string, number>();
  let failing = false;
  const isDue = (checkpoint: string): boolean => {
    const due = clock() - (notedAt.get(checkpoint) ?? Number.NEGATIVE_INFINITY) >= CHECKPOINT_NOTE_MILLIS;
    if (due) notedAt.set(checkpoint, clock());
    return due;
  };

  return {
    note,
    stage(text) {
      status.stage(printable(text));
      display.staged();
    },
    observe(event) {
      status.observe(event);
      switch (event.type) {
        case 'run-started':
          if (event.round > 0) note(`resumed after round ${formatCount(event.round)}`);
          break;
        case 'host-lost':
          note(`host ${event.host} lost: ${event.reason}`);
          break;
        case 'host-restored':
          note(`host ${event.host} restored with ${plural(event.devices, 'device')}`);
          break;
        case 'coordinator-lost':
          note(`coordinator lost after round ${formatCount(event.round)}: ${event.reason}`);
          break;
        case 'coordinator-restored':
          note(`coordinator restored, from round ${formatCount(event.round)} on`);
          break;
        case 'checkpoint-failed':
          if (!failing) note(`${event.reason}; the run goes on and tries again`);
          failing = true;
          break;
        case 'checkpoint-refused':
          note(`${event.reason}; continuing from ${basename(event.instead)} of round ${formatCount(event.round)}`);
          break;
        case 'checkpoint':
          if (failing) note('checkpoints are being written again');
          failing = false;
          if (isDue(event.path)) {
            note(
              `${basename(event.path)} of round ${formatCount(event.round)}: ${formatBytes(event.bytes)} in ${formatMillis(event.millis)}`,
            );
          }
          break;
        case 'run-finished':
          note(ending(event));
          break;
        case 'round':
        case 'epoch':
          break;
        default:
          event satisfies never;
      }
      display.observed(event);
    },
    close() {
      display.close();
      stream.off('error', ignore);
    },
  };
};

const ending = ({ reason, epoch, round, millis }: RunFinished): string =>
  `${reason} at epoch ${epoch}, round ${formatCount(round)}, after ${formatSpan(millis)}`;

/** One line, without escape sequences: texts carry paths and errors from outside. */
const printable = (text: string): string =>
  stripVTControlCharacters(text)
    .replace(/\p{Cc}+/gu, ' ')
    .trim();
