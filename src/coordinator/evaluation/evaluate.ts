import { type Millis, millis, type Seconds } from '../../base/units.js';
import type { GroupScore, Score } from '../../events/evaluation.js';
import { ACTIVITY_GROUPS } from '../../events/evaluation.js';
import type { Traffic } from '../../events/traffic.js';
import type { PartScore } from '../../messages/message.js';
import type { RoundContext } from '../round/round.js';
import type { ActivityGroups } from './activity-groups.js';
import { measureDevices } from './inspect.js';

export type Evaluation = {
  readonly valid: Score;
  readonly test: Score;
  readonly groups: readonly GroupScore[];
  readonly virtualTime: Seconds | null;
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
 * Measures Θ as it is after `round` on every device's held-out ratings. Each device receives its model and returns error
 * sums, added up in DeviceId order. Neither ratings nor predictions leave it. The coordinator knows how active each device is.
 * So the same sums give the errors of its `groups`.
 */
export const evaluate = async (
  context: RoundContext,
  round: number,
  devices: number,
  groups: ActivityGroups,
  virtualTime: Seconds | null,
): Promise<Evaluation> => {
  const start = performance.now();
  const total = tally();
  const tallies = groups === null ? [] : ACTIVITY_GROUPS.map((group) => ({ group, members: groups[group], sums: tally() }));
  await measureDevices(context, round, devices, (score) => {
    total.add(score);
    for (const { members, sums } of tallies) if (members.has(score.device)) sums.add(score);
  });
  context.devices.takeReport();
  return {
    ...total.read(),
    groups: tallies.map(({ group, members, sums }) => ({ group, devices: members.size, ...sums.read() })),
    virtualTime,
    traffic: context.devices.takeTraffic(),
    millis: millis(performance.now() - start),
  };
};
