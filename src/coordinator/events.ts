import { type Bytes, bytes, type DeviceId, type Joules, type Millis, type Seconds } from '../base/units.js';
import type { DropStage, Resource } from '../messages/account.js';
import type { RefusalCause } from '../messages/message.js';
import type { Dtype } from '../messages/wire-tensor.js';
import type { ActivityGroup } from './activity-groups.js';

/**
 * What a run tells the world, as one stream. Progress, Prometheus, the results folder and reports observe it; the model
 * knows none of them. No event carries a rating, nor anything per device beyond latencies without ids, the few updates that
 * `rejections` explains, and the flights of the few devices that are recorded.
 */
export type RunEvent =
  | RunStarted
  | RoundFinished
  | EpochFinished
  | HostLost
  | HostRestored
  | CoordinatorLost
  | CoordinatorRestored
  | CheckpointWritten
  | CheckpointFailed
  | CheckpointRefused
  | RunFinished;

export type Direction = 'down' | 'up';
/** Bytes and messages as encoded, by message kind and direction. */
export type Traffic = readonly TrafficLine[];
export type TrafficLine = {
  readonly kind: string;
  readonly direction: Direction;
  /** Of the tensors in messages of this kind. */
  readonly dtype: Dtype | 'none';
  readonly messages: number;
  readonly bytes: Bytes;
  /** Messages by encoded size: at index i those of at most SIZE_BOUNDS[i] bytes and more than the bound before; at the end the larger ones. */
  readonly sizes: readonly number[];
};
/** Bytes by direction, over all kinds. */
export const bytesOf = (rows: readonly { readonly direction: Direction; readonly bytes: number }[]): Readonly<Record<Direction, Bytes>> => {
  const sum = { down: bytes(0), up: bytes(0) };
  for (const row of rows) sum[row.direction] = bytes(sum[row.direction] + row.bytes);
  return sum;
};
/** 64 B … 256 MiB, in steps of a factor of 4. */
export const SIZE_BOUNDS: readonly number[] = Array.from({ length: 12 }, (_, index) => 64 * 4 ** index);

export const THREAD_ROLES = ['coordinator', 'host'] as const;
export type ThreadRole = (typeof THREAD_ROLES)[number];
/** What threads of one role did beside their work: the longest delay of an event loop, time spent collecting garbage, JavaScript heap in use. */
export type ThreadUse = { readonly lagMillis: Millis; readonly gcMillis: Millis; readonly heapBytes: Bytes };

export type RunStarted = {
  readonly type: 'run-started';
  readonly devices: number;
  readonly items: number;
  readonly parameters: number;
  readonly ratings: { readonly train: number; readonly valid: number; readonly test: number };
  readonly roundsPerEpoch: number;
  readonly epochs: number;
  /** Rounds the whole run will take, if nothing stops it early; where stages end it after a time, no more than a bound. */
  readonly rounds: number;
  /** The time after which stages end the run: the simulated fleet's, or this machine's. null: rounds end it. */
  readonly ends: { readonly unit: 'virtual' | 'wall'; readonly after: Seconds } | null;
  /** Rounds done before this process: 0 when fresh. */
  readonly round: number;
  /** The simulated devices by profile, and how their rounds are run; null where no fleet is configured. */
  readonly fleet: {
    readonly policy: string;
    readonly profiles: readonly { readonly name: string; readonly devices: number }[];
  } | null;
};

/** Why the coordinator threw an update away. `norm`: beyond the bound; `stale`: of too old a model; `kind`: another message. */
export const REJECTIONS = [
  'malformed',
  'kind',
  'identity',
  'round',
  'shape',
  'dtype',
  'rows',
  'sums',
  'not-finite',
  'norm',
  'stale',
] as const;
export type RejectionCause = (typeof REJECTIONS)[number];

/**
 * What became of the devices a round turned to, and of those still at work from rounds before (buffered rounds only):
 *
 *   assigned + carried = trained + refused + dropped + rejected + late + inFlight
 *
 * where refused, dropped and rejected are summed over their causes; a cause that did not occur is absent.
 */
export type Outcomes = {
  readonly assigned: number;
  /** In flight when the round began. */
  readonly carried: number;
  /** Updates that stepped Θ. */
  readonly trained: number;
  readonly refused: Readonly<Partial<Record<RefusalCause, number>>>;
  readonly dropped: Readonly<Partial<Record<DropStage, number>>>;
  readonly rejected: Readonly<Partial<Record<RejectionCause, number>>>;
  /** Updates that came after the round had ended. */
  readonly late: number;
  /** At work when the round ended. */
  readonly inFlight: number;
};

/** Upper bounds of the bins of a budget's histogram, as shares of the budget; the last bin takes the rest. */
export const BUDGET_BOUNDS = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 1] as const;

