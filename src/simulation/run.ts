import { createAlgorithm } from '../algorithms/create.js';
import type { DeviceId } from '../base/units.js';
import { millis } from '../base/units.js';
import type { CheckpointWritten, RunEvent, RunFinished } from '../coordinator/events.js';
import type { Dataset } from '../data/dataset.js';
import type { PrivateColumns } from '../device/columns.js';
import { orDeath } from '../transport/control.js';
import { type Fleet, type PoolSample, startFleet } from '../transport/fleet.js';
import type { Config } from './config.js';
import { dropOtherStates, restoreDeviceStates, saveDeviceStates } from './device-states.js';
import { type BestSoFar, judge, NOTHING_YET, shouldStop } from './early-stopping.js';
import { type Plan, planRun, ratingsIn } from './plan.js';
import { shardDataset } from './shards.js';

/** A run from a configuration and a dataset to a trained Θ. Everything it has to say goes to `onEvent`. */
export type RunOptions = {
  readonly config: Config;
  readonly dataset: Dataset;
  readonly onEvent: (event: RunEvent) => void;
  /** Where checkpoints go; without it, none are written. */
  readonly checkpoints?: { readonly last: string; readonly best: string };
  /** A checkpoint to continue from. */
  readonly resume?: string;
  /** State of observers, plain data, kept with the checkpoint and given back when it is resumed. */
  readonly observers?: { readonly save: () => unknown; readonly restore: (saved: unknown, round: number) => Promise<void> };
  /** Entry of the host threads, for tests of faults. */
  readonly hostEntry?: string;
};

export type Outcome = Pick<RunFinished, 'reason' | 'round' | 'epoch' | 'digest'>;

export type Run = {
  /** Rejects with the first error that cannot be mended; the last checkpoint stays. */
  readonly finished: Promise<Outcome>;
  readonly kernels: 'simd' | 'reference';
  /** Ends the run after the round it is in, with a checkpoint. */
  interrupt(): void;
  /** Ends one of the host threads, as a crash would. */
  killThread(index: number): void;
  predict(device: DeviceId, items: Uint32Array): Promise<Float32Array | null>;
  sample(): PoolSample;
  close(): Promise<void>;
};

/** What a run knows beside the coordinator's own state. */
type RunState = { epochsEnded: number; best: BestSoFar };

type SavedRun = RunState & { readonly devices: string | null; readonly observers: unknown };

type Context = {
  /** Without the dataset: once its shards are made, a large one should not be kept alive by the run. */
  readonly options: Omit<RunOptions, 'dataset'>;
  readonly plan: Plan;
  readonly shards: readonly PrivateColumns[];
  readonly fleet: Fleet;
  readonly state: RunState;
  round: number;
  readonly interrupted: () => boolean;
};

const saveBest = async ({ options, fleet }: Context): Promise<void> => {
  if (options.checkpoints === undefined) return;
  const path = options.checkpoints.best;
  const saved = await orDeath(fleet.coordinator.save(path, null, true), fleet.death);
  options.onEvent({ type: 'checkpoint', path, ...saved } satisfies CheckpointWritten);
};

/** Everything that a resumed run needs to end as this one would have. */
const saveLast = async ({ options, fleet, state, shards, round }: Context): Promise<void> => {
  const { checkpoints, observers, onEvent } = options;
  if (checkpoints === undefined) return;
  const path = checkpoints.last;
  const devices = saveDeviceStates(path, round, shards);
  const run: SavedRun = { ...state, devices, observers: observers?.save() ?? null };
  const saved = await orDeath(fleet.coordinator.save(path, run, false), fleet.death);
  if (devices !== null) dropOtherStates(path, devices);
  onEvent({ type: 'checkpoint', path, ...saved } satisfies CheckpointWritten);
};

/** Measures at the end of an epoch, if it is one to measure at. */
const endEpoch = async (context: Context, epoch: number, trainLoss: number): Promise<void> => {
  const { options, fleet, state, plan } = context;
  const { every } = options.config.evaluation;
  if (every === 0 || (epoch % every !== 0 && context.round < plan.rounds)) {
    state.epochsEnded = epoch;
    return;
  }
  const measured = await orDeath(fleet.coordinator.evaluate(), fleet.death);
  // Not before: a checkpoint of a run that fails while it measures must lead to the measurement again.
  state.epochsEnded = epoch;
  state.best = judge(state.best, epoch, measured.valid);
  const best = state.best.epoch === epoch;
  options.onEvent({ type: 'epoch', epoch, round: context.round, trainLoss, best, virtualTime: null, ...measured });
  if (best && options.config.checkpoint.best) await saveBest(context);
};

