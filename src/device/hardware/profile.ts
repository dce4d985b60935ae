import { random } from '../../base/random.js';
import type { Bytes, DeviceId, Joules, Seconds } from '../../base/units.js';
import { type DevicePerturbations, skewOf } from '../faults/perturbations.js';
import type { Availability } from './availability.js';

/** What a kind of device can do, and what doing it costs the device. Plain data, in base units: it crosses threads. */
export type DeviceProfile = {
  readonly name: string;
  /** What the recommender may hold while it trains: model, update and ratings. */
  readonly memory: Bytes;
  /** What it may keep: ratings, private state, the last model. */
  readonly storage: Bytes;
  /** Floating-point operations a second. */
  readonly computeRate: number;
  readonly down: Link;
  readonly up: Link;
  readonly battery: Battery;
  readonly energy: { readonly perByteReceived: Joules; readonly perByteSent: Joules; readonly perOperation: Joules };
  /** Bytes, both ways, that may be used in each period; periods start at virtual time 0. */
  readonly dataPlan: { readonly bytes: Bytes; readonly period: Seconds };
};

/** Log-normal around its median; sigma 0: always the median. */
export type LogNormal = { readonly median: number; readonly sigma: number };

/** `latency` in seconds, `bandwidth` in bytes a second; drawn anew for each message. */
export type Link = { readonly latency: LogNormal; readonly bandwidth: LogNormal };

export type Battery = {
  readonly capacity: Joules;
  /** Share of the capacity below which the device takes no work. */
  readonly reserve: number;
  /** Watts drawn at all times, the use by its owner included. */
  readonly idle: number;
  /** Watts from the plug, every day from an hour of local time on, for some hours. */
  readonly charge: { readonly watts: number; readonly from: number; readonly hours: number };
};

/** The chances that a device that takes part falls silent then. */
export type DropoutChances = { readonly before: number; readonly during: number; readonly after: number };

/** A simulated fleet: what its devices are like and how they behave. Plain data: it crosses threads. */
export type FleetSetup = {
  readonly seed: number;
  readonly profiles: readonly DeviceProfile[];
  /** Share of the devices with each profile; they add up to 1. */
  readonly shares: readonly number[];
  /** Offsets from UTC in hours; each device lives in one of them. */
  readonly zones: readonly number[];
  /** Hour of the day, UTC, at virtual time 0. */
  readonly startHour: number;
  readonly availability: Availability;
  readonly dropout: DropoutChances;
  /** Absent: none. */
  readonly perturbations?: DevicePerturbations;
};

const DAY = 86_400;

/** Index of a device's profile. */
export const profileOf = ({ seed, shares }: Pick<FleetSetup, 'seed' | 'shares'>, device: DeviceId): number => {
  let rest = random(seed, 'profile', device).uniform();
  for (let index = 0; index < shares.length - 1; index++) {
    rest -= shares[index]!;
    if (rest < 0) return index;
  }
  return shares.length - 1;
};

/** Seconds since local midnight of the first day, where a device lives, by its own clock. */
export const localTime = ({ seed, zones, startHour, perturbations }: FleetSetup, device: DeviceId, now: Seconds): number => {
  const zone = zones[random(seed, 'zone', device).integer(zones.length)]!;
  const skew = perturbations === undefined ? 0 : skewOf(perturbations, seed, device);
  return now + skew + (startHour + zone + 24) * 3600;
};

/** Whether the plug is in at a local time. */
export const isCharging = ({ charge }: Battery, local: number): boolean => {
  const since = (((local - charge.from * 3600) % DAY) + DAY) % DAY;
  return since < charge.hours * 3600;
};
