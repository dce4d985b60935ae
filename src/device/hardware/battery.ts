import { type Joules, joules } from '../../base/units.js';
import type { Battery } from './profile.js';

/**
 * What a battery holds after a span of virtual time, in closed form. A device that is not asked costs nothing, however long.
 *
 * Over a span with constant power, a level x becomes min(high, max(low, x + add)). The same form holds for several spans in a row:
 * such maps compose into one of their kind. A year of days is one day's map raised to the 365th power.
 */
type Change = { readonly add: number; readonly low: number; readonly high: number };

const DAY = 86_400;

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

const apply = ({ add, low, high }: Change, level: number): number => clamp(level + add, low, high);

const then = (first: Change, second: Change): Change => ({
  add: first.add + second.add,
  low: apply(second, first.low),
  high: apply(second, first.high),
});

/** `change`, `times` ≥ 1 times in a row. */
const repeat = (change: Change, times: number): Change => {
  if (times === 1) return change;
  const half = repeat(change, Math.floor(times / 2));
  const twice = then(half, half);
  return times % 2 === 0 ? twice : then(twice, change);
};

/** The map of a span that is at most a day long. */
const within = ({ capacity, idle, charge }: Battery, from: number, to: number): Change => {
  const starts = charge.from * 3600;
  const length = charge.hours * 3600;
  const over = (seconds: number, watts: number): Change => ({ add: seconds * watts, low: 0, high: capacity });
  let change = over(0, 0);
  // Seconds since the plug went in last.
  let phase = (((from - starts) % DAY) + DAY) % DAY;
  for (let left = to - from; left > 0; ) {
    const charging = phase < length;
    const step = Math.min(left, (charging ? length : DAY) - phase);
    change = then(change, over(step, charging ? charge.watts - idle : -idle));
    left -= step;
    phase = (phase + step) % DAY;
  }
  return change;
};

/** The level at local time `to`, given the one at local time `from`. */
export const advance = (battery: Battery, level: Joules, from: number, to: number): Joules => {
  const span = Math.max(0, to - from);
  const days = Math.floor(span / DAY);
  const start = days === 0 ? level : apply(repeat(within(battery, from, from + DAY), days), level);
  return joules(apply(within(battery, from, from + (span - days * DAY)), start));
};
