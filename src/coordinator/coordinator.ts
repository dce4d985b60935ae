import type { Algorithm } from '../algorithms/port/algorithm.js';
import type { World } from '../algorithms/port/definition.js';
import type { ServerHalf } from '../algorithms/port/server.js';
import { processorTime } from '../base/clock.js';
import { badInput, isMetafleetError } from '../base/errors.js';
import { random } from '../base/random.js';
import { type Bytes, bytes, type DeviceId, type Millis, millis } from '../base/units.js';
import type { RoundFinished } from '../events/round.js';
import type { Aggregator } from './aggregation/aggregator.js';
import { createTakeUpdates } from './aggregation/take-updates.js';
import { checkpointFile, readCheckpoint, readWeights } from './checkpoint/checkpoint.js';
import { createCheckpointWriter } from './checkpoint/checkpoint-writer.js';
import { digestOf } from './checkpoint/digest.js';
import { packRoundState, unpackRoundState } from './checkpoint/round-state.js';
import { type ActivityGroups, groupByActivity } from './evaluation/activity-groups.js';
import { type Evaluation, evaluate } from './evaluation/evaluate.js';
import { type FleetScores, generateModels, scoreFleet } from './evaluation/inspect.js';
import type { Devices } from './round/devices.js';
import { askedIn } from './round/policy.js';
import { FIRST_STATE, type RoundContext, type RoundState, runRound } from './round/round.js';
import { type MakeSampler, samplerNamed } from './sampling/registry.js';
import type { CheckIn, Sampler } from './sampling/sampler.js';
import type { RoundSettings } from './settings.js';
import { type Load, loadAt } from './stages.js';

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
  /**
   * Saves Θ as it is when this is called, and resolves when the file is there. Rounds need not wait for that: whoever calls
   * `train` meanwhile loses no more than the time that Θ takes to be copied. null: held. Rejects with CHECKPOINT.
   */
  save(path: string, run: unknown, options: SaveOptions): Promise<Saved | null>;
  /** Writes what `save` was told to hold; null where there is nothing. Rejects with CHECKPOINT. */
  saveHeld(path: string): Promise<Saved | null>;
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

/** What `train` did: `ran` rounds, up to `round`. `loss` is the mean over the ratings of the epoch so far; `isOver`: the stages have ended. */
export type Progress = { readonly round: number; readonly ran: number; readonly loss: number; readonly isOver: boolean };
export type SaveOptions = {
  /** Without the optimizer's moments: enough to predict, not to continue. */
  readonly weightsOnly: boolean;
  /** How many files of that name are kept, the new one included. */
  readonly keep: number;
  /**
   * Only copied for now, one copy for each path, beside the file or, where the disk takes none, in memory: `saveHeld` makes the file. A model
   * that a better one follows at once then costs the copy alone.
   */
  readonly hold: boolean;
  /**
   * A file without which this one is not written: where the last save of it failed, this one fails too. Who goes on from a state
   * that speaks of a file would else lack that file for good.
   */
  readonly after?: string;
};

/** `millis` from the call to the file; `waited` is how long rounds had to wait for it. */
export type Saved = { readonly bytes: Bytes; readonly millis: Millis; readonly waited: Millis; readonly round: number };

/** Rounds run, and the sums behind the epoch's mean loss. */
type State = { readonly round: number; readonly lossSum: number; readonly ratings: number };

const nothing = (): void => {};

const isTree = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What a file says is not believed: a header may be anything, even with a checksum that is right. */
const parseSaved = (value: unknown, round: number, path: string): { state: State; run: unknown } => {
  const { state, run } = isTree(value) ? value : {};
  const { lossSum, ratings, ...rest } = isTree(state) ? state : {};
  if (rest['round'] !== round) throw badInput('CHECKPOINT', `${path}, state`, `the state after round ${round}`, String(rest['round']));
  for (const [name, found] of Object.entries({ lossSum, ratings }))
    if (!Number.isFinite(found)) throw badInput('CHECKPOINT', `${path}, state.${name}`, 'a number', String(found));
  return { state: { round, lossSum: lossSum as number, ratings: ratings as number }, run };
};

