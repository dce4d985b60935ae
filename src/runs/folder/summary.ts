import type { ActivityGroup, MetricValues } from '../../events/evaluation.js';
import type { ProfileRound } from '../../events/outcomes.js';
import type { PrivacySpent } from '../../events/privacy-spent.js';
import type { Phase } from '../../events/round.js';
import type { RunFinished } from '../../events/run-event.js';
import type { Direction } from '../../events/traffic.js';
import type { Environment } from './environment.js';
import type { Bin } from './sketch.js';

/** The form of `summary.json`. Numbers that are not finite (a diverged run's) are null there, as is a measure of nothing. */
export type Summary = {
  readonly version: 1;
  readonly run: string;
  readonly algorithm: string;
  /** Name and version of what was learned by, with the SHA-256 of users' modules: a checkpoint goes on under the same text only. */
  readonly identity?: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly seed: number;
  /** SHA-256 of Θ, hex; null until the run has ended. */
  readonly digest: string | null;
  readonly environment: Environment;
  readonly dataset: DatasetFacts;
  /** Numbers in Θ; 0 until the run has started. */
  readonly parameters: number;
  readonly devices: number;

  /** Names of what was measured, in order, and which of it decided on the best epoch. */
  readonly metrics: readonly string[];
  readonly stopOn: string;
  /** Metrics of held-out ratings; null until an epoch has been evaluated. */
  readonly valid: AtBestAndLast;
  readonly test: AtBestAndLast;
  /** By activity: 5 % of the fleet each, least active first; empty where the fleet is too small, or nothing was evaluated. */
  readonly groups: readonly GroupScores[];
  readonly bestEpoch: number | null;
  readonly lastEpoch: number | null;
  /** On the same test ratings. */
  readonly baselines: Baselines;

  readonly bytes: BytesSpent;
  readonly messages: number;
  readonly latency: Latency;
  readonly memory: MemorySpent;

  /** `measured` is less than `total` when a resumed run had lost the counts of its earlier rounds; the costs cover `measured`. */
  readonly rounds: { readonly total: number; readonly measured: number; readonly clipped: number; readonly retries: number };
  readonly epochs: number;
  /** Device updates and ratings trained on, with repetition. */
  readonly updates: number;
  /** What became of the devices that were asked; virtual seconds and joules are null where no fleet is configured. */
  readonly asked: {
    readonly assigned: number;
    readonly refused: number;
    readonly dropped: number;
    readonly rejected: number;
    readonly late: number;
    readonly virtualSeconds: number | null;
    readonly energy: number | null;
  };
  /** By device profile; null where no fleet is configured. */
  readonly fleet: FleetSummary | null;
  readonly ratings: number;
  /** What the noise of all rounds has spent. null or absent: no update step adds noise. */
  readonly privacy?: PrivacySpent | null;
  readonly hosts: { readonly lost: number; readonly restored: number };
  /** Deaths of the coordinator's thread, each followed by the last checkpoint or the start. */
  readonly coordinators: { readonly lost: number };
  readonly checkpoints: number;
  readonly reason: RunFinished['reason'] | 'unfinished';
  /** All processes of the run together. */
  readonly wallMillis: number;
  /** Rounds after which the run was taken up again, oldest first. */
  readonly resumedFrom: readonly number[];
};

/** What rounds cost the simulated devices, all rounds together. */
export type FleetSummary = {
  /** Of rounds. */
  readonly policy: string;
  /** Virtual seconds from being asked to an answer's arrival. Percentiles are within 1 % of the true ones (sketch.ts); mean and max are exact. */
  readonly latencySeconds: {
    readonly answers: number;
    readonly mean: number;
    readonly p50: number;
    readonly p95: number;
    readonly p99: number;
    readonly max: number;
    readonly bins: readonly Bin[];
  };
  /** Upper bounds of the bins of `budgets`, as shares of a budget; the last bin takes the rest. */
  readonly budgetBounds: readonly number[];
  readonly profiles: readonly ProfileSums[];
};

/** Energy in joules. `budgets`: how often a device that was asked had used what share of it, afterwards. */
export type ProfileSums = Omit<ProfileRound, 'energy' | 'bytesDown' | 'bytesUp' | 'operations'> & {
  readonly devices: number;
  readonly energy: number;
  readonly bytesDown: number;
  readonly bytesUp: number;
};

export type AtBestAndLast = { readonly best: MetricValues | null; readonly last: MetricValues | null };
export type GroupScores = {
  readonly group: ActivityGroup;
  readonly devices: number;
  readonly valid: AtBestAndLast;
  readonly test: AtBestAndLast;
};
/** By the baseline's name. */
export type Baselines = Readonly<Record<string, MetricValues>>;

export type DatasetFacts = {
  readonly name: string;
  readonly users: number;
  readonly items: number;
  readonly ratings: { readonly train: number; readonly valid: number; readonly test: number };
  readonly scale?: { readonly lowest: number; readonly highest: number };
  /** SHA-256 of the ratings as they were split, hex. Runs of earlier versions have none. */
  readonly digest?: string;
};

export type ByDirection = Readonly<Record<Direction, number>>;

/** As encoded. Training is what the algorithm costs; evaluation is what watching it costs. */
export type BytesSpent = {
  readonly total: ByDirection;
  readonly training: ByDirection;
  readonly evaluation: ByDirection;
  /** Training bytes over the whole fleet's size, and over the measured rounds. */
  readonly perDevice: ByDirection;
  readonly perRound: ByDirection;
  readonly byKind: readonly TrafficRow[];
};

export type TrafficRow = {
  readonly purpose: 'training' | 'evaluation';
  readonly kind: string;
  readonly direction: Direction;
  readonly messages: number;
  readonly bytes: number;
};

/** Milliseconds. Percentiles are within 1 % of the true ones (sketch.ts); mean and max are exact. */
export type Latency = {
  readonly roundMillis: { readonly mean: number; readonly p50: number; readonly p95: number; readonly max: number };
  /** `share` is of the rounds' whole time. */
  readonly phases: Readonly<Record<Phase, { readonly millis: number; readonly share: number }>>;
  readonly deviceMillis: { readonly mean: number; readonly p50: number; readonly p95: number; readonly p99: number };
};

export type MemorySpent = {
  /** Highest resident set of any of the run's processes, all threads. */
  readonly rssPeakBytes: number;
  /** Most generated models held at once, and their bytes. */
  readonly residentModelsMax: number;
  readonly residentModelBytesMax: number;
};

/** What is known before the run starts. */
export type RunFacts = Pick<
  Summary,
  'run' | 'algorithm' | 'identity' | 'config' | 'seed' | 'environment' | 'dataset' | 'metrics' | 'stopOn' | 'baselines'
>;