const train = async (context: Context): Promise<Outcome['reason']> => {
  const { options, plan, fleet, state } = context;
  const { patience, checkpoint } = options.config;
  let savedAt = performance.now();
  while (context.round < plan.rounds || state.epochsEnded < plan.epochs) {
    if (shouldStop(state.best, patience)) return 'early-stopped';
    if (context.interrupted()) return 'interrupted';
    const epoch = state.epochsEnded + 1;
    const end = Math.min(plan.rounds, epoch * plan.roundsPerEpoch);
    const { round, loss } = await fleet.train(end);
    context.round = round;
    if (round === end) await endEpoch(context, epoch, loss);
    if (checkpoint.every > 0 && performance.now() - savedAt >= checkpoint.every * 60_000) {
      await saveLast(context);
      savedAt = performance.now();
    }
  }
  return 'completed';
};

const restore = async (context: Context): Promise<void> => {
  const { options, fleet, state, shards } = context;
  if (options.resume === undefined) return;
  const { round, run } = await orDeath(fleet.coordinator.restore(options.resume), fleet.death);
  const { observers, devices, ...rest } = run as SavedRun;
  if (typeof devices === 'string') restoreDeviceStates(options.resume, devices, shards);
  Object.assign(state, rest);
  context.round = round;
  await options.observers?.restore(observers, round);
};

const finish = async (context: Context, start: number): Promise<Outcome> => {
  const { options, fleet, plan } = context;
  let reason: Outcome['reason'];
  try {
    reason = await train(context);
  } catch (error) {
    // Θ is as the last finished round left it: what was computed is kept, and the error is the one to tell.
    await saveLast(context).catch(() => {});
    throw error;
  }
  await saveLast(context);
  const digest = await orDeath(fleet.coordinator.digest(), fleet.death);
  const { round } = context;
  const outcome: Outcome = { reason, round, epoch: Math.ceil(round / plan.roundsPerEpoch), digest };
  options.onEvent({ type: 'run-finished', ...outcome, millis: millis(performance.now() - start) });
  return outcome;
};

/** Starts the threads, restores a checkpoint if asked to, and trains in the background. Throws CONFIG or CHECKPOINT before that. */
export const startRun = async (options: RunOptions): Promise<Run> => {
  const start = performance.now();
  const { dataset, ...rest } = options;
  const { config, onEvent } = rest;
  const plan = planRun(config, dataset);
  const { world, threads, settings, host } = plan;
  const { privateState } = createAlgorithm(host.algorithm, world).device;
  const shards = shardDataset(dataset, threads, privateState?.size);
  const ratings = ratingsIn(dataset);
  const fleet = await startFleet({
    coordinator: { algorithm: host.algorithm, world, settings, threads },
    host,
    shards,
    onEvent,
    ...(options.hostEntry === undefined ? {} : { hostEntry: options.hostEntry }),
  });
  let interrupted = false;
  const state: RunState = { epochsEnded: 0, best: NOTHING_YET };
  const context: Context = { options: rest, plan, shards, fleet, state, round: 0, interrupted: () => interrupted };
  try {
    await restore(context);
  } catch (error) {
    await fleet.close();
    throw error;
  }
  const { devices, items } = world;
  const { roundsPerEpoch, epochs, rounds } = plan;
  onEvent({
    type: 'run-started',
    devices,
    items,
    parameters: fleet.parameters,
    ratings,
    roundsPerEpoch,
    epochs,
    rounds,
    round: context.round,
    fleet: null,
  });
  const finished = finish(context, start).finally(() => fleet.close());
  finished.catch(() => {}); // Whoever awaits `finished` handles it; until then it must not count as unhandled.
  return {
    finished,
    kernels: fleet.kernels,
    interrupt: () => {
      interrupted = true;
      void Promise.resolve(fleet.coordinator.interrupt()).catch(() => {});
    },
    killThread: fleet.killThread,
    predict: fleet.predict,
    sample: fleet.sample,
    close: fleet.close,
  };
};
