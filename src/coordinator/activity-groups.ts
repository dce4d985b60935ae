/**
 * Who is left out: devices grouped by activity, their number of training ratings. Each group is 5 % of the fleet (as in the
 * independent reproduction of MetaMF's results): the least active, those in the middle, the most active; ties in DeviceId order.
 */
export const ACTIVITY_GROUPS = ['low', 'medium', 'high'] as const;
export type ActivityGroup = (typeof ACTIVITY_GROUPS)[number];

const SHARE = 0.05;
/** Errors of a group of one would be those of a device. */
const LEAST_DEVICES = 2;

/** The devices of each group, by group; null for a fleet whose groups would be a single device. */
export type ActivityGroups = Readonly<Record<ActivityGroup, ReadonlySet<number>>> | null;

export const groupByActivity = (activity: Uint32Array): ActivityGroups => {
  const devices = activity.length;
  const size = Math.round(SHARE * devices);
  if (size < LEAST_DEVICES) return null;
  const order = Uint32Array.from(activity, (_, device) => device).sort((a, b) => activity[a]! - activity[b]! || a - b);
  const from = (start: number): ReadonlySet<number> => new Set(order.subarray(start, start + size));
  return { low: from(0), medium: from(Math.floor((devices - size) / 2)), high: from(devices - size) };
};
