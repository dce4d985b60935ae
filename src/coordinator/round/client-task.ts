import type { ClientUpdate } from '../../algorithms/port/server.js';
import { type DeviceId, type Seconds, seconds } from '../../base/units.js';
import type { RejectionCause } from '../../events/outcomes.js';
import type { DeviceCost, DropStage } from '../../messages/device-cost.js';
import { type RefusalCause, refusalCause } from '../../messages/message.js';
import { type Expected, judgeForm } from './accept.js';
import type { Delivered } from './deliver.js';
import { secondsOf } from './device-costs.js';
import type { Rejection } from './devices.js';

/** What a device that was asked will turn out to have done: known here at once, to the coordinator it simulates when it arrives. */
export type TaskOutcome =
  | {
      readonly kind: 'update';
      readonly update: ClientUpdate;
      readonly loss: number;
      readonly marks?: readonly number[];
      readonly masked?: Uint32Array;
    }
  | { readonly kind: 'refused'; readonly cause: RefusalCause }
  | { readonly kind: 'dropped'; readonly stage: DropStage }
  | { readonly kind: 'rejected'; readonly cause: RejectionCause };

/** A device between being asked and its answer's arrival. */
export type ClientTask = {
  readonly device: DeviceId;
  /** The round it was asked in: its model is the one after `round` − 1 steps. */
  readonly round: number;
  readonly sent: Seconds;
  /** When its answer is there, or when the coordinator stops waiting for one. */
  readonly arrives: Seconds;
  /** null where devices take no virtual time. */
  readonly cost: DeviceCost | null;
  readonly outcome: TaskOutcome;
};

/** The events of virtual time in order: ties go by DeviceId, so that no order depends on how the work was spread. */
export const byArrival = (a: ClientTask, b: ClientTask): number => a.arrives - b.arrives || a.device - b.device;

export type Launch = {
  readonly round: number;
  readonly cohort: readonly DeviceId[];
  readonly now: Seconds;
  readonly timeout: Seconds;
  /** Time that a device waited for others before it was sent its model, with what it spent itself before. Default: none. */
  readonly waited?: (device: DeviceId) => number;
  /** Numbers of a masked vector. Default: updates are not masked. */
  readonly masked?: number;
};

const NO_ROWS = new Uint32Array(0);

/** One task for each device that was asked, in DeviceId order; and why answers were thrown away. */
export const launch = (
  expected: Expected,
  delivered: Delivered,
  { round, cohort, now, timeout, waited = () => 0, masked: length = 0 }: Launch,
): { readonly tasks: readonly ClientTask[]; readonly rejected: readonly Rejection[] } => {
  const { answers, refusals, rowsOf, costs } = delivered;
  const taskOutcomes = new Map<DeviceId, TaskOutcome>();
  const rejected = [...delivered.rejected];
  for (const answer of [...refusals, ...answers]) {
    if (answer.kind === 'refuse') taskOutcomes.set(answer.device, { kind: 'refused', cause: refusalCause(answer.reason) });
    if (answer.kind === 'masked') {
      const { device, data } = answer;
      const text = `update of device ${device}: expected ${4 * length} bytes, found ${data.length}`;
      if (data.length !== 4 * length) rejected.push({ device, cause: 'shape', text });
      else {
        const update = { device, count: 0, rows: NO_ROWS, tensors: [] };
        taskOutcomes.set(device, { kind: 'update', update, loss: 0, masked: new Uint32Array(Uint8Array.from(data).buffer) });
      }
    }
    if (answer.kind !== 'update') continue;
    const judged = judgeForm(expected, answer, rowsOf.get(answer.device) ?? null);
    if ('cause' in judged) rejected.push(judged);
    else
      taskOutcomes.set(answer.device, { kind: 'update', update: judged, loss: answer.loss, ...(answer.marks && { marks: answer.marks }) });
  }
  for (const { device, cause } of rejected) taskOutcomes.set(device, { kind: 'rejected', cause });
  const tasks = cohort.map((device): ClientTask => {
    const cost = costs.get(device) ?? null;
    // A device that takes longer than the timeout of a silent device has been given up by then.
    const lost = cost === null ? null : (cost.lost ?? (secondsOf(cost) > timeout ? 'after' : null));
    if (lost !== null)
      return { device, round, sent: now, arrives: seconds(now + timeout), cost, outcome: { kind: 'dropped', stage: lost } };
    const outcome = taskOutcomes.get(device);
    if (outcome === undefined) throw new Error(`device ${device} was asked, and nothing is known of its answer`);
    return { device, round, sent: now, arrives: seconds(now + (cost === null ? 0 : secondsOf(cost) + waited(device))), cost, outcome };
  });
  return { tasks, rejected };
};
