import type { World } from '../../algorithms/port/definition.js';
import type { ClientUpdate } from '../../algorithms/port/server.js';
import { type DeviceId, millis, type Seconds, seconds } from '../../base/units.js';
import type { Phase, RoundFinished } from '../../events/round.js';
import type { ServerSteps } from '../../updates/server-steps.js';
import type { TakeUpdates } from '../aggregation/take-updates.js';
import type { Drawn, PrivacyLedger } from '../privacy/ledger.js';
import type { Sampler } from '../sampling/sampler.js';
import { closedAfter, type Ended, type SecureSums } from '../secure/secure-phase.js';
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
  /** null: updates travel one by one. */
  readonly secure: SecureSums | null;
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

/** Of the round's updates, or of their sum. Nothing where devices do not say it. */
const lossOf = ({ steps }: RoundContext, accepted: readonly UpdateTask[], ended: Ended | null): { loss: number; ratings: number } => {
  if (steps.hideCounts) return { loss: 0, ratings: 0 };
  if (ended === null) return sumLoss(accepted);
  return { loss: ended.total?.loss ?? 0, ratings: ended.total?.count ?? 0 };
};

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

/** Sends the cohort its models, and takes the answers; where updates are summed under masks, after the exchanges that this needs. */
const deliverTo = async (context: RoundContext, round: number, cohort: readonly DeviceId[], now: Seconds) => {
  const { devices, settings, steps } = context;
  const { fleet, policy, delivery } = settings;
  const exchange = await devices.open();
  const clock = fleet === null ? null : now;
  const secure = (await context.secure?.begin({ exchange, round, cohort, now: clock, timeout: policy.timeout })) ?? null;
  const request = {
    ...{ round, purpose: 'train' as const, delivery, cohort: secure?.members ?? cohort, announced: steps.announced() },
    ...(clock === null ? {} : { at: secure?.now ?? clock }),
    ...(secure !== null && { sharesFor: secure.sharesFor }),
  };
  const delivered = await deliver(context, request, exchange);
  return { delivered: secure?.with(delivered) ?? delivered, secure };
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
  const { timeout } = policy;
  const { delivered, secure } = await deliverTo(context, round, cohort, now);
  clock.lap('devices');
  clock.move('devices', 'generate', delivered.generateMillis);
  const expected = { ...context, dtype: steps.dtype ?? context.dtype, marks: steps.marks };
  const waiting = secure === null ? {} : { waited: secure.waited, masked: secure.masked };
  const launched = launch(expected, delivered, { round, cohort, now, timeout, ...waiting });
  const inTime = closeRound(policy, load.cohort, [...inFlight, ...launched.tasks], now);
  const judged = judgeNorms(defence, policy.maxStaleness, round, inTime.arrived.filter(isUpdate), before.norms);
  const ended = (await secure?.end(judged.accepted, inTime.end)) ?? null;
  const { tasks, close } =
    ended === null ? { tasks: launched.tasks, close: inTime } : closedAfter({ tasks: launched.tasks, close: inTime }, ended);
  const { norms } = judged;
  const { accepted, rejected } = ended === null || ended.total !== null ? judged : { accepted: [], rejected: ended.rejected };
  const updates = weighed(accepted, round, policy);
  // Updates of earlier rounds go back through Θ as it is now, for the devices that sent them.
  if (policy.kind === 'buffered' && updates.length > 0)
    server.prepare(
      updates.map(({ device }) => ({ device })),
      round,
    );
  const taken = { round, cohort: load.cohort, marks: ended?.total?.marks ?? sumMarks(accepted, steps.marks) };
  if (ended?.total) takeUpdates.takeSum({ ...ended.total, updates: accepted.length }, taken);
  else if (ended === null && (updates.length > 0 || takeUpdates.takesNone)) takeUpdates.take(updates, taken);
  clock.lap('backward');
  await context.beforeStep();
  const step = server.step(learningRateOf(round, settings), round);
  clock.lap('step');

  const { loss, ratings } = lossOf(context, accepted, ended);
  const thrown = [...launched.rejected, ...rejected];
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
