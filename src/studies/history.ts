import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { badInput } from '../base/errors.js';
import type { MetricValues } from '../events/evaluation.js';
import { isBetter } from '../metrics/metric.js';
import { metricOf } from '../metrics/registry.js';
import { metricValuesIn } from '../runs/folder/metric-columns.js';
import type { StoredLine } from '../runs/folder/stored-run.js';

/** What a run folder tells of its epochs, and what they had cost until then. */
export type EpochPoint = {
  readonly epoch: number;
  readonly round: number;
  readonly valid: MetricValues;
  readonly test: MetricValues;
};

/** Sums from the first round on: training bytes as encoded, and wall time with and without the measurements. */
export type CostPoint = {
  readonly bytesDown: number;
  readonly bytesUp: number;
  readonly trainMillis: number;
  readonly wallMillis: number;
  /** Processor time of all threads; 0 where a run did not note it. */
  readonly cpuMillis: number;
};

type EpochLine = Readonly<Record<'epoch' | 'round' | 'millis', number>> & StoredLine;

/** A run that is still going on, or died, may leave half a last line. */
const parseLine = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const epochLines = (folder: string): readonly EpochLine[] => {
  const path = join(folder, 'epochs.ndjson');
  if (!existsSync(path)) throw badInput('CHECKPOINT', path, 'the epochs of a run', 'nothing');
  return readFileSync(path, 'utf8')
    .split('\n')
    .map(parseLine)
    .filter((line) => line !== undefined) as EpochLine[];
};

const pointOf = (line: EpochLine): EpochPoint => ({
  epoch: line.epoch,
  round: line.round,
  valid: metricValuesIn(line, 'valid'),
  test: metricValuesIn(line, 'test'),
});

/** The measured epochs of a run, in order. Throws CHECKPOINT where there are none to read. */
export const readEpochs = (folder: string): readonly EpochPoint[] => epochLines(folder).map(pointOf);

type RoundLine = {
  readonly round: number;
  readonly bytesDown: number;
  readonly bytesUp: number;
  readonly millis: number;
  readonly cpuMillis?: number;
};

/** The same with what each had cost. Streams the rounds: those of the authors' regime take 80 MB. */
export const readEpochsWithCosts = async (folder: string): Promise<readonly (EpochPoint & CostPoint)[]> => {
  const epochs = epochLines(folder);
  const points: (EpochPoint & CostPoint)[] = [];
  const sum = { bytesDown: 0, bytesUp: 0, trainMillis: 0, cpuMillis: 0 };
  let measuring = 0;
  const pass = (round: number): void => {
    while (points.length < epochs.length && epochs[points.length]!.round < round) {
      const line = epochs[points.length]!;
      measuring += line.millis;
      points.push({ ...pointOf(line), ...sum, wallMillis: sum.trainMillis + measuring });
    }
  };
  const path = join(folder, 'rounds.ndjson');
  if (!existsSync(path)) throw badInput('CHECKPOINT', path, 'the rounds of a run', 'nothing');
  let last = 0;
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    const line = parseLine(text) as RoundLine | undefined;
    if (line === undefined) continue;
    pass(line.round);
    sum.bytesDown += line.bytesDown;
    sum.bytesUp += line.bytesUp;
    sum.trainMillis += line.millis;
    sum.cpuMillis += line.cpuMillis ?? 0;
    last = line.round;
  }
  pass(last + 1);
  return points;
};

/** The best epoch so far by a metric of the validation part, epoch by epoch: what early stopping would keep there. */
export const bestSoFar = <T extends EpochPoint>(epochs: readonly T[], metric: string): readonly T[] => {
  const known = metricOf(metric);
  let best: T | undefined;
  return epochs.map((point) => {
    if (best === undefined || isBetter(known, point.valid[metric] ?? null, best.valid[metric] ?? null)) best = point;
    return best;
  });
};
