import type { DeviceId } from '../base/units.js';
import { millis } from '../base/units.js';
import type { CheckpointWritten, RunEvent, RunFinished } from '../coordinator/events.js';
import type { Dataset } from '../data/dataset.js';
import { orDeath } from '../transport/control.js';
import { type Fleet, type PoolSample, startFleet } from '../transport/fleet.js';
import type { Config } from './config.js';
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

type Context = {
  readonly options: RunOptions;
  readonly plan: Plan;
  readonly fleet: Fleet;
  readonly state: RunState;
  round: number;
  readonly interrupted: () => boolean;
};

const save = async ({ options, fleet, state }: Context, kind: 'last' | 'best'): Promise<void> => {
  const { checkpoints, observers, onEvent } = options;
  if (checkpoints === undefined) return;
  const path = checkpoints[kind];
  const run = { ...state, observers: observers?.save() ?? null };
  const saved = await orDeath(fleet.coordinator.save(path, run, kind === 'best'), fleet.death);
  onEvent({ type: 'checkpoint', path, ...saved } satisfies CheckpointWritten);
};

/** Measures at the end of an epoch, if it is one to measure at. */
const endEpoch = async (context: Context, epoch: number, trainLoss: number): Promise<void> => {
  const { options, fleet, state, plan } = context;
  if (epoch % options.config.evaluation.every !== 0 && context.round < plan.rounds) {
    state.epochsEnded = epoch;
    return;
  }
  const measured = await orDeath(fleet.coordinator.evaluate(), fleet.death);
  // Not before: a checkpoint of a run that fails while it measures must lead to the measurement again.
  state.epochsEnded = epoch;
  state.best = judge(state.best, epoch, measured.valid);
  const best = state.best.epoch === epoch;
  options.onEvent({ type: 'epoch', epoch, round: context.round, trainLoss, best, ...measured });
  if (best && options.config.checkpoint.best) await save(context, 'best');
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
      await save(context, 'last');
      savedAt = performance.now();
    }
  }
  return 'completed';
};

const restore = async (context: Context): Promise<void> => {
  const { options, fleet, state } = context;
  if (options.resume === undefined) return;
  const { round, run } = await orDeath(fleet.coordinator.restore(options.resume), fleet.death);
  const { observers, ...rest } = run as RunState & { readonly observers: unknown };
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
    await save(context, 'last').catch(() => {});
    throw error;
  }
  await save(context, 'last');
  const digest = await orDeath(fleet.coordinator.digest(), fleet.death);
  const { round } = context;
  const outcome: Outcome = { reason, round, epoch: Math.ceil(round / plan.roundsPerEpoch), digest };
  options.onEvent({ type: 'run-finished', ...outcome, millis: millis(performance.now() - start) });
  return outcome;
};

/** Starts the threads, restores a checkpoint if asked to, and trains in the background. Throws CONFIG or CHECKPOINT before that. */
export const startRun = async (options: RunOptions): Promise<Run> => {
  const start = performance.now();
  const { config, dataset, onEvent } = options;
  const plan = planRun(config, dataset);
  const shards = shardDataset(dataset, plan.threads);
  const { world, threads, settings, host } = plan;
  const fleet = await startFleet({
    coordinator: { algorithm: host.algorithm, world, settings, threads },
    host,
    shards,
    onEvent,
    ...(options.hostEntry === undefined ? {} : { hostEntry: options.hostEntry }),
  });
  let interrupted = false;
  const state: RunState = { epochsEnded: 0, best: NOTHING_YET };
  const context: Context = { options, plan, fleet, state, round: 0, interrupted: () => interrupted };
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
    ratings: ratingsIn(dataset),
    roundsPerEpoch,
    epochs,
    rounds,
    round: context.round,
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