const typeOf = (value: unknown): string => {
  if (!isTree(value)) return value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value;
  return Object.values(value).every((child) => typeof child === 'number') ? 'numbers by name' : 'object';
};

/** The optimizer's state has the fields it would have now, each of its type. */
const checkState = (found: unknown, expected: unknown, path: string): void => {
  const shape = (value: unknown): string =>
    isTree(value)
      ? Object.entries(value)
          .map(([key, child]) => `${key}: ${typeOf(child)}`)
          .sort()
          .join(', ')
      : String(value);
  const [has, wants] = [shape(found), shape(expected)];
  if (has !== wants) throw badInput('CHECKPOINT', `${path}, optimizer`, wants, has.slice(0, 200));
};

export type CoordinatorOptions = {
  readonly algorithm: Algorithm;
  readonly server: ServerHalf;
  readonly world: World;
  readonly devices: Devices;
  readonly settings: RoundSettings;
  /** Training ratings by device, complete when the first round is run. */
  readonly activity: Uint32Array;
  readonly aggregator: Aggregator;
  readonly emit: (event: RoundFinished) => void;
  /** How devices check in where a fleet is simulated; without one, everybody is there. */
  readonly checkIn?: CheckIn;
  /** Default: the built-in sampler that the settings name. */
  readonly sampler?: MakeSampler;
};

