import { basename } from 'node:path';
import type { Writable } from 'node:stream';
import { stripVTControlCharacters, styleText } from 'node:util';
import { type Clock, wallClock } from '../base/clock.js';
import type { EpochFinished } from '../events/evaluation.js';
import type { RunEvent, RunFinished, RunStarted } from '../events/run-event.js';
import { bytesOf, type Traffic } from '../events/traffic.js';
import { formatBytes, formatCount, formatError, formatMillis, formatPercent, formatRate, formatSpan, plural } from '../report/format.js';
import { createPace } from '../report/pace.js';

export type ProgressOptions = {
  readonly stream: Terminal;
  /** Writes nothing at all. */
  readonly quiet?: boolean;
  readonly clock?: Clock;
  /** Of many runs: which one this is, and how long all will take. Shown before everything else. */
  readonly context?: () => string;
};

export type ProgressDisplay = {
  /** Cheap: drawing happens on a timer, at most 10 times a second. */
  observe(event: RunEvent): void;
  /** A line that stays. */
  note(text: string): void;
  /** What is going on before training starts; each call replaces the one before. */
  stage(text: string): void;
  /** Takes the live lines away; idempotent. */
  close(): void;
};

/** What may be a terminal: process.stderr is one, and so is any stream that has the same to say of itself. */
export type Terminal = Writable & {
  readonly isTTY?: boolean;
  readonly columns?: number | undefined;
  readonly hasColors?: () => boolean;
};

const TICK_MILLIS = 100;
/** Without a terminal: one line at least this often. */
const PLAIN_MILLIS = 10_000;
/** While a model gets better, its best checkpoint is written after every epoch: one note a minute for each file. */
const CHECKPOINT_NOTE_MILLIS = 60_000;

