import { random } from '../../base/random.js';
import { type DeviceId, type Seconds, seconds } from '../../base/units.js';

/** What is wrong with devices and their links beyond what their profiles say. Plain data: it crosses threads. */
export type DevicePerturbations = {
  /** Share of the devices whose link has so many times less bandwidth and more latency. */
  readonly degradedLinks: number;
  readonly linkFactor: number;
  /** Share of the devices with a wrong clock, up to so many hours ahead or behind. It moves when they are there, and when they charge. */
  readonly skewedClocks: number;
  readonly skewHours: number;
  /** Chance that an update is on its way longer, by exponentially distributed seconds of this mean. */
  readonly delayed: number;
  readonly delaySeconds: number;
};

/** Always the same devices. Keyed by (seed, purpose, device). */
export const linkFactorOf = ({ degradedLinks, linkFactor }: DevicePerturbations, seed: number, device: DeviceId): number =>
  degradedLinks > 0 && random(seed, 'bad link', device).uniform() < degradedLinks ? linkFactor : 1;

export const skewOf = ({ skewedClocks, skewHours }: DevicePerturbations, seed: number, device: DeviceId): Seconds => {
  if (skewedClocks === 0) return seconds(0);
  const { uniform } = random(seed, 'clock', device);
  return seconds(uniform() < skewedClocks ? (2 * uniform() - 1) * skewHours * 3600 : 0);
};

export const delayOf = ({ delayed, delaySeconds }: DevicePerturbations, seed: number, round: number, device: DeviceId): Seconds => {
  if (delayed === 0) return seconds(0);
  const { uniform } = random(seed, 'delay', round, device);
  return seconds(uniform() < delayed ? -delaySeconds * Math.log(1 - uniform()) : 0);
};
