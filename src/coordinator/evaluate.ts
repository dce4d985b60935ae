import { badInput } from '../base/errors.js';
import { type DeviceId, deviceId, type Millis, millis } from '../base/units.js';
import type { PartScore } from '../messages/message.js';
import { ACTIVITY_GROUPS, type ActivityGroups } from './activity-groups.js';
import { deliver } from './deliver.js';
import type { GroupScore, Score, Traffic } from './events.js';
import type { RoundContext } from './round.js';

/** Devices measured at a time: enough to keep every host busy, few enough that a fleet of any size streams through. */
const CHUNK = 256;

export type Evaluation = {
  readonly valid: Score;
  readonly test: Score;
  readonly groups: readonly GroupScore[];
  readonly traffic: Traffic;
  readonly millis: Millis;
};

const ZERO: PartScore = { count: 0, absolute: 0, squared: 0 };

const add = (a: PartScore, b: PartScore): PartScore => ({
  count: a.count + b.count,
  absolute: a.absolute + b.absolute,
  squared: a.squared + b.squared,
});

/** MAE (eq. 11) and MSE (eq. 12); both 0 over no ratings at all. */
const scoreOf = ({ count, absolute, squared }: PartScore): Score => ({
  count,
  mae: absolute / Math.max(1, count),
  mse: squared / Math.max(1, count),
});

const tally = () => {
  let valid = ZERO;
  let test = ZERO;
  return {
    add: (part: { readonly valid: PartScore; readonly test: PartScore }): void => {
      valid = add(valid, part.valid);
      test = add(test, part.test);
    },
    read: (): { valid: Score; test: Score } => ({ valid: scoreOf(valid), test: scoreOf(test) }),
  };
};

/**
 * Measures Θ as it is after `round` on every device's held-out ratings. Each device receives her model and returns error
 * sums, added up in DeviceId order; neither ratings nor predictions leave her. The coordinator knows how active each device is,
 * so that the same sums tell the errors of its `groups`.
 */
export const evaluate = async (context: RoundContext, round: number, devices: number, groups: ActivityGroups): Promise<Evaluation> => {
  const start = performance.now();
  const total = tally();
  const tallies = groups === null ? [] : ACTIVITY_GROUPS.map((group) => ({ group, members: groups[group], sums: tally() }));
  for (let first = 0; first < devices; first += CHUNK) {
    const cohort: DeviceId[] = Array.from({ length: Math.min(CHUNK, devices - first) }, (_, i) => deviceId(first + i));
    context.server.prepare(cohort);
    const exchange = await context.devices.open();
    const delivery = context.settings.evaluationDelivery;
    const { answers } = await deliver(context, { round, purpose: 'evaluate', delivery, cohort }, exchange);
    for (const answer of answers) {
      if (answer.kind === 'refuse') continue;
      if (answer.kind !== 'score') throw badInput('MESSAGE', `answer of device ${answer.device}`, 'score or refuse', answer.kind);
      total.add(answer);
      for (const { members, sums } of tallies) if (members.has(answer.device)) sums.add(answer);
    }
  }
  context.devices.takeReport();
  return {
    ...total.read(),
    groups: tallies.map(({ group, members, sums }) => ({ group, devices: members.size, ...sums.read() })),
    traffic: context.devices.takeTraffic(),
    millis: millis(performance.now() - start),
  };
};
