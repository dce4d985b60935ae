import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { whatToDo } from '../../base/disk.js';
import { badInput, MetafleetError, messageOf } from '../../base/errors.js';
import { median } from '../../base/median.js';
import type { EpochFinished } from '../../events/evaluation.js';
import type { VirtualRound } from '../../events/outcomes.js';
import { PHASES, type RoundFinished } from '../../events/round.js';
import type { RunEvent } from '../../events/run-event.js';
import { bytesOf, type Traffic } from '../../events/traffic.js';
import { writeAtomically } from './atomic-write.js';
import { type FlightLog, openFlightLog } from './flight-log.js';
import { metricColumns } from './metric-columns.js';
import { type NdjsonFile, openNdjson, truncateNdjson } from './ndjson.js';
import { checkRunName, defaultRunName, type RunOrigin } from './run-name.js';
import type { Summary } from './summary.js';

export type ResultsPaths = {
  readonly folder: string;
  readonly config: string;
  readonly rounds: string;
  readonly epochs: string;
  readonly summary: string;
  /** A folder: flight-log.ts. */
  readonly flights: string;
  /** The last one, to continue from, and the one of the best-validation epoch. The coordinator writes them. */
  readonly checkpoints: { readonly last: string; readonly best: string };
};

export const resultsPaths = (root: string, run: string): ResultsPaths => {
  const folder = join(root, run);
  return {
    folder,
    config: join(folder, 'config.yaml'),
    rounds: join(folder, 'rounds.ndjson'),
    epochs: join(folder, 'epochs.ndjson'),
    summary: join(folder, 'summary.json'),
    flights: join(folder, 'flights'),
    checkpoints: { last: join(folder, 'last.checkpoint'), best: join(folder, 'best.checkpoint') },
  };
};

/** The folder of one run. Everything but the NDJSON lines is written atomically; those never disturb the run. */
export type Results = {
  readonly run: string;
  readonly paths: ResultsPaths;
  /** Of recorded devices. */
  readonly flights: FlightLog;
  writeConfig(text: string): Promise<void>;
  readConfig(): Promise<string>;
  /**
   * Resumed runs: drops the lines after the checkpoint's round, which will come again. Lines of events that arrive
   * meanwhile wait in memory, so that it may be called, and awaited, as soon as the round is known.
   * Rejects with CHECKPOINT when the lines there are cannot be read or rewritten.
   */
  cutAfter(round: number): Promise<void>;
  /** A line for each round and epoch, handed to the system within a second, and at checkpoints. */
  observe(event: RunEvent): void;
  writeSummary(summary: Summary): Promise<void>;
  close(): Promise<void>;
};

export type ResultsOptions = {
  readonly resume?: boolean;
  /** Called once for each file whose lines cannot be written. */
  readonly warn?: (text: string) => void;
  /** Cap of the flight log, in bytes; default 16 MB. */
  readonly flightBytes?: number;
};

/**
 * Makes `root`/`run`, or takes it up again. A name stands for exactly that folder. An origin stands for a folder that does not
 * exist yet: `…`, `…-2`, `…-3`. They are made, not looked for, so that two runs started in the same second get two folders.
 * Rejects with CONFIG when the folder exists, cannot be made or the name is none. Rejects with CHECKPOINT when there is
 * nothing to resume or a file in it cannot be written.
 */
export const openResults = async (
  root: string,
  run: string | RunOrigin,
  { resume = false, warn = () => undefined, flightBytes = 16e6 }: ResultsOptions = {},
): Promise<Results> => {
  const name = resume ? await checkResumable(root, run) : await makeFolder(root, run);
  const paths = resultsPaths(root, name);
  const rounds = lineWriter(paths.rounds, warn);
  const epochs = lineWriter(paths.epochs, warn);
  const flights = openFlightLog(paths.flights, { maxBytes: flightBytes, warn });
  if (!resume) await Promise.all([rounds.open(), epochs.open()]);

  return {
    run: name,
    paths,
    flights,
    writeConfig: (text) => explained(paths.config, writeAtomically(paths.config, text)),
    readConfig: () => readFile(paths.config, 'utf8'),
    async cutAfter(round) {
      await Promise.all([rounds.cut(round), epochs.cut(round), flights.cutAfter(round)]);
    },
    observe(event) {
      switch (event.type) {
        case 'round':
          flights.append(event.round, event.flights);
          return rounds.append(event.round, roundLine(event));
        case 'epoch':
          return epochs.append(event.round, epochLine(event));
        case 'checkpoint':
        case 'run-finished':
          void rounds.flush();
          void epochs.flush();
          void flights.flush();
          return;
        case 'run-started':
        case 'host-lost':
        case 'host-restored':
        case 'coordinator-lost':
        case 'coordinator-restored':
        case 'checkpoint-failed':
        case 'checkpoint-refused':
          return;
        default:
          event satisfies never;
      }
    },
    writeSummary: (summary) => explained(paths.summary, writeAtomically(paths.summary, `${JSON.stringify(summary, null, 2)}\n`)),
    async close() {
      await Promise.all([rounds.close(), epochs.close(), flights.close()]);
    },
  };
};

