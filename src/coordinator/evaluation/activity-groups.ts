import type { ActivityGroup } from '../../events/evaluation.js';

const SHARE = 0.05;
/** Errors of a group of one would be those of a device. */
const LEAST_DEVICES = 2;

/** The devices of each group, by group; null for a fleet whose groups would be a single device. */
export type ActivityGroups = Readonly<Record<ActivityGroup, ReadonlySet<number>>> | null;

export const groupByActivity = (activity: Uint32Array): ActivityGroups => {
  const devices = activity.length;
  const size = Math.round(SHARE * devices);
  if (size < LEAST_DEVICES) return null;
  const order = Uint32Array.from({ length: devices }, (_, device) => device).sort((a, b) => activity[a]! - activity[b]! || a - b);
  const from = (start: number): ReadonlySet<number> => new Set(order.subarray(start, start + size));
  return { low: from(0), medium: from(Math.floor((devices - size) / 2)), high: from(devices - size) };
};
