import type { Bytes, Millis } from '../base/units.js';
import type { RecordedFlight } from './flights.js';
import type { Outcomes, VirtualRound } from './outcomes.js';
import type { PrivacySpent } from './privacy-spent.js';
import type { Direction, Traffic } from './traffic.js';

export const THREAD_ROLES = ['coordinator', 'host'] as const;
export type ThreadRole = (typeof THREAD_ROLES)[number];

/** What threads of one role did apart from their work: an event loop's longest delay, garbage collection, JavaScript heap in use. */
export type ThreadUse = { readonly lagMillis: Millis; readonly gcMillis: Millis; readonly heapBytes: Bytes };

/**
 * The fleet in at most MAP_CELLS cells of neighbouring devices, device d in cell ⌊d · cells / devices⌋. A cell counts how many of its devices
 * the round asked, and how many of them sent an update. A round that was run again counts all attempts.
 */
export type RoundMap = { readonly asked: Uint32Array; readonly answered: Uint32Array };

/** 48 × 24. */
export const MAP_CELLS = 1152;

export const PHASES = ['sample', 'generate', 'devices', 'backward', 'step'] as const;
export type Phase = (typeof PHASES)[number];

export type RoundFinished = {
  readonly type: 'round';
  /** Counted from 1 over the whole run. */
  readonly round: number;
  readonly epoch: number;
  readonly cohort: number;
  readonly ratings: number;
  /** Mean squared error over the cohort's batches, before the step (eq. 8). null: no device said its loss. */
  readonly loss: number | null;
  /** Global norm of the mean gradient before clipping. */
  readonly gradientNorm: number;
  readonly clipped: boolean;
  readonly traffic: Traffic;
  readonly millis: Millis;
  readonly phases: Readonly<Record<Phase, Millis>>;
  /** Each device's local step: decode, forward, backward, encode. Order carries no meaning. */
  readonly deviceMillis: readonly Millis[];
  /** Models delivered to devices in this round, and models evicted by a host's budget. */
  readonly activated: number;
  readonly evicted: number;
  /** Generated models held by the hosts now, and their bytes. */
  readonly residentModels: number;
  readonly residentBytes: Bytes;
  readonly retries: number;
  /** What all threads of the process have computed since the round before. */
  readonly cpuMillis: Millis;
  readonly outcomes: Outcomes;
  /** After this round. null: no update step adds noise. */
  readonly privacy: PrivacySpent | null;
  /** Answers nobody waited for, such as copies; thrown away. */
  readonly duplicates: number;
  /** Why updates were rejected, one sentence each, for the first few of the round. */
  readonly rejections: readonly string[];
  /** Updates applied, by the number of steps Θ took since their model was made: staleness[0] by none; the last entry counts the rest. */
  readonly staleness: readonly number[];
  /** null where no fleet is configured. */
  readonly virtual: VirtualRound | null;
  /** How long each frame waited, after it was sent, for the thread it was for: a host (down), the coordinator (up). */
  readonly queueMillis: Readonly<Record<Direction, readonly Millis[]>>;
  readonly threads: Readonly<Record<ThreadRole, ThreadUse>>;
  /** Shared memory of the kernels: parameters, gradients, optimizer state, scratch. */
  readonly kernelBytes: Bytes;
  /** The flights of the recorded devices that the round asked. */
  readonly flights: readonly RecordedFlight[];
  readonly map: RoundMap;
};