/** Lines of rising rounds; a round at or before the last one is already there. A resumed file opens when it is cut. */
const lineWriter = (path: string, warn: (text: string) => void) => {
  let file: NdjsonFile | undefined;
  let opening: Promise<void> | undefined;
  let waiting: { readonly round: number; readonly line: object }[] = [];
  let last = 0;
  const append = (round: number, line: object): void => {
    if (!file) {
      waiting.push({ round, line });
    } else if (round > last) {
      last = round;
      file.append(line);
    }
  };
  const openAfter = async (cut: Promise<number>): Promise<void> => {
    last = await cut;
    file = await explained(path, openNdjson(path, { warn }));
    for (const { round, line } of waiting) append(round, line);
    waiting = [];
  };
  const start = (cut: Promise<number>): Promise<void> => {
    opening = openAfter(cut);
    return opening;
  };
  return {
    append,
    open: () => start(Promise.resolve(0)),
    cut: (round: number) => start(truncateNdjson(path, round)),
    flush: async () => file?.flush(),
    async close(): Promise<void> {
      // The caller that opened it knows if that failed.
      await opening?.catch(() => undefined);
      await file?.close();
    },
  };
};

const explained = async <T>(place: string, writing: Promise<T>, code: 'CONFIG' | 'CHECKPOINT' = 'CHECKPOINT'): Promise<T> => {
  try {
    return await writing;
  } catch (error) {
    throw new MetafleetError(code, `${place}: cannot be written: ${messageOf(error)}${whatToDo(error)}`, { cause: error });
  }
};

const makeFolder = async (root: string, run: string | RunOrigin): Promise<string> => {
  const wanted = typeof run === 'string' ? checkRunName(run) : defaultRunName(run);
  await explained(root, mkdir(root, { recursive: true }), 'CONFIG');
  for (let attempt = 1; ; attempt++) {
    const name = attempt === 1 ? wanted : `${wanted}-${attempt}`;
    try {
      await mkdir(join(root, name));
      return name;
    } catch (error) {
      const exists = (error as NodeJS.ErrnoException).code === 'EEXIST';
      if (!exists) throw new MetafleetError('CONFIG', `${join(root, name)}: cannot be made: ${messageOf(error)}`, { cause: error });
      if (typeof run === 'string') {
        throw badInput('CONFIG', join(root, name), 'a run name not used yet', 'a folder of that name (to continue it: --resume)');
      }
    }
  }
};

const checkResumable = async (root: string, run: string | RunOrigin): Promise<string> => {
  if (typeof run !== 'string') throw badInput('CONFIG', 'resume', 'the name of a run', 'none');
  const paths = resultsPaths(root, checkRunName(run));
  const needed = [
    [paths.folder, 'the results folder of a run'],
    [paths.config, "the run's config"],
    [paths.checkpoints.last, "the run's checkpoint"],
  ] as const;
  for (const [path, expected] of needed) {
    await stat(path).catch((error: NodeJS.ErrnoException) => {
      throw badInput('CHECKPOINT', path, expected, error.code === 'ENOENT' ? 'nothing' : messageOf(error));
    });
  }
  return run;
};

const trafficColumns = (traffic: Traffic): Record<'bytesDown' | 'bytesUp' | 'messages', number> => {
  const { down, up } = bytesOf(traffic);
  return { bytesDown: down, bytesUp: up, messages: traffic.reduce((sum, row) => sum + row.messages, 0) };
};

/** One line of rounds.ndjson: flat, so that any table reader takes it. Milliseconds and bytes. */
const roundLine = (event: RoundFinished): Record<string, number | boolean> => {
  return {
    round: event.round,
    epoch: event.epoch,
    cohort: event.cohort,
    ratings: event.ratings,
    loss: event.loss,
    gradientNorm: event.gradientNorm,
    clipped: event.clipped,
    ...trafficColumns(event.traffic),
    millis: event.millis,
    ...Object.fromEntries(PHASES.map((phase) => [`millis${phase[0]!.toUpperCase()}${phase.slice(1)}`, event.phases[phase]])),
    ...spreadColumns('deviceMillis', event.deviceMillis),
    retries: event.retries,
    ...outcomeColumns(event),
    cpuMillis: event.cpuMillis,
  };
};

/** Median and maximum; 0 of none. */
const spreadColumns = (name: string, values: readonly number[]): Record<string, number> => {
  const isEmpty = values.length === 0;
  const most = values.reduce((max, value) => Math.max(max, value), 0);
  return { [`${name}P50`]: isEmpty ? 0 : median(values), [`${name}Max`]: most };
};

/** Seconds of virtual time, and joules. */
const virtualColumns = ({ start, end, latencies, profiles }: VirtualRound): Record<string, number> => ({
  virtualSeconds: end - start,
  ...spreadColumns('virtualLatency', latencies),
  energy: profiles.reduce((sum, { energy }) => sum + energy, 0),
});

const sumOf = (causes: Readonly<Record<string, number>>): number => Object.values(causes).reduce((sum, devices) => sum + devices, 0);

/** What became of the devices; with a fleet, in how many virtual seconds. */
const outcomeColumns = ({
  outcomes: { assigned, trained, refused, dropped, rejected, late },
  virtual,
}: RoundFinished): Record<string, number> => ({
  assigned,
  trained,
  refused: sumOf(refused),
  dropped: sumOf(dropped),
  rejected: sumOf(rejected),
  late,
  ...(virtual === null ? {} : virtualColumns(virtual)),
});

/** One line of epochs.ndjson. Bytes and messages are the evaluation's own. */
const epochLine = (event: EpochFinished): Record<string, number | boolean | null> => ({
  epoch: event.epoch,
  round: event.round,
  trainLoss: event.trainLoss,
  ...metricColumns('valid', event.valid.metrics),
  ...metricColumns('test', event.test.metrics),
  ...Object.assign({}, ...event.groups.map(({ group, test }) => metricColumns('test', test.metrics, group))),
  best: event.best,
  ...(event.virtualTime === null ? {} : { virtualTime: event.virtualTime }),
  ...trafficColumns(event.traffic),
  millis: event.millis,
});
