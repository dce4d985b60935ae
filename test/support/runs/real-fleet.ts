import type { Outcomes } from '../../../src/events/outcomes.js';
import type { RoundFinished } from '../../../src/events/round.js';
import type { Traffic } from '../../../src/events/traffic.js';
import { finish } from '../transport/small-run.js';

/** Devices of every kind that come and go, refuse and fall silent. */
export const FLEET = {
  profiles: 'mix',
  availability: 'diurnal',
  leastAvailable: 0.6,
  mostAvailable: 0.9,
  dropoutBefore: 0.05,
  dropoutDuring: 0.05,
  dropoutAfter: 0.05,
};

export const runWith = (config: Readonly<Record<string, unknown>>, options: Parameters<typeof finish>[0] = {}) =>
  finish({ ...options, config: { fleet: FLEET, sampling: 'uniform', rounds: 10, ...config } });

export const policyOf = (kind: string) => ({ kind, deadline: 1, overSelection: 1.5, concurrency: 14, timeout: 30 });

export const sum = (counts: Readonly<Record<string, number | undefined>>): number =>
  Object.values(counts).reduce<number>((total, count) => total + (count ?? 0), 0);

export const accountedFor = ({ trained, refused, dropped, rejected, late, inFlight }: Outcomes): number =>
  trained + sum(refused) + sum(dropped) + sum(rejected) + late + inFlight;

export const bytesOf = (traffic: Traffic, direction: 'down' | 'up'): number =>
  traffic.filter((row) => row.direction === direction).reduce((total, row) => total + row.bytes, 0);

export const charged = ({ virtual }: RoundFinished, field: 'bytesDown' | 'bytesUp' | 'assigned'): number =>
  virtual!.profiles.reduce((total, profile) => total + profile[field], 0);
