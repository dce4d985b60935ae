import type { Algorithm } from '../algorithms/port/algorithm.js';
import { trainingDevices, type World } from '../algorithms/port/definition.js';
import type { ServerHalf } from '../algorithms/port/server.js';
import { badInput } from '../base/errors.js';
import { random } from '../base/random.js';
import type { DeviceId } from '../base/units.js';
import type { RoundFinished } from '../events/round.js';
import { NO_SERVER_STEPS, type ServerSteps } from '../updates/server-steps.js';
import type { Aggregator } from './aggregation/aggregator.js';
import { createTakeUpdates } from './aggregation/take-updates.js';
import { type CheckpointFile, checkpointFile, readCheckpoint, readWeights } from './checkpoint/checkpoint.js';
import { digestOf } from './checkpoint/digest.js';
import { packRoundState, unpackRoundState } from './checkpoint/round-state.js';
import { checkServerState, parseSaved } from './checkpoint/saved-state.js';
import { type ActivityGroups, groupByActivity } from './evaluation/activity-groups.js';
import { type Evaluation, evaluate } from './evaluation/evaluate.js';
import { type FleetScores, generateModels, scoreFleet } from './evaluation/inspect.js';
import { createLedger } from './privacy/ledger.js';
import type { Devices } from './round/devices.js';
import { askedIn } from './round/policy.js';
import type { RoundContext } from './round/round.js';
import { type MakeSampler, samplerNamed } from './sampling/registry.js';
import type { CheckIn, Sampler } from './sampling/sampler.js';
import { createSaving, type Saved, type SaveOptions } from './saving.js';
import { createSecureSums } from './secure/secure-phase.js';
import { layoutOf } from './secure/settings.js';
import type { RoundSettings } from './settings.js';
import { createTraining, type Progress, persist } from './training.js';

/** The coordinator actor: it owns Θ, runs rounds, measures and saves. Its methods are called one at a time, except `interrupt`. */
export type Coordinator = {
  readonly parameters: number;
  readonly kernels: ServerHalf['kernels'];
  /** Runs the rounds after the last one, up to and including `until`, or fewer if it is interrupted. */
  train(until: number): Promise<Progress>;
  /** Ends `train` after its present round. */
  interrupt(): void;
  evaluate(): Promise<Evaluation>;
  digest(): string;
  /**
   * Saves Θ as it is now, and resolves when the file is there. null: held. Rejects with CHECKPOINT.
   * Rounds need not wait for that. A call of `train` meanwhile loses only the time to copy Θ.
   */
  save(path: string, run: unknown, options: SaveOptions): Promise<Saved | null>;
  /** Writes the copy that `save` holds for this path. null: there is none. Rejects with CHECKPOINT. */
  saveHeld(path: string): Promise<Saved | null>;
  /** Takes Θ, optimizer and round from a checkpoint. Returns the run's state that was saved with it. */
  restore(path: string): { readonly round: number; readonly run: unknown };
  /** Takes Θ alone from a last or a best checkpoint: enough to measure and to generate, not to continue. */
  restoreWeights(path: string): { readonly round: number };
  /** Error sums device by device. */
  scoreFleet(): Promise<FleetScores>;
  /** Φ_u of each device (distinct, ascending), with these rows of the item tensors. */
  models(devices: readonly DeviceId[], rows: Uint32Array): readonly (readonly Float32Array[])[];
  close(): Promise<void>;
};

export type CoordinatorOptions = {
  readonly algorithm: Algorithm;
  readonly server: ServerHalf;
  readonly world: World;
  readonly devices: Devices;
  readonly settings: RoundSettings;
  /** Training ratings by device. The counts are complete when the first round runs. */
  readonly activity: Uint32Array;
  readonly aggregator: Aggregator;
  readonly emit: (event: RoundFinished) => void;
  /** How devices check in if a fleet is simulated. Without it, every device is there. */
  readonly checkIn?: CheckIn;
  /** Server halves of update steps. Default: none. */
  readonly steps?: ServerSteps;
  /** Default: the built-in sampler that the settings name. */
  readonly sampler?: MakeSampler;
};