/** What a round cost the devices of one profile. */
export type ProfileRound = {
  readonly name: string;
  readonly assigned: number;
  readonly trained: number;
  readonly refused: number;
  readonly dropped: number;
  readonly rejected: number;
  readonly late: number;
  readonly energy: Joules;
  readonly bytesDown: Bytes;
  readonly bytesUp: Bytes;
  readonly operations: number;
  /** By resource: how many of the devices asked in this round have used what share of it, in BUDGET_BOUNDS.length + 1 bins. */
  readonly budgets: Readonly<Record<Resource, readonly number[]>>;
};

/** A round in virtual time: what it would have been on real devices. */
export type VirtualRound = {
  readonly start: Seconds;
  readonly end: Seconds;
  /** From being asked to the answer's arrival, of each answer that arrived in this round. Order carries no meaning. */
  readonly latencies: readonly Seconds[];
  /** Sums of the same answers' time for receiving, computing and sending. */
  readonly down: Seconds;
  readonly compute: Seconds;
  readonly up: Seconds;
  readonly profiles: readonly ProfileRound[];
};

/** A step of a recorded device's round. */
export type FlightStep = {
  readonly step: 'sampled' | 'asked' | 'received' | 'trained' | 'uploaded' | 'refused' | 'dropped' | 'rejected' | 'late';
  /** Wall time since the round turned to its first device. */
  readonly millis: Millis;
  /** Of the message, as encoded. */
  readonly bytes?: Bytes;
  /** Of the local step: decode, forward, backward, encode. */
  readonly took?: Millis;
  /** Why she was refused, dropped or rejected. */
  readonly reason?: string;
  /** With the last step of her own, where a fleet is configured: virtual seconds she took, from being asked to her answer or her silence. */
  readonly virtual?: Seconds;
  /** With the same: shares of her budgets that are left. */
  readonly left?: Readonly<Partial<Record<Resource, number>>>;
};

/** What befell one recorded device in a round, in order. */
export type RecordedFlight = { readonly device: DeviceId; readonly steps: readonly FlightStep[] };

/**
 * The fleet in at most MAP_CELLS cells of neighbouring devices, device d in cell ⌊d · cells / devices⌋: how many devices of each the round
 * turned to, and how many of them sent an update. A round that was run again counts all attempts.
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
  /** Mean squared error over the cohort's batches, before the step (eq. 8). */
  readonly loss: number;
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
  /** Of the recorded devices among those the round turned to. */
  readonly flights: readonly RecordedFlight[];
  readonly map: RoundMap;
};

/** Mean absolute and squared error (eq. 11, 12) over `count` held-out ratings. */
export type Score = { readonly mae: number; readonly mse: number; readonly count: number };

/** Errors of one group of devices: 5 % of the fleet each, with the fewest, middling and the most training ratings. */
export type GroupScore = { readonly group: ActivityGroup; readonly devices: number; readonly valid: Score; readonly test: Score };

export type EpochFinished = {
  readonly type: 'epoch';
  readonly epoch: number;
  readonly round: number;
  /** Mean loss over the epoch's rounds, weighted by ratings. */
  readonly trainLoss: number;
  readonly valid: Score;
  readonly test: Score;
  /** By activity, least active first; empty for a fleet too small to group (under 30 devices). */
  readonly groups: readonly GroupScore[];
  /** True where this is the best validation MSE so far. */
  readonly best: boolean;
  /** Virtual time of the measurement, which takes none itself; null where no fleet is configured. */
  readonly virtualTime: Seconds | null;
  /** Of the measurement itself. */
  readonly traffic: Traffic;
  readonly millis: Millis;
};

export type HostLost = { readonly type: 'host-lost'; readonly host: number; readonly reason: string };
export type HostRestored = { readonly type: 'host-restored'; readonly host: number; readonly devices: number };
/** Θ was lost with its thread; what follows the last checkpoint, or the start, is computed again. */
export type CoordinatorLost = { readonly type: 'coordinator-lost'; readonly round: number; readonly reason: string };
/** `round`: the last one that is not run again. */
export type CoordinatorRestored = { readonly type: 'coordinator-restored'; readonly round: number };
export type CheckpointWritten = {
  readonly type: 'checkpoint';
  readonly path: string;
  readonly round: number;
  readonly bytes: Bytes;
  /** From the round's end until the file was there; rounds went on meanwhile, but for `waited`. */
  readonly millis: Millis;
  /** How long a round had to wait before it could change Θ. */
  readonly waited: Millis;
};
/** The run goes on without; it is tried again later. `reason` says what to do. */
export type CheckpointFailed = {
  readonly type: 'checkpoint-failed';
  readonly path: string;
  readonly round: number;
  readonly reason: string;
};
/** A checkpoint to continue from is damaged; `instead`, of `round`, was taken. */
export type CheckpointRefused = {
  readonly type: 'checkpoint-refused';
  readonly path: string;
  readonly reason: string;
  readonly instead: string;
  readonly round: number;
};
export type RunFinished = {
  readonly type: 'run-finished';
  readonly reason: 'completed' | 'early-stopped' | 'interrupted';
  readonly round: number;
  readonly epoch: number;
  /** SHA-256 of Θ, hex. */
  readonly digest: string;
  readonly millis: Millis;
};
