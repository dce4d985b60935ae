import { isMetafleetError, MetafleetError, messageOf } from '../../base/errors.js';
import type { DeviceId } from '../../base/units.js';
import { millis } from '../../base/units.js';
import { countsOf } from '../../data/dataset.js';
import type { RunEvent, RunFinished, RunStarted } from '../../events/run-event.js';
import type { PoolSample } from '../../transport/supervisor/fleet.js';
import type { Trainer } from '../../transport/supervisor/trainer.js';
import { orDeath } from '../../transport/threads/control.js';
import type { Config } from '../config/config.js';
import { judge, shouldStop } from './early-stopping.js';
import { createObserver } from './observe.js';
import type { TrainingPlan } from './plan-training.js';
import { prepareTrainer, type TrainerOptions } from './prepare.js';
import { AT_START, type CheckpointPaths, createSaves, type ObserverState, type RunState, type Saves } from './saves.js';

/** A run from a configuration and a dataset to a trained Θ. Everything it has to say goes to `onEvent`. */
export type RunOptions = TrainerOptions & {
  readonly onEvent: (event: RunEvent) => void;
  /** Where checkpoints go; without it, none are written. */
  readonly checkpoints?: CheckpointPaths;
  /** A checkpoint to continue from, or from the one before it where it is damaged. */
  readonly resume?: string;
  readonly observers?: ObserverState;
};

export type Outcome = Pick<RunFinished, 'reason' | 'round' | 'epoch' | 'digest'> & {
  /** Checkpoints that could not be written to the end. */
  readonly unsaved: readonly string[];
};

export type Run = {
  /** Rejects with the first error that cannot be mended; the last checkpoint stays. Checkpoints that cannot be written are no error. */
  readonly finished: Promise<Outcome>;
  readonly kernels: 'simd' | 'reference';
  /** Ends the run after the round it is in, with a checkpoint. A run that has ended stays as it is. */
  interrupt(): void;
  /** Ends one of the host threads, as a crash would. */
  killThread(index: number): void;
  /** Ends the coordinator's thread, as a crash would. */
  killCoordinator(): void;
  /** null: the device holds no model with these items, or the run has ended. */
  predict(device: DeviceId, items: Uint32Array): Promise<Float32Array | null>;
  sample(): PoolSample;
  close(): Promise<void>;
  /** Ends the threads now, without a checkpoint, and removes a checkpoint that is half written. `finished` rejects. */
  abandon(): Promise<void>;
};

type Context = {
  readonly config: Config;
  readonly onEvent: (event: RunEvent) => void;
  readonly plan: TrainingPlan;
  readonly saves: Saves;
  readonly startFleet: () => Promise<Trainer>;
  /** Another one after the coordinator died. */
  fleet: Trainer;
  state: RunState;
  round: number;
  interrupted: boolean;
  closed: boolean;
};

/** Measures at the end of an epoch, if it is one to measure at. */
const endEpoch = async (context: Context, epoch: number, trainLoss: number | null, isLast: boolean): Promise<void> => {
  const { config, fleet, plan } = context;
  const { every } = config.evaluation;
  if (every === 0 || (epoch % every !== 0 && !isLast)) {
    context.state = { ...context.state, epochsEnded: epoch };
    return;
  }
  const measured = await orDeath(fleet.coordinator.evaluate(), fleet.death);
  // Not before: a checkpoint of a run that fails while it measures must lead to the measurement again.
  context.state = { epochsEnded: epoch, best: judge(plan.stopOn, context.state.best, epoch, measured.valid) };
  const best = context.state.best.epoch === epoch;
  context.onEvent({ type: 'epoch', epoch, round: context.round, trainLoss, best, ...measured });
  if (best && config.checkpoint.best) context.saves.best(fleet, context.round);
};

/** A save that failed is tried again after this long, or after the usual time where that is less. */
const RETRY_MINUTES = 1;

const train = async (context: Context): Promise<Outcome['reason']> => {
  const { config, plan, fleet, saves } = context;
  let savedAt = performance.now();
  const isDue = (): boolean => {
    const { every } = config.checkpoint;
    const minutes = saves.healthy() ? every : Math.min(every, RETRY_MINUTES);
    return every > 0 && performance.now() - savedAt >= minutes * 60_000;
  };
  while (context.round < plan.rounds || context.state.epochsEnded < plan.epochs) {
    if (shouldStop(context.state.best, config.patience)) return 'early-stopped';
    if (context.interrupted) return 'interrupted';
    const epoch = context.state.epochsEnded + 1;
    const end = Math.min(plan.rounds, epoch * plan.roundsPerEpoch);
    const { round, loss, ran, isOver, isSpent } = await fleet.train(end);
    context.round = round;
    const isLast = isOver || isSpent;
    if (round === end || (isLast && ran > 0)) await endEpoch(context, epoch, loss, isLast || round >= plan.rounds);
    if (isSpent && round < plan.rounds) return 'budget-spent';
    if (isOver) return 'completed';
    if (isDue()) {
      saves.last(fleet, context.round, context.state);
      savedAt = performance.now();
    }
  }
  return 'completed';
};

/** What a user's module did may have left a Θ that is that of no round. */
const isSound = async (fleet: Trainer, error: unknown): Promise<boolean> =>
  !isMetafleetError(error, 'MODULE') || (await fleet.isSound().catch(() => false));

