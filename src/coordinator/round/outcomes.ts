import { bytes, joules, type Seconds, seconds } from '../../base/units.js';
import { BUDGET_BOUNDS, type Outcomes, type ProfileRound, type RejectionCause, type VirtualRound } from '../../events/outcomes.js';
import { type DropStage, RESOURCES, type Resource } from '../../messages/device-cost.js';
import type { RefusalCause } from '../../messages/message.js';
import type { ClientTask } from './client-task.js';
import { secondsOf } from './device-costs.js';
import type { Rejection } from './devices.js';
import type { RoundClose } from './policy.js';
import type { Verdict } from './recorder.js';

/** What a round did with every task: the material of its event. */
export type Played = {
  readonly start: Seconds;
  /** Of this round, and in task from earlier ones when it began. */
  readonly launched: readonly ClientTask[];
  readonly carried: number;
  readonly close: RoundClose;
  readonly accepted: readonly ClientTask[];
  /** Of updates that arrived whole and were thrown away all the same. */
  readonly rejected: readonly Rejection[];
};

type Tally<Cause extends string> = Partial<Record<Cause, number>>;

const add = <Cause extends string>(tally: Tally<Cause>, cause: Cause): void => {
  tally[cause] = (tally[cause] ?? 0) + 1;
};

/** Every task in exactly one count; a silent device counts as dropped whenever its silence was noticed. */
export const outcomesOf = ({ launched, carried, close, accepted, rejected }: Played): Outcomes => {
  const refused: Tally<RefusalCause> = {};
  const dropped: Tally<DropStage> = {};
  const thrown: Tally<RejectionCause> = {};
  let late = 0;
  for (const { outcome } of [...close.arrived, ...close.late]) {
    if (outcome.kind === 'refused') add(refused, outcome.cause);
    if (outcome.kind === 'dropped') add(dropped, outcome.stage);
    if (outcome.kind === 'rejected') add(thrown, outcome.cause);
  }
  for (const { outcome } of close.late) if (outcome.kind === 'update') late += 1;
  for (const { cause } of rejected) add(thrown, cause);
  return {
    assigned: launched.length,
    carried,
    trained: accepted.length,
    refused,
    dropped,
    rejected: thrown,
    late,
    inFlight: close.inFlight.length,
  };
};

/** For the record of devices: their answers that did not step Θ, the `thrown` and the late. */
export const verdictsOf = (thrown: readonly Rejection[], { late, end }: RoundClose): readonly Verdict[] => [
  ...thrown.map(({ device, cause, text }): Verdict => ({ device, step: 'rejected', reason: `${cause}: ${text}` })),
  ...late
    .filter(({ outcome }) => outcome.kind === 'update')
    .map(({ device, arrives }): Verdict => ({ device, step: 'late', reason: `${(arrives - end).toFixed(1)} s after the round had ended` })),
];

const MOST_STALENESS = 16;

/** How many of the accepted updates were how many steps old. */
export const stalenessOf = (accepted: readonly ClientTask[], round: number): number[] => {
  const counts = [0];
  for (const { round: asked } of accepted) {
    const steps = Math.min(round - asked, MOST_STALENESS);
    while (counts.length <= steps) counts.push(0);
    counts[steps]! += 1;
  }
  return counts;
};

const binOf = (share: number): number => {
  const bin = BUDGET_BOUNDS.findIndex((bound) => share <= bound);
  return bin < 0 ? BUDGET_BOUNDS.length : bin;
};

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
type Sums = Mutable<Omit<ProfileRound, 'budgets'>> & { readonly budgets: Record<Resource, number[]> };

const emptyBins = (): number[] => new Array<number>(BUDGET_BOUNDS.length + 1).fill(0);

const zeros = (name: string): Sums => ({
  ...{ name, assigned: 0, trained: 0, refused: 0, dropped: 0, rejected: 0, late: 0, operations: 0 },
  ...{ energy: joules(0), bytesDown: bytes(0), bytesUp: bytes(0) },
  budgets: { memory: emptyBins(), storage: emptyBins(), dataPlan: emptyBins(), battery: emptyBins(), compute: emptyBins() },
});

const profileRounds = (names: readonly string[], { launched, close, accepted, rejected }: Played): readonly ProfileRound[] => {
  const sums = names.map(zeros);
  const of = ({ cost }: ClientTask): Sums => sums[cost!.profile]!;
  const thrown = new Set(rejected.map(({ device }) => device));
  for (const task of launched) {
    const sum = of(task);
    const { energy, bytesDown, bytesUp, operations, used } = task.cost!;
    sum.assigned += 1;
    sum.energy = joules(sum.energy + energy);
    sum.bytesDown = bytes(sum.bytesDown + bytesDown);
    sum.bytesUp = bytes(sum.bytesUp + bytesUp);
    sum.operations += operations;
    for (const resource of RESOURCES) sum.budgets[resource][binOf(used[resource])]! += 1;
  }
  for (const task of accepted) of(task).trained += 1;
  for (const task of close.late) if (task.outcome.kind === 'update') of(task).late += 1;
  for (const task of [...close.arrived, ...close.late]) {
    if (task.outcome.kind !== 'update') of(task)[task.outcome.kind] += 1;
  }
  for (const task of close.arrived) if (task.outcome.kind === 'update' && thrown.has(task.device)) of(task).rejected += 1;
  return sums;
};

/** The round in virtual time, by profile; bounded by their number and the cohort's. */
export const virtualRound = (names: readonly string[], played: Played): VirtualRound => {
  const answered = played.close.arrived.filter(({ outcome }) => outcome.kind !== 'dropped');
  const sum = (of: 'down' | 'compute' | 'up'): Seconds => seconds(answered.reduce((total, { cost }) => total + cost![of], 0));
  return {
    start: played.start,
    end: played.close.end,
    latencies: answered.map(({ cost }) => secondsOf(cost!)),
    down: sum('down'),
    compute: sum('compute'),
    up: sum('up'),
    profiles: profileRounds(names, played),
  };
};
