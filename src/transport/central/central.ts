import { processorTime } from '../../base/clock.js';
import { bytes, millis } from '../../base/units.js';
import { bytesOf } from '../../base/views.js';
import { type CheckpointFile, checkpointFile, readCheckpoint } from '../../coordinator/checkpoint/checkpoint.js';
import { digestOf } from '../../coordinator/checkpoint/digest.js';
import { parseSaved, type TrainingState } from '../../coordinator/checkpoint/saved-state.js';
import type { Coordinator } from '../../coordinator/coordinator.js';
import { createSaving } from '../../coordinator/saving.js';
import type { Progress } from '../../coordinator/training.js';
import type { Dataset } from '../../data/dataset.js';
import type { MeasureOptions } from '../../device/actor/measure.js';
import type { RoundFinished } from '../../events/round.js';
import type { Model } from '../../models/port/definition.js';
import { createEpochs } from '../../models/port/epoch.js';
import type { ModelTensor } from '../../models/port/tensors.js';
import { createModelMeasure } from './measure-model.js';

/**
 * Trains a central model as the coordinator trains a fleet, so that runs need not know which of them they have.
 * A round is an epoch. Nobody is asked, and nothing is sent.
 */
export type Central = Pick<Coordinator, 'evaluate' | 'digest' | 'save' | 'saveHeld' | 'restore' | 'close'> & {
  readonly parameters: number;
  /** Runs the epochs after the last one, up to and including `until`. */
  train(until: number): Promise<Progress & { readonly rounds: readonly RoundFinished[] }>;
  predict(user: number, items: Uint32Array): Promise<Float32Array>;
};

export type CentralOptions = {
  readonly model: Model;
  readonly dataset: Dataset;
  readonly seed: number;
  /** What the run's definitions are, for its checkpoints. */
  readonly identity: string;
  readonly measure: MeasureOptions;
  readonly kernelBytes: () => number;
};

const named = ({ name, values, state }: ModelTensor) => ({
  name,
  bytes: () => bytesOf(values),
  state: state.map((kept) => ({ name: kept.name, bytes: () => bytesOf(kept.values) })),
});

const NO_PHASES = { sample: millis(0), generate: millis(0), devices: millis(0), backward: millis(0), step: millis(0) };
const NO_OUTCOMES = { assigned: 0, carried: 0, trained: 0, refused: {}, dropped: {}, rejected: {}, late: 0, inFlight: 0 };

/** An epoch as an event: what belongs to devices and messages is empty. */
const epochEvent = (
  round: number,
  ratings: number,
  loss: number,
  spent: { millis: number; cpuMillis: number; kernelBytes: number },
): RoundFinished => ({
  type: 'round',
  round,
  epoch: round,
  cohort: 0,
  ratings,
  loss,
  gradientNorm: Number.NaN,
  clipped: false,
  traffic: [],
  millis: millis(spent.millis),
  phases: { ...NO_PHASES, step: millis(spent.millis) },
  deviceMillis: [],
  activated: 0,
  evicted: 0,
  residentModels: 0,
  residentBytes: bytes(0),
  retries: 0,
  cpuMillis: millis(spent.cpuMillis),
  outcomes: NO_OUTCOMES,
  duplicates: 0,
  rejections: [],
  staleness: [],
  virtual: null,
  privacy: null,
  queueMillis: { down: [], up: [] },
  threads: {
    coordinator: { lagMillis: millis(0), gcMillis: millis(0), heapBytes: bytes(process.memoryUsage().heapUsed) },
    host: { lagMillis: millis(0), gcMillis: millis(0), heapBytes: bytes(0) },
  },
  kernelBytes: bytes(spent.kernelBytes),
  flights: [],
  map: { asked: new Uint32Array(0), answered: new Uint32Array(0) },
});

export const createCentral = ({ model, dataset, seed, identity, measure, kernelBytes }: CentralOptions): Central => {
  const { train } = dataset.parts;
  const epochs = createEpochs(seed, train);
  const saving = createSaving();
  const measured = createModelMeasure(model, dataset, measure);
  const tensors = model.tensors.map(named);
  let state: TrainingState = { round: 0, lossSum: 0, ratings: 0 };

  const learn = async (number: number): Promise<number> => {
    if (model.epoch !== undefined) return model.epoch(epochs(number));
    return (await model.fit?.()) ?? Number.NaN;
  };
  const runEpoch = async (): Promise<RoundFinished> => {
    const [start, computed] = [performance.now(), processorTime()];
    await saving.copied();
    const round = state.round + 1;
    const loss = await learn(round);
    state = { round, lossSum: Number.isFinite(loss) ? loss * train.items.length : 0, ratings: train.items.length };
    const spent = { millis: performance.now() - start, cpuMillis: processorTime() - computed, kernelBytes: kernelBytes() };
    return epochEvent(round, train.items.length, loss, spent);
  };
  const contentOf = (run: unknown, weightsOnly: boolean): CheckpointFile =>
    checkpointFile({ algorithm: identity, round: state.round, optimizer: null, run: { state, run }, weightsOnly, tensors });

  return {
    parameters: model.tensors.reduce((sum, { values }) => sum + values.length, 0),
    train: async (until) => {
      const rounds: RoundFinished[] = [];
      while (state.round < until) rounds.push(await runEpoch());
      return { round: state.round, ran: rounds.length, loss: rounds.at(-1)?.loss ?? Number.NaN, isOver: false, isSpent: false, rounds };
    },
    evaluate: async () => {
      const start = performance.now();
      const scores = await measured.all();
      return { ...scores, virtualTime: null, traffic: [], millis: millis(performance.now() - start) };
    },
    digest: () => digestOf(tensors),
    save: (path, run, save) => saving.save(path, state.round, save, () => contentOf(run, save.weightsOnly)),
    saveHeld: saving.saveHeld,
    restore: (path) => {
      const { run, round } = readCheckpoint(path, identity, tensors);
      const saved = parseSaved(run, round, path);
      state = saved.state;
      return { round, run: saved.run };
    },
    predict: async (user, items) => {
      await model.prepare?.();
      const out = new Float32Array(items.length);
      model.scores(user, items, out);
      return out;
    },
    close: async () => {
      await saving.close();
      await model.close?.();
    },
  };
};
