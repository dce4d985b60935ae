import type { z } from 'zod';
import type { Random } from '../../base/random.js';
import type { DeviceId, Seconds } from '../../base/units.js';
import type { ClientTask } from '../round/client-task.js';

/**
 * Which devices are asked in a round: a definition like an algorithm's. Cohorts are distinct devices in ascending order, none of them still
 * at work. A sampler is a function of the seed, the round and what it has learned, which is part of a checkpoint.
 */
export type SamplerDefinition<Options = unknown> = {
  readonly name: string;
  readonly version: string;
  readonly options: z.ZodType<Options>;
  readonly traits: SamplerTraits;
  create(options: Options, context: SamplerContext): Sampler;
};

export type SamplerTraits = {
  /** `choose` heeds Selection.devices: stages may then change which devices take part. */
  readonly heedsStages: boolean;
  /** Each epoch asks every device once, in a fixed number of rounds. Stages of the cohort and buffered rounds exclude that. */
  readonly everyDeviceOnce: boolean;
  /** What a device's chance is in proportion to, for predictions of costs: its training records; default: the same for all. */
  readonly inProportionTo?: 'records';
  /** A cohort may be larger or smaller than Selection.size, by chance. */
  readonly anySize?: true;
  /**
   * What an accountant may take for granted about who takes part in a round. `poisson`: each device by itself, with one chance.
   * `fixed`: a cohort of fixed size. It is drawn anew without replacement. Default: nothing. Then every device counts its own rounds.
   */
  readonly earns?: 'poisson' | 'fixed';
};

/** How ready a device is at a virtual time, as it says itself when it checks in. */
export type CheckIn = (device: DeviceId, now: Seconds) => 'charging' | 'reachable' | 'away';

export type SamplerContext = {
  /** A stream of its own for each list of keys, of the run's seed. */
  random(...keys: readonly (string | number)[]): Random;
  /** Devices of the fleet. */
  readonly devices: number;
  /** Devices asked in a round, at the start. */
  readonly cohort: number;
  readonly roundsPerEpoch: number;
  /** Training records by device. */
  readonly activity: Uint32Array;
  readonly checkIn: CheckIn;
};

/** A round is counted from 1. */
export type Selection = {
  readonly round: number;
  readonly size: number;
  readonly busy: ReadonlySet<DeviceId>;
  readonly now: Seconds;
  /** The first so many devices take part; all, where absent. Samplers that heed stages (traits) heed it. */
  readonly devices?: number;
};

export type Sampler = {
  /** Chooses `size` devices, or as many as there are; changes nothing. */
  choose(selection: Selection): readonly DeviceId[];
  /** Takes note of a finished round: who was asked, and who arrived. */
  learn(round: number, asked: readonly ClientTask[], arrived: readonly ClientTask[]): void;
  /** What it has learned: plain data, for the checkpoint; null where there is nothing. */
  state(): unknown;
  /** Throws for what it could not have learned. */
  restore(state: unknown): void;
};
