import type { Writable } from 'node:stream';
import { stripVTControlCharacters, styleText } from 'node:util';
import type { Clock } from '../../base/clock.js';
import type { EpochFinished } from '../../events/evaluation.js';
import type { RunEvent } from '../../events/run-event.js';
import { formatError, formatMillis, formatPercent, formatSpan } from '../../report/format.js';
import type { Status } from './progress-status.js';

/** A stream that may be a terminal: process.stderr, or any stream with the same fields. */
export type Terminal = Writable & {
  readonly isTTY?: boolean;
  readonly columns?: number | undefined;
  readonly hasColors?: () => boolean;
};

const TICK_MILLIS = 100;
/** Without a terminal: one line at least this often. */
const PLAIN_MILLIS = 10_000;

const inContext = (status: Status): string[] => [status.contextText()].filter((text) => text !== '');

export type Display = {
  note(text: string): void;
  staged(): void;
  observed(event: RunEvent): void;
  close(): void;
};

/** Plain lines, one an epoch and one each 10 s. */
export const plainDisplay = (stream: Terminal, clock: Clock, status: Status): Display => {
  let written = clock();
  let stageShape = '';
  let closed = false;
  const line = (text: string): void => {
    if (closed) return;
    written = clock();
    stream.write(`${text}\n`);
  };
  /** Where nothing validates, the latest epoch stands for the best one, and that is no news. */
  const isBest = ({ best, valid }: EpochFinished): boolean => best && Object.values(valid.metrics).some((value) => value !== null);
  const epochLine = (event: EpochFinished): string =>
    [
      ...inContext(status),
      `${status.epochText()}: train loss ${event.trainLoss === null ? '-' : formatError(event.trainLoss)}`,
      `valid ${status.validText()}${isBest(event) ? ' (best)' : ''}`,
      status.bytesText(),
      formatMillis(status.epochMillis()),
      status.etaText(),
    ].join(', ');

  return {
    note: line,
    staged() {
      // "read 10 MB" and "read 20 MB" are one stage. A log has it once, and then from time to time.
      const text = status.stageText() ?? '';
      const shape = text.replace(/\d[\d.,]*/g, '#');
      if (shape !== stageShape || clock() - written >= PLAIN_MILLIS) line(text);
      stageShape = shape;
    },
    observed(event) {
      if (event.type === 'epoch') line(epochLine(event));
      else if (event.type === 'round' && clock() - written >= PLAIN_MILLIS) {
        line(
          [
            ...inContext(status),
            status.epochText(),
            formatPercent(status.share()),
            status.roundText(),
            status.lossText(),
            status.etaText(),
          ].join(', '),
        );
      }
    },
    close() {
      closed = true;
    },
  };
};

const SPINNER = '|/-\\';

/** Two lines of a terminal, rewritten in place. */
export const liveDisplay = (stream: Terminal, clock: Clock, status: Status): Display => {
  // https://no-color.org: set to any text that is not empty.
  const coloured = !process.env.NO_COLOR && (stream.hasColors?.() ?? true);
  const paint = (style: 'green' | 'dim', text: string): string => (coloured ? styleText(style, text, { validateStream: false }) : text);
  /** The lines on the screen, and their widths. The cursor stands at the end of the last one. */
  let shown: { readonly text: string; readonly widths: readonly number[] } = { text: '', widths: [] };
  let closed = false;

  // One column stays free: behind a full line, terminals differ in where the cursor is.
  const width = (): number => Math.max(10, (stream.columns || 80) - 1);
  /** After a resize, the old lines may take more rows than were drawn. */
  const erase = (): string => {
    if (shown.text === '') return '';
    const rows = shown.widths.reduce((sum, length) => sum + Math.max(1, Math.ceil(length / Math.max(1, stream.columns || 80))), 0);
    return `\r${rows > 1 ? `\x1b[${rows - 1}A` : ''}\x1b[J`;
  };
  const lines = (): string[] => {
    const room = width();
    if (status.isRunning()) return [barLine(status, room, paint), fitting(status.facts(), room)];
    const stage = status.stageText();
    if (stage === undefined) return [];
    const elapsed = status.stageMillis() >= 1000 ? ` (${formatSpan(status.stageMillis())})` : '';
    return [`${SPINNER[Math.floor(clock() / TICK_MILLIS) % SPINNER.length]} ${stage}${elapsed}`.slice(0, room)];
  };
  const draw = (above: string): void => {
    if (closed) return;
    const next = lines();
    stream.write(`${erase()}${above}${next.join('\n')}`);
    shown = { text: next.join('\n'), widths: next.map((line) => stripVTControlCharacters(line).length) };
  };
  const tick = (): void => {
    if (lines().join('\n') !== shown.text) draw('');
  };
  const resized = (): void => draw('');
  const timer = setInterval(tick, TICK_MILLIS).unref();
  stream.on('resize', resized);

  return {
    note: (text) => draw(`${text}\n`),
    staged: () => undefined,
    observed: () => undefined,
    close() {
      if (closed) return;
      if (shown.text !== '') stream.write(erase());
      closed = true;
      clearInterval(timer);
      stream.off('resize', resized);
    },
  };
};

const barLine = (status: Status, room: number, paint: (style: 'green' | 'dim', text: string) => string): string => {
  const share = status.share();
  const before = status.epochText();
  const after = `${formatPercent(share).padStart(7)}  ${status.roundText()}  ${status.etaText()}`;
  const bar = Math.min(40, room - before.length - after.length - 4);
  if (bar < 5) return fitting([status.etaText(), before, formatPercent(share)], room);
  const full = Math.floor(share * bar);
  return `${before} [${paint('green', '='.repeat(full))}${paint('dim', '-'.repeat(bar - full))}]${after}`;
};

/** As many of the texts as fit, from the first. */
const fitting = (texts: readonly string[], room: number): string => {
  let line = '';
  for (const text of texts) {
    const longer = line === '' ? text : `${line} | ${text}`;
    if (longer.length > room) break;
    line = longer;
  }
  return line;
};
