import type { Bytes, DeviceId, Joules, Seconds } from '../base/units.js';

/**
 * What an answer cost the device that gave it, or would have given it. These are facts of the simulation: they travel next to messages and
 * never inside one. A device that falls silent has a cost and no message.
 */
export type DeviceCost = {
  readonly device: DeviceId;
  /** Index of its profile in the fleet's mix. */
  readonly profile: number;
  /** Where the device fell silent; null: it answered. */
  readonly lost: DropStage | null;
  /** Virtual seconds spent on receiving, computing and sending. */
  readonly down: Seconds;
  readonly compute: Seconds;
  readonly up: Seconds;
  readonly bytesDown: Bytes;
  readonly bytesUp: Bytes;
  readonly operations: number;
  readonly energy: Joules;
  /** Share of each budget that is used after this answer. */
  readonly used: Readonly<Record<Resource, number>>;
};

/** unavailable: asleep or out of reach when asked; before, during, after: lost then, seen from the local training. */
export const DROP_STAGES = ['unavailable', 'before', 'during', 'after'] as const;
export type DropStage = (typeof DROP_STAGES)[number];

/**
 * What a device has only a limited amount of:
 *
 *   memory     the model and the ratings while the device trains
 *   storage    the ratings and what the device keeps
 *   dataPlan   of the period's allowance
 *   battery    missing from a full one
 *   compute    share of the seconds that went into computing
 */
export const RESOURCES = ['memory', 'storage', 'dataPlan', 'battery', 'compute'] as const;
export type Resource = (typeof RESOURCES)[number];
