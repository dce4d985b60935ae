import { badInput } from '../base/errors.js';
import { millis } from '../base/units.js';
import { type Message, type RefusalCause, type Refuse, refusalCause, type Update } from '../messages/message.js';
import { acceptUpdate, type DeliveryContext, deliver } from './deliver.js';
import type { Devices } from './devices.js';
import type { Outcomes, Phase, RoundFinished } from './events.js';
import type { Sampler } from './sampling.js';
import { epochOf, learningRateOf, type RoundSettings } from './settings.js';

export type RoundContext = DeliveryContext & { readonly devices: Devices; readonly sampler: Sampler; readonly settings: RoundSettings } & {
  /** Resolves when nobody reads Θ any more: a checkpoint may still be copied from it. */
  readonly beforeStep: () => Promise<void>;
};

const isUpdate = (message: Message): message is Update => message.kind === 'update';

const updatesOf = (answers: readonly Message[]): readonly Update[] => {
  for (const answer of answers) {
    if (!isUpdate(answer) && answer.kind !== 'refuse')
      throw badInput('MESSAGE', `answer of device ${answer.device}`, 'update or refuse', answer.kind);
  }
  return answers.filter(isUpdate);
};

/** Σ of squared errors and number of ratings over a cohort. */
const sumLoss = (updates: readonly Update[]): { loss: number; ratings: number } =>
  updates.reduce((sum, update) => ({ loss: sum.loss + update.loss, ratings: sum.ratings + update.count }), { loss: 0, ratings: 0 });

const isRefusal = (message: Message): message is Refuse => message.kind === 'refuse';

const outcomesOf = (assigned: number, trained: number, refusals: readonly Refuse[]): Outcomes => {
  const refused: Partial<Record<RefusalCause, number>> = {};
  for (const { reason } of refusals) refused[refusalCause(reason)] = (refused[refusalCause(reason)] ?? 0) + 1;
  return { assigned, carried: 0, trained, refused, dropped: {}, rejected: {}, late: 0, inFlight: 0 };
};

/**
 * One round (Algorithm 1, lines 7-15; regenerating models for devices that are not sampled, lines 16-19, waits until they
 * are: nobody can see the difference). Θ changes only in the last step, so a round that a lost host interrupts can be run again.
 */
export const runRound = async (context: RoundContext, round: number): Promise<Omit<RoundFinished, 'retries' | 'kernelBytes'>> => {
  const { devices, sampler, server, settings } = context;
  const clock = stopwatch();

  const cohort = sampler(round);
  clock.lap('sample');
  server.prepare(cohort, round);
  clock.lap('generate');
  const exchange = await devices.open();
  const { answers, refusals, rowsOf, generateMillis } = await deliver(
    context,
    { round, purpose: 'train', delivery: settings.delivery, cohort },
    exchange,
  );
  clock.lap('devices');
  clock.move('devices', 'generate', generateMillis);
  const updates = updatesOf(answers);
  const accepted = updates.map((update) => acceptUpdate(context, update, rowsOf.get(update.device) ?? null));
  server.accumulate(accepted);
  clock.lap('backward');
  await context.beforeStep();
  const step = server.step(learningRateOf(round, settings));
  clock.lap('step');

  const { loss, ratings } = sumLoss(updates);
  return {
    type: 'round',
    round,
    epoch: epochOf(round, settings),
    cohort: cohort.length,
    ratings,
    loss: loss / Math.max(1, ratings),
    ...step,
    outcomes: outcomesOf(cohort.length, updates.length, [...refusals, ...answers.filter(isRefusal)]),
    duplicates: 0,
    rejections: [],
    staleness: [updates.length],
    virtual: null,
    traffic: devices.takeTraffic(),
    ...clock.read(),
    ...devices.takeReport(),
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
