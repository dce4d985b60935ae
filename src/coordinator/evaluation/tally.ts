import { ACTIVITY_GROUPS, type GroupScore, type Score } from '../../events/evaluation.js';
import type { PartScore } from '../../messages/message.js';
import type { MetricSet } from '../../metrics/metric-set.js';
import type { ActivityGroups } from './activity-groups.js';

type UserScore = { readonly device: number; readonly valid: PartScore; readonly test: PartScore };

const sumsOf = (set: MetricSet) => {
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

/** Sums of users' scores, over all of them and by group. Users are added in ascending order, so that the sums have the same bits. */
export const createTally = (set: MetricSet, groups: ActivityGroups) => {
  const total = sumsOf(set);
  const tallies = groups === null ? [] : ACTIVITY_GROUPS.map((group) => ({ group, members: groups[group], sums: sumsOf(set) }));
  return {
    add: (score: UserScore): void => {
      total.add(score);
      for (const { members, sums } of tallies) if (members.has(score.device)) sums.add(score);
    },
    read: (): { valid: Score; test: Score; groups: readonly GroupScore[] } => ({
      ...total.read(),
      groups: tallies.map(({ group, members, sums }) => ({ group, devices: members.size, ...sums.read() })),
    }),
  };
};
