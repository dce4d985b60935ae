import { type Millis, millis, type Seconds } from '../../base/units.js';
import type { GroupScore, Score } from '../../events/evaluation.js';
import type { Traffic } from '../../events/traffic.js';
import { createMetricSet } from '../../metrics/metric-set.js';
import type { RoundContext } from '../round/round.js';
import type { ActivityGroups } from './activity-groups.js';
import { measureDevices } from './inspect.js';
import { createTally } from './tally.js';

export type Evaluation = {
  readonly valid: Score;
  readonly test: Score;
  readonly groups: readonly GroupScore[];
  readonly virtualTime: Seconds | null;
  readonly traffic: Traffic;
  readonly millis: Millis;
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
  const tally = createTally(set, groups);
  await measureDevices(context, round, devices, tally.add);
  context.devices.takeReport();
  return {
    ...tally.read(),
    virtualTime,
    traffic: context.devices.takeTraffic(),
    millis: millis(performance.now() - start),
  };
};
