import { random } from '../../base/random.js';
import { type DeviceId, type Joules, joules, type Seconds, seconds } from '../../base/units.js';
import { advance } from './battery.js';
import { type DeviceProfile, type FleetSetup, localTime } from './profile.js';

/**
 * What each device has left of what runs out, in shared memory that outlives a host's thread: 52 bytes a device. There are two
 * versions, before and after the last round of a device. So a round that runs again starts from the same state as the first time.
 */
export type Budgets = {
  /** By device of the shard: the round of the newer version; 0: never took part. */
  readonly rounds: Uint32Array<SharedArrayBuffer>;
  /** (devices, 2, 3): joules in the battery, bytes used of the data plan's period, virtual time of both. */
  readonly versions: Float64Array<SharedArrayBuffer>;
};

const FIELDS = 3;

export const createBudgets = (devices: number): Budgets => ({
  rounds: new Uint32Array(new SharedArrayBuffer(4 * devices)),
  versions: new Float64Array(new SharedArrayBuffer(8 * 2 * FIELDS * devices)),
});

/** At virtual time `at`. */
export type BudgetLevel = { readonly battery: Joules; readonly dataUsed: number; readonly at: Seconds };

/** Batteries start anywhere between their reserve and full. */
const initial = ({ battery }: DeviceProfile, seed: number, device: DeviceId): BudgetLevel => {
  const share = battery.reserve + (1 - battery.reserve) * random(seed, 'battery', device).uniform();
  return { battery: joules(share * battery.capacity), dataUsed: 0, at: seconds(0) };
};

/** A device's level in `round`: `before` it took part, or as its first message of the round left it. */
export const levelIn = (
  { rounds, versions }: Budgets,
  index: number,
  round: number,
  stage: 'before' | 'within',
  start: () => BudgetLevel,
): BudgetLevel => {
  const last = rounds[index]!;
  if (last === 0) return start();
  const version = stage === 'before' && last >= round ? 0 : 1;
  const at = (2 * index + version) * FIELDS;
  return { battery: joules(versions[at]!), dataUsed: versions[at + 1]!, at: seconds(versions[at + 2]!) };
};

export const firstLevel =
  (setup: FleetSetup, profile: DeviceProfile, device: DeviceId): (() => BudgetLevel) =>
  () =>
    initial(profile, setup.seed, device);

/** As device/actor/private-state.ts keeps its states, and in that order. */
export const keepLevel = ({ rounds, versions }: Budgets, index: number, round: number, before: BudgetLevel, after: BudgetLevel): void => {
  const write = (version: number, { battery, dataUsed, at }: BudgetLevel): void =>
    versions.set([battery, dataUsed, at], (2 * index + version) * FIELDS);
  write(0, before);
  rounds[index] = round;
  write(1, after);
};

/** A level at a later time: the battery drained and charged meanwhile, and a new period of the data plan may have begun. */
export const levelAt = (setup: FleetSetup, profile: DeviceProfile, device: DeviceId, level: BudgetLevel, now: Seconds): BudgetLevel => {
  const { period } = profile.dataPlan;
  const samePeriod = Math.floor(level.at / period) === Math.floor(now / period);
  const local = localTime(setup, device, now);
  const battery = advance(profile.battery, level.battery, local - (now - level.at), local);
  return { battery, dataUsed: samePeriod ? level.dataUsed : 0, at: now };
};
