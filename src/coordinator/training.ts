import { processorTime } from '../base/clock.js';
import { isMetafleetError } from '../base/errors.js';
import { type Bytes, bytes, type Millis, millis } from '../base/units.js';
import type { RoundFinished } from '../events/round.js';
import type { TrainingState } from './checkpoint/saved-state.js';
import { drawCohort, FIRST_STATE, type RoundContext, type RoundState, runRound } from './round/round.js';
import type { RoundSettings } from './settings.js';
import { type Load, loadAt } from './stages.js';

/**
 * What `train` did: `ran` rounds, up to `round`. `loss` is the mean over the ratings of the epoch so far; null: no device said its loss.
 * `isOver`: the stages have ended. `isSpent`: one more round would spend more privacy than the run may.
 */
export type Progress = {
  readonly round: number;
  readonly ran: number;
  readonly loss: number | null;
  readonly isOver: boolean;
  readonly isSpent: boolean;
};

/** The training loop and its position. */
export type Training = {
  readonly state: TrainingState;
  /** What the last round handed on to the next. */
  readonly rounds: RoundState;
  /** Continues from a saved position. Without `rounds`, the round state stays as it is. */
  takeUp(state: TrainingState, rounds?: RoundState): void;
  train(until: number): Promise<Progress>;
  interrupt(): void;
};

export type TrainingOptions = {
  readonly context: RoundContext;
  readonly settings: RoundSettings;
  readonly devices: number;
  readonly emit: (event: RoundFinished) => void;
};

/** Runs the work again when a host died, on the hosts that took its place. Θ has not changed since the work began. */
export const persist = async <T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly retries: number }> => {
  for (let retries = 0; ; retries++) {
    try {
      return { result: await work(), retries };
    } catch (error) {
      if (!isMetafleetError(error, 'HOST_LOST')) throw error;
    }
  }
};

const kernelBytes = ({ server }: RoundContext): Bytes => {
  const memories = new Set(server.tensors.map((tensor) => tensor.bytes().buffer));
  return bytes(Array.from(memories).reduce((sum, { byteLength }) => sum + byteLength, 0));
};

export const createTraining = ({ context, settings, devices, emit }: TrainingOptions): Training => {
  let state: TrainingState = { round: 0, lossSum: 0, ratings: 0 };
  let rounds: RoundState = FIRST_STATE;
  let interrupted = false;
  let computed = processorTime();
  /** Processor time since the last call. */
  const computedSince = (): Millis => {
    const before = computed;
    computed = processorTime();
    return millis(computed - before);
  };
  let trainingSince: number | undefined;
  /** The stage of the next round, and its cohort. */
  const nextLoad = (): Load => {
    trainingSince ??= performance.now();
    const wall = (performance.now() - trainingSince) / 1000;
    const { cohort, stages } = settings;
    return loadAt({ cohort, stages, devices }, { round: state.round + 1, now: rounds.now, asked: rounds.asked, wall });
  };

  const { ledger } = context;
  const stopAt = settings.privacy?.stopAt ?? 0;
  /** Without a guarantee there is no budget that could last. */
  const isSpent = (load: Load): boolean => {
    if (ledger === null || stopAt === 0) return false;
    const { epsilon } = ledger.after(drawCohort(context, state.round + 1, rounds, load));
    return epsilon === null || epsilon > stopAt;
  };

  return {
    get state() {
      return state;
    },
    get rounds() {
      return rounds;
    },
    takeUp: (saved, savedRounds = rounds) => {
      state = saved;
      rounds = savedRounds;
    },
    train: async (until) => {
      interrupted = false;
      const before = state.round;
      let load = nextLoad();
      let spent = isSpent(load);
      while (state.round < until && !interrupted && !load.isOver && !spent) {
        const { result, retries } = await persist(() => runRound(context, state.round + 1, rounds, load));
        const { event } = result;
        rounds = result.state;
        ledger?.spend(result.drawn);
        context.sampler.learn(event.round, result.asked, result.arrived);
        const first = state.round % settings.roundsPerEpoch === 0;
        state = {
          round: state.round + 1,
          lossSum: (first ? 0 : state.lossSum) + (event.loss ?? 0) * event.ratings,
          ratings: (first ? 0 : state.ratings) + event.ratings,
        };
        emit({ ...event, retries, cpuMillis: computedSince(), kernelBytes: kernelBytes(context) });
        load = nextLoad();
        spent = isSpent(load);
      }
      const loss = state.ratings === 0 ? null : state.lossSum / state.ratings;
      return { round: state.round, ran: state.round - before, loss, isOver: load.isOver, isSpent: spent };
    },
    interrupt: () => {
      interrupted = true;
    },
  };
};