/** The sampler is created at its first use: only then is `activity` complete. */
const createContext = (options: CoordinatorOptions, beforeStep: () => Promise<void>): RoundContext => {
  const {
    algorithm,
    server,
    world,
    devices,
    settings,
    activity,
    aggregator,
    checkIn = () => 'charging',
    steps = NO_SERVER_STEPS,
  } = options;
  const { privacy = null } = settings;
  const trained = trainingDevices(world);
  let sampler: Sampler | undefined;
  return {
    algorithm,
    server,
    devices,
    settings,
    items: world.items,
    dtype: settings.dtype,
    world,
    steps,
    secure:
      settings.secure == null
        ? null
        : createSecureSums(settings.secure, layoutOf(settings.secure, algorithm.wire.up, world.items), (round) =>
            random(settings.seed, 'neighbours', round),
          ),
    ledger: privacy === null ? null : createLedger(privacy, world.devices),
    takeUpdates: createTakeUpdates(algorithm, server, world.items, aggregator, steps),
    beforeStep,
    get sampler() {
      sampler ??= (options.sampler ?? samplerNamed(settings.sampler))({
        cohort: askedIn(settings.policy, settings.cohort, 0),
        roundsPerEpoch: settings.roundsPerEpoch,
        activity: activity.subarray(0, trained),
        devices: trained,
        checkIn,
        random: (...keys) => random(settings.seed, ...keys),
      });
      return sampler;
    },
  };
};

/** An update of an earlier round goes back through the model of its context, which nobody keeps. */
const refuseBufferedContext = ({ name, wire: { context = [] } }: Algorithm, { policy }: RoundSettings): void => {
  if (policy.kind === 'buffered' && context.length > 0)
    throw badInput(
      'CONFIG',
      'key policy.kind',
      `another than buffered, as devices of ${name} send a context before each model`,
      policy.kind,
    );
};

/** Throws CONFIG for a round policy that the algorithm cannot have. */
export const createCoordinator = (options: CoordinatorOptions): Coordinator => {
  const { algorithm, server, world, settings, activity, emit } = options;
  refuseBufferedContext(algorithm, settings);
  const saving = createSaving();
  const context = createContext(options, saving.copied);
  const training = createTraining({ context, settings, devices: trainingDevices(world), emit });
  let groups: ActivityGroups | undefined;

  /** Θ, to be read or written. */
  const settled = (): ServerHalf['tensors'] => {
    server.settle();
    return server.tensors;
  };
  const contentOf = (run: unknown, weightsOnly: boolean): CheckpointFile => {
    const { state, rounds } = training;
    const optimizer = server.state();
    const handedOn = weightsOnly ? {} : { roundState: packRoundState(rounds, context) };
    return checkpointFile({
      ...{ algorithm: settings.identity, round: state.round, optimizer, run: { state, run }, weightsOnly, tensors: settled() },
      ...handedOn,
    });
  };

  return {
    parameters: server.tensors.reduce((sum, tensor) => sum + tensor.bytes().length / 4, 0),
    kernels: server.kernels,
    train: training.train,
    interrupt: training.interrupt,
    evaluate: async () => {
      const known = groups ?? groupByActivity(activity);
      groups = known;
      const now = settings.fleet === null ? null : training.rounds.now;
      return (await persist(() => evaluate(context, training.state.round, world.devices, known, now))).result;
    },
    digest: () => digestOf(settled()),
    save: (path, run, save) => saving.save(path, training.state.round, save, () => contentOf(run, save.weightsOnly)),
    saveHeld: saving.saveHeld,
    restore: (path) => {
      const { optimizer, run, round, roundState } = readCheckpoint(path, settings.identity, settled());
      const saved = parseSaved(run, round, path);
      checkServerState(optimizer, server.state(), path);
      server.restore(optimizer);
      const facts = { ...world, profiles: settings.fleet?.profiles.length ?? 0, tensors: algorithm.wire.up, round };
      training.takeUp(saved.state);
      if (roundState.length > 0) training.takeUp(saved.state, unpackRoundState(roundState, facts, context, path));
      return { round, run: saved.run };
    },
    restoreWeights: (path) => {
      const { run, round } = readWeights(path, settings.identity, settled());
      training.takeUp(parseSaved(run, round, path).state);
      return { round };
    },
    scoreFleet: async () => (await persist(() => scoreFleet(context, training.state.round, world.devices))).result,
    models: (asked, rows) => generateModels(context, asked, rows),
    close: async () => {
      await saving.close();
      await server.close();
    },
  };
};
