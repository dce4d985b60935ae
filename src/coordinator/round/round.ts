import type { World } from '../../algorithms/port/definition.js';
import type { ClientUpdate } from '../../algorithms/port/server.js';
import { millis, type Seconds, seconds } from '../../base/units.js';
import type { Phase, RoundFinished } from '../../events/round.js';
import type { ServerSteps } from '../../updates/server-steps.js';
import type { TakeUpdates } from '../aggregation/take-updates.js';
import type { Drawn, PrivacyLedger } from '../privacy/ledger.js';
import type { Sampler } from '../sampling/sampler.js';
import { epochOf, learningRateOf, type PolicySettings, type RoundSettings } from '../settings.js';
import type { Load } from '../stages.js';
import { type ClientTask, launch } from './client-task.js';
import { judgeNorms, type Norms, type UpdateTask } from './defence.js';
import { type DeliveryContext, deliver } from './deliver.js';
import type { Devices } from './devices.js';
import { outcomesOf, type Played, stalenessOf, verdictsOf, virtualRound } from './outcomes.js';
import { askedIn, closeRound, weightOf } from './policy.js';

export type RoundContext = DeliveryContext & { readonly devices: Devices; readonly sampler: Sampler; readonly settings: RoundSettings } & {
  readonly world: Pick<World, 'devices'>;
  readonly takeUpdates: TakeUpdates;
  readonly steps: ServerSteps;
  /** null: no step adds noise. */
  readonly ledger: PrivacyLedger | null;
  /** Resolves when nobody reads Θ any more: a checkpoint may still be copied from it. */
  readonly beforeStep: () => Promise<void>;
};

/** What rounds hand on to one another, apart from Θ. */
export type RoundState = {
  /** Virtual time. */
  readonly now: Seconds;
  /** Devices asked so far. */
  readonly asked: number;
  /** Devices asked in earlier rounds that are still at work. */
  readonly inFlight: readonly ClientTask[];
  readonly norms: Norms;
};

export const FIRST_STATE: RoundState = { now: seconds(0), asked: 0, inFlight: [], norms: [] };

/** What a round leaves behind: its event, what the next one starts from, and whose answers came, in the order they came. */
export type RoundResult = {
  readonly event: Omit<RoundFinished, 'retries' | 'cpuMillis' | 'kernelBytes'>;
  readonly state: RoundState;
  readonly asked: readonly ClientTask[];
  readonly arrived: readonly ClientTask[];
  readonly drawn: Drawn;
};

/** Explained in an event; all of them are counted. */
const MOST_EXPLAINED = 8;

const isUpdate = (task: ClientTask): task is UpdateTask => task.outcome.kind === 'update';

/** In DeviceId order, each by the weight of its age. */
const weighed = (tasks: readonly UpdateTask[], round: number, policy: PolicySettings): readonly ClientUpdate[] =>
  tasks
    .toSorted((a, b) => a.device - b.device)
    .map(({ outcome: { update }, round: asked }) => {
      const weight = weightOf(policy, round - asked);
      return weight === 1 ? update : { ...update, tensors: update.tensors.map((values) => values.map((value) => weight * value)) };
    });

/** By mark, Σ over updates in DeviceId order. */
const sumMarks = (tasks: readonly UpdateTask[], marks: number): readonly number[] =>
  Array.from({ length: marks }, (_, index) =>
    tasks.toSorted((a, b) => a.device - b.device).reduce((sum, { outcome }) => sum + outcome.marks![index]!, 0),
  );

/** Σ of squared errors and number of ratings over a cohort, in DeviceId order. */
const sumLoss = (tasks: readonly UpdateTask[]): { loss: number; ratings: number } =>
  tasks
    .toSorted((a, b) => a.device - b.device)
    .reduce((sum, { outcome }) => ({ loss: sum.loss + outcome.loss, ratings: sum.ratings + outcome.update.count }), {
      loss: 0,
      ratings: 0,
    });

type RoundLoad = Pick<Load, 'cohort'> & Partial<Load>;

/** The devices of a round that begins at `before.now`, or when its load says. Changes nothing. */
export const drawCohort = (
  { sampler, settings: { policy }, world }: RoundContext,
  round: number,
  before: RoundState,
  load: RoundLoad,
): Drawn => {
  const { inFlight } = before;
  const { start: now = before.now, devices } = load;
  const size = askedIn(policy, load.cohort, inFlight.length);
  const busy = new Set(inFlight.map(({ device }) => device));
  const cohort = sampler.choose({ round, size, busy, now, ...(devices !== undefined && { devices }) });
  return { cohort, size, devices: devices ?? world.devices };
};