/** A live display on a terminal, rewritten in place; plain lines, one an epoch and one each 10 s, on anything else. */
export const createProgress = ({ stream, quiet = false, clock = wallClock, context }: ProgressOptions): ProgressDisplay => {
  if (quiet) return { observe: () => undefined, note: () => undefined, stage: () => undefined, close: () => undefined };
  const status = createStatus(clock, context);
  // A closed pipe must not end a run that is merely being watched.
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

/** One line, without escape sequences: texts carry paths and errors that others wrote. */
const printable = (text: string): string =>
  stripVTControlCharacters(text)
    .replace(/\p{Cc}+/gu, ' ')
    .trim();

/** What there is to show, told by nobody but the events. */
const createStatus = (clock: Clock, context: () => string = () => '') => {
  const pace = createPace();
  let stage: { text: string; since: number } | undefined;
  let plan: RunStarted | undefined;
  let round = 0;
  let epoch = 1;
  let last: EpochFinished | undefined;
  let best: EpochFinished | undefined;
  let evaluating = false;
  let began = 0;
  let epochSince = 0;
  let epochMillis = 0;
  let virtual: { readonly seconds: number; readonly share: number } | undefined;
  const bytes = { down: 0, up: 0 };
  const count = (traffic: Traffic): void => {
    const { down, up } = bytesOf(traffic);
    bytes.down += down;
    bytes.up += up;
  };

  return {
    stage(text: string): void {
      stage = { text, since: clock() };
    },
    observe(event: RunEvent): void {
      pace.observe(event, clock());
      switch (event.type) {
        case 'run-started':
          plan = event;
          stage = undefined;
          last = undefined;
          best = undefined;
          round = event.round;
          epoch = Math.min(Math.floor(round / Math.max(1, event.roundsPerEpoch)) + 1, event.epochs);
          began = clock();
          epochSince = began;
          return;
        case 'round':
          ({ round, epoch } = event);
          evaluating = plan !== undefined && (round % plan.roundsPerEpoch === 0 || round === plan.rounds);
          count(event.traffic);
          if (event.virtual !== null) virtual = { seconds: event.virtual.end, share: event.outcomes.trained / Math.max(1, event.cohort) };
          return;
        case 'epoch':
          evaluating = false;
          last = event;
          if (event.best) best = event;
          epochMillis = clock() - epochSince;
          epochSince = clock();
          count(event.traffic);
          return;
        case 'run-finished':
          plan = undefined;
          return;
        case 'host-lost':
        case 'host-restored':
        case 'coordinator-lost':
        case 'coordinator-restored':
        case 'checkpoint-failed':
        case 'checkpoint-refused':
        case 'checkpoint':
          return;
        default:
          event satisfies never;
      }
    },
    /** The last epoch's whole time, evaluation included. */
    epochMillis: (): number => epochMillis,
    stageText: (): string | undefined => stage?.text,
    /** Empty for a run by itself. */
    contextText: context,
    stageMillis: (): number => (stage ? clock() - stage.since : 0),
    isRunning: (): boolean => plan !== undefined,
    /** 0 … 1 of all rounds, or of the time that stages take. */
    share(): number {
      if (plan === undefined) return 0;
      if (plan.ends === null) return Math.min(1, round / Math.max(1, plan.rounds));
      const passed = plan.ends.unit === 'wall' ? (clock() - began) / 1000 : (virtual?.seconds ?? 0);
      return Math.min(1, passed / plan.ends.after);
    },
    epochText: (): string => (plan?.ends === null ? `epoch ${epoch}/${plan.epochs}` : `epoch ${epoch}`),
    roundText(): string {
      if (evaluating) return 'evaluating';
      return plan?.ends === null ? `round ${formatCount(round)}/${formatCount(plan.rounds)}` : `round ${formatCount(round)}`;
    },
    etaText(): string {
      const left = pace.remaining(clock());
      return left ? `ETA ${formatSpan(left.millis)}${left.atLeast ? '+' : ''}` : 'ETA ...';
    },
    lossText: (): string => {
      const now = pace.recent();
      return now === undefined ? 'loss -' : `loss ${formatError(now.loss)}`;
    },
    bytesText: (): string => `${formatBytes(bytes.down)} down, ${formatBytes(bytes.up)} up`,
    /** Most important first. */
    facts(): string[] {
      const now = pace.recent();
      return [
        context() || undefined,
        now && `loss ${formatError(now.loss)}`,
        last && `valid MSE ${formatError(last.valid.mse)}${best ? ` (best ${formatError(best.valid.mse)}, epoch ${best.epoch})` : ''}`,
        virtual && `virtual ${formatSpan(virtual.seconds * 1000)}, ${formatPercent(virtual.share)} trained`,
        now && `${formatRate(now.devicesPerSecond)} devices/s`,
        `${formatBytes(bytes.down)} down, ${formatBytes(bytes.up)} up`,
        now && `${formatRate(now.ratingsPerSecond)} ratings/s`,
      ].filter((text) => text !== undefined);
    },
  };
};

type Status = ReturnType<typeof createStatus>;

const inContext = (status: Status): string[] => [status.contextText()].filter((text) => text !== '');

type Display = {
  note(text: string): void;
  staged(): void;
  observed(event: RunEvent): void;
  close(): void;
};

const plainDisplay = (stream: Terminal, clock: Clock, status: Status): Display => {
  let written = clock();
  let stageShape = '';
  let closed = false;
  const line = (text: string): void => {
    if (closed) return;
    written = clock();
    stream.write(`${text}\n`);
  };
  const epochLine = ({ trainLoss, valid, best }: EpochFinished): string =>
    [
      ...inContext(status),
      `${status.epochText()}: train loss ${formatError(trainLoss)}`,
      `valid MSE ${formatError(valid.mse)} MAE ${formatError(valid.mae)}${best ? ' (best)' : ''}`,
      status.bytesText(),
      formatMillis(status.epochMillis()),
      status.etaText(),
    ].join(', ');

  return {
    note: line,
    staged() {
      // "read 10 MB" and "read 20 MB" are one stage: a log wants it once, and then now and again.
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

const liveDisplay = (stream: Terminal, clock: Clock, status: Status): Display => {
  // https://no-color.org: set to anything but the empty string.
  const coloured = !process.env.NO_COLOR && (stream.hasColors?.() ?? true);
  const paint = (style: 'green' | 'dim', text: string): string => (coloured ? styleText(style, text, { validateStream: false }) : text);
  /** What is on the screen, and the widths of its lines; the cursor stands at the end of the last one. */
  let shown: { readonly text: string; readonly widths: readonly number[] } = { text: '', widths: [] };
  let closed = false;

  // One column stays free: a full line would leave the cursor in the limbo before a wrap.
  const width = (): number => Math.max(10, (stream.columns || 80) - 1);
  /** After a resize the old lines may have been wrapped into more rows than were drawn. */
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