export const createCoordinator = (options: CoordinatorOptions): Coordinator => {
  const { algorithm, server, world, devices, settings, activity, aggregator, emit } = options;
  let made: Sampler | undefined;
  const sampler = (): Sampler => {
    const cohort = askedIn(settings.policy, settings.cohort, 0);
    const { seed, roundsPerEpoch } = settings;
    made ??= (options.sampler ?? samplerNamed(settings.sampler))({
      ...{ cohort, roundsPerEpoch, activity, devices: world.devices, checkIn: options.checkIn ?? (() => 'charging') },
      random: (...keys) => random(seed, ...keys),
    });
    return made;
  };
  const writer = createCheckpointWriter();
  /** The last save: when Θ may change again, when it is over, and how long a step waited for it. */
  let saving = { copied: Promise.resolve(), over: Promise.resolve(), waited: 0 };
  /** What was to be held of each path: the round of the last copy, and the copies since the last file. */
  const held = new Map<string, { readonly round: number; readonly copies: readonly { readonly waited: number }[] }>();
  /** Paths whose last save failed. */
  const missing = new Set<string>();
  const track = async <T>(path: string, writing: Promise<T>): Promise<T> => {
    try {
      const written = await writing;
      missing.delete(path);
      return written;
    } catch (error) {
      missing.add(path);
      throw error;
    }
  };
  const context: RoundContext = {
    algorithm,
    server,
    devices,
    settings,
    items: world.items,
    dtype: settings.dtype,
    takeUpdates: createTakeUpdates(algorithm, server, world.items, aggregator),
    beforeStep: async () => {
      const start = performance.now();
      await saving.copied;
      saving.waited += performance.now() - start;
    },
    get sampler() {
      return sampler();
    },
  };
  let state: State = { round: 0, lossSum: 0, ratings: 0 };
  let roundState: RoundState = FIRST_STATE;
  let interrupted = false;
  let computed = processorTime();
  /** Since the last call. */
  const computedSince = (): Millis => {
    const before = computed;
    computed = processorTime();
    return millis(computed - before);
  };
  let trainingSince: number | undefined;
  /** What the next round is to be. */
  const nextLoad = (): Load => {
    trainingSince ??= performance.now();
    const wall = (performance.now() - trainingSince) / 1000;
    const { cohort, stages } = settings;
    return loadAt(
      { cohort, stages, devices: world.devices },
      { round: state.round + 1, now: roundState.now, asked: roundState.asked, wall },
    );
  };
  let groups: ActivityGroups | undefined;

  /** Θ, to be read or written. */
  const settled = (): ServerHalf['tensors'] => {
    server.settle();
    return server.tensors;
  };
  const kernelBytes = (): Bytes => {
    const memories = new Set(server.tensors.map((tensor) => tensor.bytes().buffer));
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
    parameters: server.tensors.reduce((sum, tensor) => sum + tensor.bytes().length / 4, 0),
    kernels: server.kernels,
    train: async (until) => {
      interrupted = false;
      const before = state.round;
      let load = nextLoad();
      while (state.round < until && !interrupted && !load.isOver) {
        const { result, retries } = await persist(() => runRound(context, state.round + 1, roundState, load));
        const { event } = result;
        roundState = result.state;
        sampler().learn(event.round, result.asked, result.arrived);
        const first = state.round % settings.roundsPerEpoch === 0;
        state = {
          round: state.round + 1,
          lossSum: (first ? 0 : state.lossSum) + event.loss * event.ratings,
          ratings: (first ? 0 : state.ratings) + event.ratings,
        };
        emit({ ...event, retries, cpuMillis: computedSince(), kernelBytes: kernelBytes() });
        load = nextLoad();
      }
      return { round: state.round, ran: state.round - before, loss: state.lossSum / Math.max(1, state.ratings), isOver: load.isOver };
    },
    interrupt: () => {
      interrupted = true;
    },
    evaluate: async () => {
      const known = groups ?? groupByActivity(activity);
      groups = known;
      return (await persist(() => evaluate(context, state.round, world.devices, known, settings.fleet === null ? null : roundState.now)))
        .result;
    },
    digest: () => digestOf(settled()),
    save: async (path, run, { weightsOnly, keep, hold, after }) => {
      const start = performance.now();
      const { round } = state;
      const optimizer = server.state();
      const handedOn = weightsOnly ? {} : { roundState: packRoundState({ rounds: roundState, sampler: sampler().state() }) };
      const { magic, header, stretches } = checkpointFile({
        ...{ algorithm: settings.identity, round, optimizer, run: { state, run }, weightsOnly, tensors: settled() },
        ...handedOn,
      });
      // What is plain data is taken now; Θ cannot change before it is copied, since the next step waits for that.
      const job = saving.over.then(() => {
        if (after !== undefined && missing.has(after))
          throw badInput('CHECKPOINT', path, `${after} to be written first`, 'that it could not be');
        return writer.write({ path, magic, header, stretches: [...stretches], keep, hold });
      });
      const written = track(
        path,
        job.then((writing) => writing.written),
      );
      const mine = { copied: job.then((writing) => writing.copied, nothing), over: written.then(nothing, nothing), waited: 0 };
      saving = mine;
      if (hold) held.set(path, { round, copies: [...(held.get(path)?.copies ?? []), mine] });
      mine.waited += performance.now() - start;
      const bytes = await written;
      return bytes === null ? null : { bytes, millis: millis(performance.now() - start), waited: millis(mine.waited), round };
    },
    saveHeld: async (path) => {
      const start = performance.now();
      const copied = held.get(path);
      if (copied === undefined) return null;
      const written = track(
        path,
        saving.over.then(() => writer.rewrite(path)),
      );
      saving = { copied: saving.copied, over: written.then(nothing, nothing), waited: 0 };
      const bytes = await written;
      if (held.get(path) === copied) held.delete(path);
      if (bytes === null) return null;
      const waited = copied.copies.reduce((sum, copy) => sum + copy.waited, 0);
      return { bytes, millis: millis(performance.now() - start), waited: millis(waited), round: copied.round };
    },
    restore: (path) => {
      const { optimizer, run, round, roundState: handedOn } = readCheckpoint(path, settings.identity, settled());
      const saved = parseSaved(run, round, path);
      checkState(optimizer, server.state(), path);
      server.restore(optimizer);
      state = saved.state;
      if (handedOn.length > 0) {
        const facts = { ...world, profiles: settings.fleet?.profiles.length ?? 0, tensors: algorithm.wire.up, round };
        roundState = unpackRoundState(handedOn, facts, sampler(), path);
      }
      return { round, run: saved.run };
    },
    restoreWeights: (path) => {
      const { run, round } = readWeights(path, settings.identity, settled());
      state = parseSaved(run, round, path).state;
      return { round: state.round };
    },
    scoreFleet: async () => (await persist(() => scoreFleet(context, state.round, world.devices))).result,
    models: (asked, rows) => generateModels(context, asked, rows),
    close: async () => {
      await saving.over;
      await writer.close();
      await server.close();
    },
  };
};
