import { type Millis, millis, type Seconds } from '../../base/units.js';
import type { GroupScore, Score } from '../../events/evaluation.js';
import { ACTIVITY_GROUPS } from '../../events/evaluation.js';
import type { Traffic } from '../../events/traffic.js';
import type { PartScore } from '../../messages/message.js';
import { createMetricSet, type MetricSet } from '../../metrics/metric-set.js';
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

const tally = (set: MetricSet) => {
  const empty = () => ({ count: 0, sums: new Float64Array(set.size) });
  const parts = { valid: empty(), test: empty() };
  const add = (into: { count: number; readonly sums: Float64Array }, { count, sums }: PartScore): void => {
    into.count += count;
    set.merge(into.sums, Float64Array.from(sums));
  };
  const read = ({ count, sums }: { readonly count: number; readonly sums: Float64Array }): Score => ({ count, metrics: set.values(sums) });
  return {
    add: (score: { readonly valid: PartScore; readonly test: PartScore }): void => {
      add(parts.valid, score.valid);
      add(parts.test, score.test);
    },
    read: (): { valid: Score; test: Score } => ({ valid: read(parts.valid), test: read(parts.test) }),
  };
};

/**
 * Measures Θ as it is after `round` on every device's held-out ratings. Each device receives its model and returns sums
 * of the metric set, added up in DeviceId order; neither ratings nor predictions leave it. The coordinator knows how active each
 * device is, so that the same sums measure its `groups`.
 */
export const evaluate = async (
  context: RoundContext,
  round: number,
  devices: number,
  groups: ActivityGroups,
  virtualTime: Seconds | null,
): Promise<Evaluation> => {
  const start = performance.now();
  const set = createMetricSet(context.settings.metrics);
  const total = tally(set);
  const tallies = groups === null ? [] : ACTIVITY_GROUPS.map((group) => ({ group, members: groups[group], sums: tally(set) }));
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