/** Trains to the end, and has it saved. */
const complete = async (context: Context): Promise<Pick<Outcome, 'reason' | 'digest'>> => {
  const save = async (): Promise<void> => {
    context.saves.last(context.fleet, context.round, context.state);
    await context.saves.settled();
  };
  try {
    const reason = await train(context);
    await save();
    return { reason, digest: await orDeath(context.fleet.coordinator.digest(), context.fleet.death) };
  } catch (error) {
    // Θ is as the last finished round left it: what was computed is kept, and the error is the one to tell.
    if (!isMetafleetError(error, 'COORDINATOR_LOST') && (await isSound(context.fleet, error))) await save();
    throw error;
  }
};

/** Deaths of the coordinator without a finished round in between that are taken for bad luck. */
const MOST_DEATHS = 5;

const CLOSED = 'the run was closed';

/** Everything is started anew and goes on from the last checkpoint, or the start: the digest will be what it would have been. */
const revive = async (context: Context): Promise<void> => {
  await context.saves.settled();
  await context.fleet.close();
  context.fleet = await context.startFleet();
  try {
    if (context.closed) throw new Error(CLOSED);
    Object.assign(context, await context.saves.restore(context.fleet));
  } catch (error) {
    await context.fleet.close();
    throw error;
  }
};

/** `complete`, over as many deaths of the coordinator as it takes. */
const persevere = async (context: Context): Promise<Pick<Outcome, 'reason' | 'digest'>> => {
  let furthest = context.round;
  let deaths = 0;
  for (let reviving = false; ; ) {
    try {
      if (reviving) {
        await revive(context);
        context.onEvent({ type: 'coordinator-restored', round: context.round });
        reviving = false;
      }
      return await complete(context);
    } catch (error) {
      // A host that dies while everything starts anew is no worse than one that dies later.
      const lost = isMetafleetError(error, 'COORDINATOR_LOST') || (reviving && isMetafleetError(error, 'HOST_LOST'));
      if (!lost || context.closed) throw error;
      reviving = true;
      deaths = context.round > furthest ? 1 : deaths + 1;
      furthest = Math.max(furthest, context.round);
      context.onEvent({ type: 'coordinator-lost', round: context.round, reason: messageOf(error) });
      if (deaths > MOST_DEATHS)
        throw new MetafleetError('COORDINATOR_LOST', `the coordinator could not be kept alive: ${messageOf(error)}`, { cause: error });
    }
  }
};

const finish = async (context: Context, start: number): Promise<Outcome> => {
  try {
    const { reason, digest } = await persevere(context);
    const { round, plan } = context;
    const outcome = { reason, round, epoch: Math.ceil(round / plan.roundsPerEpoch), digest };
    context.onEvent({ type: 'run-finished', ...outcome, millis: millis(performance.now() - start) });
    return { ...outcome, unsaved: context.saves.unsaved() };
  } finally {
    await context.fleet.close();
  }
};

const startedEvent = (plan: TrainingPlan, ratings: RunStarted['ratings'], parameters: number, round: number): RunStarted => {
  const { world, metrics, roundsPerEpoch, epochs, rounds, ends, stopOn, fleet } = plan;
  return {
    type: 'run-started',
    devices: world.devices,
    items: world.items,
    parameters,
    ratings,
    roundsPerEpoch,
    epochs,
    rounds,
    metrics,
    stopOn: stopOn.name,
    ends,
    round,
    fleet,
  };
};

/** Starts the threads, restores a checkpoint if asked to, and trains in the background. Throws CONFIG or CHECKPOINT before that. */
export const startRun = async (options: RunOptions): Promise<Run> => {
  const start = performance.now();
  const { config, dataset, checkpoints, observers } = options;
  const observe = createObserver(options.onEvent);
  const ratings = countsOf(dataset);
  let context: Context | undefined;
  const onEvent = (event: RunEvent): void => {
    if (event.type === 'round' && context !== undefined) context.round = event.round;
    observe(event);
  };
  const { plan, shards, begin } = await prepareTrainer(options, onEvent);
  const { keep } = config.checkpoint;
  const saves = createSaves({ paths: checkpoints, resume: options.resume, keep, shards, observers, onEvent });
  const fleet = await begin();
  const started: Context = {
    config,
    onEvent,
    plan,
    saves,
    startFleet: begin,
    fleet,
    state: AT_START,
    round: 0,
    interrupted: false,
    closed: false,
  };
  context = started;
  try {
    if (options.resume !== undefined) Object.assign(started, await saves.restore(fleet));
  } catch (error) {
    await fleet.close();
    throw error;
  }
  onEvent(startedEvent(plan, ratings, fleet.parameters, started.round));
  const finished = finish(started, start);
  finished.catch(() => {}); // The caller that awaits `finished` handles it; until then it must not count as unhandled.
  return {
    finished,
    kernels: fleet.kernels,
    interrupt: () => {
      started.interrupted = true;
      started.fleet.interrupt();
    },
    killThread: (index) => started.fleet.killThread(index),
    killCoordinator: () => started.fleet.killCoordinator(),
    predict: (device, items) => started.fleet.predict(device, items),
    sample: () => started.fleet.sample(),
    close: () => {
      started.closed = true;
      return started.fleet.close();
    },
    abandon: async () => {
      started.closed = true;
      await started.fleet.abandon();
      saves.tidyUp();
    },
  };
};
