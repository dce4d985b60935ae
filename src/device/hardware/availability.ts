import { random } from '../../base/random.js';
import type { DeviceId, Seconds } from '../../base/units.js';

/**
 * When devices can be reached. Each question "is this device there at t?" is answered by itself, in constant or logarithmic
 * time: nothing is kept for devices that nobody asks.
 *
 *   always    at any time
 *   diurnal   in each half hour with a chance that swings over the local day, highest at `peakHour`: devices that are idle,
 *             charging and on Wi-Fi are there mostly at night (Bonawitz et al., MLSys 2019, section 9: four times as many as by day)
 *   trace     in recorded intervals, repeated with `period`; a device takes the recording at its id modulo their number
 */
export type Availability =
  | { readonly kind: 'always' }
  | { readonly kind: 'diurnal'; readonly lowest: number; readonly highest: number; readonly peakHour: number }
  | { readonly kind: 'trace'; readonly trace: Trace };

/** Recordings as columns: intervals of recording i are offsets[i] … offsets[i + 1] − 1, ascending and apart. */
export type Trace = {
  readonly offsets: Uint32Array;
  /** Seconds; from[j] ≤ t < to[j]. */
  readonly from: Float64Array;
  readonly to: Float64Array;
  /** Seconds, by recording. */
  readonly period: Float64Array;
};

const DAY = 86_400;
const SLOT = 1800;

/** Whether a recording has the device there: the last interval that starts by then has not ended. */
const isRecorded = ({ offsets, from, to, period }: Trace, recording: number, now: Seconds): boolean => {
  const first = offsets[recording]!;
  const time = now % period[recording]!;
  let low = first;
  let high = offsets[recording + 1]!;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (from[middle]! <= time) low = middle + 1;
    else high = middle;
  }
  return low > first && time < to[low - 1]!;
};

/** `local`: the device's local time at `now`, in seconds. */
export const isAvailable = (availability: Availability, seed: number, device: DeviceId, now: Seconds, local: number): boolean => {
  switch (availability.kind) {
    case 'always':
      return true;
    case 'diurnal': {
      const { lowest, highest, peakHour } = availability;
      const slot = Math.floor(local / SLOT);
      const swing = (1 + Math.cos((2 * Math.PI * (slot * SLOT - peakHour * 3600)) / DAY)) / 2;
      return random(seed, 'available', device, slot).uniform() < lowest + (highest - lowest) * swing;
    }
    case 'trace':
      return isRecorded(availability.trace, device % (availability.trace.offsets.length - 1), now);
  }
};
