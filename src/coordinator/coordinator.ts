import type { Algorithm, ServerHalf, World } from '../algorithms/algorithm.js';
import { isMetafleetError } from '../base/errors.js';
import { type Bytes, bytes, type DeviceId, type Millis, millis } from '../base/units.js';
import { type ActivityGroups, groupByActivity } from './activity-groups.js';
import { readCheckpoint, readWeights, writeCheckpoint } from './checkpoint.js';
import type { Devices } from './devices.js';
import { digestOf } from './digest.js';
import { type Evaluation, evaluate } from './evaluate.js';
import type { RoundFinished } from './events.js';
import { type FleetScores, generateModels, scoreFleet } from './inspect.js';
import { type RoundContext, runRound } from './round.js';
import { createSampler, type Sampler } from './sampling.js';
import type { RoundSettings } from './settings.js';

/** The coordinator actor: owns Θ, runs rounds, measures, saves. Its methods are called one at a time, but for `interrupt`. */
export type Coordinator = {
  readonly parameters: number;
  readonly kernels: ServerHalf['kernels'];
  /** Runs rounds after the last one run, up to and including `until`; fewer if interrupted. */
  train(until: number): Promise<Progress>;
  /** Ends `train` after the round it is in. */
  interrupt(): void;
  evaluate(): Promise<Evaluation>;
  digest(): string;
  save(path: string, run: unknown, weightsOnly: boolean): Saved;
  /** Takes up Θ, optimizer and round of a checkpoint; returns the run's state as it was saved with it. */
  restore(path: string): { readonly round: number; readonly run: unknown };
  /** Takes up Θ alone, of a last or a best checkpoint: enough to measure and to generate, not to continue. */
  restoreWeights(path: string): { readonly round: number };
  /** Error sums device by device. */
  scoreFleet(): Promise<FleetScores>;
  /** Φ_u of each device (distinct, ascending), with these rows of the item tensors. */
  models(devices: readonly DeviceId[], rows: Uint32Array): readonly (readonly Float32Array[])[];
  close(): Promise<void>;
};

/** What `train` did: `ran` rounds, up to `round`. `loss` is the mean over the ratings of the epoch so far. */
export type Progress = { readonly round: number; readonly ran: number; readonly loss: number };
export type Saved = { readonly bytes: Bytes; readonly millis: Millis; readonly round: number };

/** Rounds run, and the sums behind the epoch's mean loss. */
type State = { readonly round: number; readonly lossSum: number; readonly ratings: number };

export type CoordinatorOptions = {
  readonly algorithm: Algorithm;
  readonly server: ServerHalf;
  readonly world: World;
  readonly devices: Devices;
  readonly settings: RoundSettings;
  /** Training ratings by device, complete when the first round is run. */
  readonly activity: Uint32Array;
  readonly emit: (event: RoundFinished) => void;
};

export const createCoordinator = (options: CoordinatorOptions): Coordinator => {
  const { algorithm, server, world, devices, settings, activity, emit } = options;
  let sampler: Sampler | undefined;
  const context: RoundContext = {
    algorithm,
    server,
    devices,
    settings,
    items: world.items,
    dtype: settings.dtype,
    sampler: (number) => {
      sampler ??= createSampler({ ...settings, activity });
      return sampler(number);
    },
  };
  let state: State = { round: 0, lossSum: 0, ratings: 0 };
  let interrupted = false;
  let groups: ActivityGroups | undefined;

  const kernelBytes = (): Bytes => {
    const memories = new Set(server.parameters.map(({ arena }) => arena.memory.buffer));
    return bytes(Array.from(memories).reduce((sum, { byteLength }) => sum + byteLength, 0));
  };

  /** A round whose host died is run again on the hosts that took its place: Θ has not changed since it began. */
  const persist = async <T>(work: () => Promise<T>): Promise<{ result: T; retries: number }> => {
    for (let retries = 0; ; retries++) {
      try {
        return { result: await work(), retries };
      } catch (error) {
        if (!isMetafleetError(error, 'HOST_LOST')) throw error;
      }
    }
  };

  return {
    parameters: server.parameters.reduce((sum, { blocks, size }) => sum + blocks * size, 0),
    kernels: server.kernels,
    train: async (until) => {
      interrupted = false;
      const before = state.round;
      while (state.round < until && !interrupted) {
        const { result, retries } = await persist(() => runRound(context, state.round + 1));
        const first = state.round % settings.roundsPerEpoch === 0;
        state = {
          round: state.round + 1,
          lossSum: (first ? 0 : state.lossSum) + result.loss * result.ratings,
          ratings: (first ? 0 : state.ratings) + result.ratings,
        };
        emit({ ...result, retries, kernelBytes: kernelBytes() });
      }
      return { round: state.round, ran: state.round - before, loss: state.lossSum / Math.max(1, state.ratings) };
    },
    interrupt: () => {
      interrupted = true;
    },
    evaluate: async () => {
      const known = groups ?? groupByActivity(activity);
      groups = known;
      return (await persist(() => evaluate(context, state.round, world.devices, known))).result;
    },
    digest: () => digestOf(server.parameters),
    save: (path, run, weightsOnly) => {
      const start = performance.now();
      const { parameters } = server;
      const content = { algorithm: algorithm.name, optimizer: server.state(), run: { state, run }, weightsOnly, parameters };
      return { bytes: writeCheckpoint(path, content), millis: millis(performance.now() - start), round: state.round };
    },
    restore: (path) => {
      const { optimizer, run } = readCheckpoint(path, algorithm.name, server.parameters);
      const saved = run as { state: State; run: unknown };
      server.restore(optimizer);
      state = saved.state;
      return { round: state.round, run: saved.run };
    },
    restoreWeights: (path) => {
      state = (readWeights(path, algorithm.name, server.parameters) as { state: State }).state;
      return { round: state.round };
    },
    scoreFleet: async () => (await persist(() => scoreFleet(context, state.round, world.devices))).result,
    models: (asked, rows) => generateModels(context, asked, rows),
    close: () => server.close(),
  };
};