/**
 * One round (Algorithm 1, lines 7-15). Models for devices that are not sampled (lines 16-19) are generated when they are
 * needed: no result depends on it. Θ changes only in the last step. Nothing else of the coordinator changes before the
 * caller takes up the new state. So a round that a lost host interrupts can be run again.
 */
export const runRound = async (
  context: RoundContext,
  round: number,
  before: RoundState,
  load: RoundLoad = context.settings,
): Promise<RoundResult> => {
  const { devices, server, settings, steps, takeUpdates } = context;
  const { policy, defence, fleet } = settings;
  const { inFlight } = before;
  const { start: now = before.now } = load;
  const clock = stopwatch();

  const drawn = drawCohort(context, round, before, load);
  const { cohort } = drawn;
  clock.lap('sample');
  const announced = steps.announced();
  const request = {
    round,
    purpose: 'train',
    delivery: settings.delivery,
    cohort,
    announced,
    ...(fleet === null ? {} : { at: now }),
  } as const;
  const delivered = await deliver(context, request, await devices.open());
  clock.lap('devices');
  clock.move('devices', 'generate', delivered.generateMillis);
  const expected = { ...context, marks: steps.marks };
  const { tasks, rejected: faulty } = launch(expected, delivered, { round, cohort, now, timeout: policy.timeout });
  const close = closeRound(policy, load.cohort, [...inFlight, ...tasks], now);
  const { accepted, rejected, norms } = judgeNorms(defence, policy.maxStaleness, round, close.arrived.filter(isUpdate), before.norms);
  const updates = weighed(accepted, round, policy);
  // Updates of earlier rounds go back through Θ as it is now, for the devices that sent them.
  if (policy.kind === 'buffered' && updates.length > 0)
    server.prepare(
      updates.map(({ device }) => ({ device })),
      round,
    );
  const taken = { round, cohort: load.cohort, marks: sumMarks(accepted, steps.marks) };
  if (updates.length > 0 || takeUpdates.takesNone) takeUpdates.take(updates, taken);
  clock.lap('backward');
  await context.beforeStep();
  const step = server.step(learningRateOf(round, settings), round);
  clock.lap('step');

  const { loss, ratings } = steps.hideCounts ? { loss: 0, ratings: 0 } : sumLoss(accepted);
  const thrown = [...faulty, ...rejected];
  const played: Played = { start: now, launched: tasks, carried: inFlight.length, close, accepted, rejected };
  return {
    event: {
      type: 'round',
      round,
      epoch: epochOf(round, settings),
      cohort: cohort.length,
      ratings,
      loss: ratings === 0 ? null : loss / ratings,
      ...step,
      outcomes: outcomesOf(played),
      privacy: context.ledger?.after(drawn) ?? null,
      duplicates: delivered.duplicates,
      rejections: thrown.slice(0, MOST_EXPLAINED).map(({ text }) => text),
      staleness: stalenessOf(accepted, round),
      virtual:
        fleet === null
          ? null
          : virtualRound(
              fleet.profiles.map(({ name }) => name),
              played,
            ),
      traffic: devices.takeTraffic(),
      ...clock.read(),
      ...devices.takeReport(verdictsOf(thrown, close)),
    },
    state: { now: fleet === null ? now : close.end, asked: before.asked + cohort.length, inFlight: close.inFlight, norms },
    asked: tasks,
    arrived: close.arrived,
    drawn,
  };
};

/** Laps of one round, by phase. */
const stopwatch = () => {
  const start = performance.now();
  let last = start;
  const phases: Record<Phase, number> = { sample: 0, generate: 0, devices: 0, backward: 0, step: 0 };
  return {
    lap: (phase: Phase): void => {
      const now = performance.now();
      phases[phase] += now - last;
      last = now;
    },
    /** Time that one phase spent on another's work. */
    move: (from: Phase, to: Phase, time: number): void => {
      phases[from] -= time;
      phases[to] += time;
    },
    read: (): Pick<RoundFinished, 'millis' | 'phases'> => ({
      millis: millis(last - start),
      phases: {
        sample: millis(phases.sample),
        generate: millis(phases.generate),
        devices: millis(phases.devices),
        backward: millis(phases.backward),
        step: millis(phases.step),
      },
    }),
  };
};
