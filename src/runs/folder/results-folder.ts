import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { badInput, MetafleetError, messageOf } from '../../base/errors.js';
import type { EpochFinished } from '../../events/evaluation.js';
import type { RunEvent } from '../../events/run-event.js';
import { explained, writeAtomically } from './atomic-write.js';
import { type FlightLog, openFlightLog } from './flight-log.js';
import { createLineWriter } from './lines/line-writer.js';
import { roundLine, trafficColumns } from './lines/round-line.js';
import { metricColumns } from './metric-columns.js';
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
  const rounds = createLineWriter(paths.rounds, warn);
  const epochs = createLineWriter(paths.epochs, warn);
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
