import { trainingDevices } from '../../algorithms/port/definition.js';
import { ALGORITHM } from '../../algorithms/registry.js';
import type { Dataset } from '../../data/dataset.js';
import { ratingsOf } from '../../device/actor/columns.js';
import { openTrained } from '../../inference/model/federated.js';
import { generateFor, type Opened, userModel } from '../../inference/model/generated.js';
import type { RunWithData } from '../../inference/stored-model.js';
import type { Config } from '../../runs/config/config.js';
import { setupOf } from '../../runs/config/definitions.js';
import { planRun, type RunPlan } from '../../runs/trainer/plan.js';
import { loadUpdateSteps } from '../../updates/device-steps.js';
import { loadServerSteps } from '../../updates/server-steps.js';
import { createItemTally, guessItems, ITEM_GUESSES } from './items.js';
import type { AttackRow } from './measure.js';
import { membershipRow, type UserErrors } from './membership.js';
import { deviceNoise } from './noise.js';
import type { Attacked } from './observation.js';
import { drawDevices, playRound, type Round } from './play.js';
import { createInverter, createRatingTally, priorOf } from './ratings.js';
import { type Summing, summed } from './summed.js';

export const ATTACKS = ['items', 'ratings', 'membership'] as const;

export type AttackOptions = {
  /** The run's configuration, perhaps with other update steps or decoys. */
  readonly config: Config;
  /** Devices that are attacked. */
  readonly devices: number;
  /** Of the attack on items, which is made without decoys, too. */
  readonly decoys: number;
  readonly attacks: readonly (typeof ATTACKS)[number][];
  readonly threads: number;
};

export type AttackResult = {
  readonly run: string;
  readonly algorithm: string;
  /** After which the checkpoint was taken: the attacked round is the next one. */
  readonly round: number;
  readonly devices: number;
  /** Update steps of the configuration, in their order. */
  readonly defences: readonly string[];
  readonly rows: readonly AttackRow[];
};

/** How many ratings a device learns from in an attacked round. */
const RATINGS = [1, 8, 'all'] as const;

type Attacking = {
  readonly opened: Opened;
  readonly plan: RunPlan;
  readonly config: Config;
  readonly dataset: Dataset;
  readonly round: Round;
  readonly summing: Summing | null;
};

const prepare = async (stored: RunWithData, opened: Opened, { config, devices }: AttackOptions): Promise<Attacking> => {
  const { dataset } = stored;
  const plan = planRun(config, dataset);
  const wire = { up: opened.algorithm.wire.up, items: dataset.items };
  const steps = await loadUpdateSteps(plan.host.updates ?? [], wire);
  const announced = (await loadServerSteps(plan.host.updates ?? [], wire, config.seed)).announced();
  const trained = trainingDevices(plan.world);
  const context = { ...opened.context, steps, dtype: plan.host.dtype, batch: plan.host.batch };
  const drawn = drawDevices(Math.min(devices, trained), trained, config.seed);
  const masked = steps.some(({ traits }) => traits.sends === 'masked');
  const summing = masked ? { cohort: plan.settings.cohort, weighting: opened.algorithm.wire.weighting ?? 'records' } : null;
  return { opened, plan, config, dataset, summing, round: { opened, context, devices: drawn, round: opened.round + 1, announced } };
};

/** The updates of a round where devices learn from so many ratings, among so many decoys. */
const updatesOf = ({ round, opened, summing }: Attacking, ratings: number | 'all', decoys: number): Iterable<Attacked> => {
  const batch = { ...round.context.batch, ratings, decoys };
  const played = playRound({ ...round, context: { ...round.context, batch } });
  return summing === null ? played : summed(played, opened.algorithm.wire.up, opened.items, summing);
};

const mostOf = (attacking: Attacking, ratings: number | 'all'): number =>
  (ratings === 'all' ? Number.POSITIVE_INFINITY : ratings) * (attacking.summing?.cohort ?? 1);

const attackItems = (attacking: Attacking, decoys: readonly number[]): readonly AttackRow[] => {
  const { opened, config } = attacking;
  return decoys.flatMap((count) => {
    const setting = count === 0 ? 'no decoys' : `${count} decoys`;
    const tallies = ITEM_GUESSES.map((guess) => createItemTally({ setting, guess, items: opened.items }));
    for (const attacked of updatesOf(attacking, config.ratings, count))
      ITEM_GUESSES.forEach((guess, index) => {
        const most = mostOf(attacking, config.ratings);
        tallies[index]!.add(attacked, guessItems(attacked.seen, opened.algorithm.wire.up, guess, most));
      });
    return tallies.flatMap((tally) => tally.end());
  });
};

const attackRatings = (attacking: Attacking): readonly AttackRow[] => {
  const { opened, config, dataset, plan, round } = attacking;
  const prior = dataset.feedback === 'explicit' ? priorOf(dataset) : null;
  if (prior === null) return [];
  const { algorithm } = opened;
  const { options } = setupOf(config, ALGORITHM, config.algorithm);
  const noise = deviceNoise(config, round.announced);
  const inverter = createInverter({ algorithm, options, world: plan.world, prior, noise, round: round.round });
  return RATINGS.map((ratings) => {
    const setting = ratings === 'all' ? 'all ratings' : ratings === 1 ? '1 rating' : `${ratings} ratings`;
    const tally = createRatingTally({ setting, method: inverter.method });
    for (const attacked of updatesOf(attacking, ratings, config.decoys)) {
      const items = guessItems(attacked.seen, algorithm.wire.up, 'changed', mostOf(attacking, ratings));
      tally.add(attacked, items, inverter.invert(attacked.seen, items, ratings));
    }
    return tally.end();
  });
};

/** Errors of the model that the checkpoint gives each user, on its training records and on its test records. */
const attackMembership = ({ opened, config, round: { devices } }: Attacking): AttackRow => {
  const users: UserErrors[] = [];
  for (const model of generateFor(opened, devices, null)) {
    const device = devices[users.length]!;
    const { predict } = userModel(opened, device, model, opened.context);
    const errorsOf = (part: 'train' | 'test'): readonly number[] => {
      const { items, values } = ratingsOf(opened.context.columns, part, device);
      return Array.from(predict(items), (prediction, index) => Math.abs(prediction - values[index]!));
    };
    users.push({ members: errorsOf('train'), others: errorsOf('test') });
  }
  return membershipRow(users, config.seed);
};

/**
 * What the coordinator learns from the updates of one round at the run's checkpoint, and from the model. Throws CONFIG for update steps that the run cannot have, and
 * CHECKPOINT for a run without a checkpoint.
 */
export const attackRun = async (stored: RunWithData, options: AttackOptions): Promise<AttackResult> => {
  const { config, dataset, choose } = stored;
  const opened = await openTrained({ config, dataset, choose, threads: options.threads });
  try {
    const attacking = await prepare(stored, opened, options);
    const rows = options.attacks.flatMap((attack) => {
      if (attack === 'items') return attackItems(attacking, [0, options.decoys]);
      return attack === 'ratings' ? attackRatings(attacking) : [attackMembership(attacking)];
    });
    return {
      ...{ run: stored.run, algorithm: opened.algorithm.name, round: opened.round },
      ...{ devices: attacking.round.devices.length, defences: options.config.updates, rows },
    };
  } finally {
    await opened.server.close();
  }
};
