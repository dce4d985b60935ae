import type { Random } from '../../base/random.js';
import { type DeviceId, type Seconds, seconds } from '../../base/units.js';
import { fromVector, lengthOf, type Total, type VectorLayout } from '../../privacy/secure/layout.js';
import type { ClientTask } from '../round/client-task.js';
import type { Delivered } from '../round/deliver.js';
import { costsByDevice, secondsOf } from '../round/device-costs.js';
import type { Exchange, Rejection } from '../round/devices.js';
import type { RoundClose } from '../round/policy.js';
import { beginSecureRound, endSecureRound } from './secure-sums.js';
import type { SecureSettings } from './settings.js';
import type { StageProgress } from './stage.js';

/** Secure sums as a round uses them: two exchanges before models are sent, and one after updates have come. */
export type SecureSums = {
  readonly begin: (
    request: { readonly exchange: Exchange; readonly round: number; readonly cohort: readonly DeviceId[] } & Clocked,
  ) => Promise<SecurePhase>;
};

type Clocked = { readonly now: Seconds | null; readonly timeout: Seconds };

export type SecurePhase = {
  readonly members: readonly DeviceId[];
  sharesFor(device: DeviceId): { readonly peers: Uint32Array; readonly sealed: Uint8Array };
  /** When models can leave. */
  readonly now: Seconds | null;
  /** Numbers of a masked vector. */
  readonly masked: number;
  /** Virtual seconds that a device waited for others so far. */
  waited(device: DeviceId): number;
  /** With what the first two exchanges left. */
  with(delivered: Delivered): Delivered;
  /** `tasks`: those whose masked vectors are summed. */
  end(tasks: readonly MaskedTask[], now: Seconds): Promise<Ended>;
};

export type MaskedTask = ClientTask & { readonly outcome: { readonly kind: 'update'; readonly masked?: Uint32Array } };

export type Ended = {
  /** null: nothing could be unmasked. */
  readonly total: Total | null;
  /** Why nothing was: one for each update. */
  readonly rejected: readonly Rejection[];
  readonly progress: StageProgress;
};

export const createSecureSums = (settings: SecureSettings, layout: VectorLayout, draw: (round: number) => Random): SecureSums => ({
  begin: async ({ exchange, round, cohort, now, timeout }) => {
    const begun = await beginSecureRound(settings, { exchange, round, cohort, now, timeout, source: draw(round) });
    const { members, progress, sharesFor } = begun;
    const passed = now === null || progress.now === null ? 0 : progress.now - now;
    const members0 = new Set(members);
    return {
      ...{ members, sharesFor, now: progress.now, masked: lengthOf(layout) },
      waited: (device) => {
        const own = progress.costs.get(device);
        return members0.has(device) && own !== undefined ? passed - secondsOf(own) : 0;
      },
      with: (delivered) => ({
        ...delivered,
        refusals: [...progress.refusals, ...delivered.refusals],
        rejected: [...progress.rejected, ...delivered.rejected],
        duplicates: progress.duplicates + delivered.duplicates,
        costs: costsByDevice([...delivered.costs.values()], progress.costs),
      }),
      end: async (tasks, end) => {
        const vectors = new Map(tasks.toSorted((a, b) => a.device - b.device).map(({ device, outcome }) => [device, outcome.masked!]));
        const ended = await endSecureRound(begun, vectors, { exchange, round, now: now === null ? null : end, timeout });
        const { unmasked } = ended;
        const total = 'sum' in unmasked ? fromVector(layout, unmasked.sum, begun.cohort) : null;
        const rejected = tasks.map(
          ({ device }): Rejection => ({ device, cause: 'too-few', text: `secure sum: ${'missing' in unmasked ? unmasked.missing : ''}` }),
        );
        return { total, rejected: total === null ? rejected : [], progress: ended.progress };
      },
    };
  },
});

/** Tasks with what the last exchange cost their devices. */
const charged = (tasks: readonly ClientTask[], { costs }: StageProgress): readonly ClientTask[] =>
  tasks.map((task) => {
    const more = costs.get(task.device);
    if (more === undefined || task.cost === null) return task;
    // A device that gave no share in the end was still heard in time.
    return { ...task, cost: { ...costsByDevice([more], new Map([[task.device, task.cost]])).get(task.device)!, lost: task.cost.lost } };
  });

/** The round's end, and its tasks, once the last exchange is over. */
export const closedAfter = <Tasks extends { readonly tasks: readonly ClientTask[]; readonly close: RoundClose }>(
  { tasks, close }: Tasks,
  { progress }: Ended,
): { readonly tasks: readonly ClientTask[]; readonly close: RoundClose } => ({
  tasks: charged(tasks, progress),
  close: { ...close, arrived: charged(close.arrived, progress), end: seconds(progress.now ?? close.end) },
});
