import type { ClientUpdate } from '../../algorithms/port/algorithm.js';
import { type DeviceId, type Seconds, seconds } from '../../base/units.js';
import type { RejectionCause } from '../../events/outcomes.js';
import type { DropStage } from '../../messages/device-cost.js';
import { type RefusalCause, refusalCause } from '../../messages/message.js';
import { type Expected, judgeForm } from './accept.js';
import type { Delivered } from './deliver.js';
import { secondsOf, type Trip } from './device-costs.js';
import type { Rejection } from './devices.js';

/** What a device that was asked will turn out to have done: known here at once, to the coordinator it simulates when it arrives. */
export type Fate =
  | { readonly kind: 'update'; readonly update: ClientUpdate; readonly loss: number }
  | { readonly kind: 'refused'; readonly cause: RefusalCause }
  | { readonly kind: 'dropped'; readonly stage: DropStage }
  | { readonly kind: 'rejected'; readonly cause: RejectionCause };

/** A device between being asked and its answer's arrival. */
export type Flight = {
  readonly device: DeviceId;
  /** The round it was asked in: its model is the one after `round` − 1 steps. */
  readonly round: number;
  readonly sent: Seconds;
  /** When its answer is there, or when the coordinator stops waiting for one. */
  readonly arrives: Seconds;
  /** null where devices take no virtual time. */
  readonly trip: Trip | null;
  readonly fate: Fate;
};

/** The events of virtual time in order: ties go by DeviceId, so that no order depends on how the work was spread. */
export const byArrival = (a: Flight, b: Flight): number => a.arrives - b.arrives || a.device - b.device;

export type Launch = { readonly round: number; readonly cohort: readonly DeviceId[]; readonly now: Seconds; readonly timeout: Seconds };

/** One flight for each device that was asked, in DeviceId order; and why answers were thrown away. */
export const launch = (
  expected: Expected,
  delivered: Delivered,
  { round, cohort, now, timeout }: Launch,
): { readonly flights: readonly Flight[]; readonly rejected: readonly Rejection[] } => {
  const { answers, refusals, rowsOf, trips } = delivered;
  const fates = new Map<DeviceId, Fate>();
  const rejected = [...delivered.rejected];
  for (const answer of [...refusals, ...answers]) {
    if (answer.kind === 'refuse') fates.set(answer.device, { kind: 'refused', cause: refusalCause(answer.reason) });
    if (answer.kind !== 'update') continue;
    const judged = judgeForm(expected, answer, rowsOf.get(answer.device) ?? null);
    if ('cause' in judged) rejected.push(judged);
    else fates.set(answer.device, { kind: 'update', update: judged, loss: answer.loss });
  }
  for (const { device, cause } of rejected) fates.set(device, { kind: 'rejected', cause });
  const flights = cohort.map((device): Flight => {
    const trip = trips.get(device) ?? null;
    // Whoever takes longer than a silent device is waited for has been given up by then.
    const lost = trip === null ? null : (trip.lost ?? (secondsOf(trip) > timeout ? 'after' : null));
    if (lost !== null) return { device, round, sent: now, arrives: seconds(now + timeout), trip, fate: { kind: 'dropped', stage: lost } };
    const fate = fates.get(device);
    if (fate === undefined) throw new Error(`device ${device} was asked, and nothing is known of its answer`);
    return { device, round, sent: now, arrives: seconds(now + (trip === null ? 0 : secondsOf(trip))), trip, fate };
  });
  return { flights, rejected };
};
