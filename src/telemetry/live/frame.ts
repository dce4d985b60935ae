/**
 * The messages of the run's HTTP port to the live page, in one server-sent stream, as plain JSON.
 * A new reader gets a `snapshot`, and then a `frame` when something has changed: at most ten a second, for any number of rounds.
 * No field is a rating, and none belongs to a single device. This file has types alone, which server and browser share.
 */
export type Snapshot = {
  readonly run: RunCard;
  readonly frame: Frame;
  /** The curves of the rounds so far, thinned to a bounded number of points. */
  readonly history: History;
  readonly scores: readonly ScorePoint[];
  /** The latest lines of the log, oldest first. */
  readonly log: readonly LogLine[];
};

export type RunCard = {
  readonly name: string;
  readonly algorithm: string;
  readonly data: string;
  readonly devices: number;
  readonly items: number;
  readonly parameters: number;
  /** Planned rounds. 0 if a time ends the run. */
  readonly rounds: number;
  readonly epochs: number;
  readonly policy: string | null;
  /** The metric that decides on the best epoch. Empty until the run has begun. */
  readonly stopOn: string;
  /** Whether the train loss is the same metric, of other ratings. */
  readonly isLoss: boolean;
  /** 0 if no device is recorded. */
  readonly recorded: number;
  /** A few of the recorded devices, to try. */
  readonly examples: readonly number[];
};

export type Frame = {
  readonly state: 'starting' | 'running' | 'completed' | 'early-stopped' | 'budget-spent' | 'interrupted' | 'failed';
  /** Milliseconds since the run began. */
  readonly elapsed: number;
  readonly round: number;
  readonly epoch: number;
  /** The rate of the last few seconds. */
  readonly roundsPerSecond: number;
  /** Means over the rounds of this frame, in milliseconds. */
  readonly roundMillis: number;
  readonly phases: Readonly<Record<string, number>>;
  readonly loss: number | null;
  readonly gradientNorm: number | null;
  /** null: no update step adds noise. */
  readonly privacy: { readonly epsilon: number | null; readonly delta: number; readonly protects: string } | null;
  /** Of the whole run so far. */
  readonly bytes: { readonly down: number; readonly up: number };
  readonly outcomes: OutcomeCounts;
  /** Of the whole run so far. */
  readonly totals: OutcomeCounts;
  readonly residentModels: number;
  readonly residentBytes: number;
  readonly clippedShare: number;
  readonly map: FleetMap | null;
  readonly profiles: readonly ProfileCard[];
  /** The parts since the last frame, to append to those of the snapshot. `history` is whole if it was thinned anew. */
  readonly added: {
    /** The facts of the run, if they are new. */
    readonly run: RunCard | null;
    readonly history: History;
    readonly whole: boolean;
    readonly scores: readonly ScorePoint[];
    readonly log: readonly LogLine[];
  };
};

/** Counts of the rounds of this frame. Causes that did not occur are absent. */
export type OutcomeCounts = {
  readonly assigned: number;
  readonly trained: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly dropped: Readonly<Record<string, number>>;
  readonly rejected: Readonly<Record<string, number>>;
  readonly late: number;
};

/** One entry for each point. `round` is the last round of the point. The others are means over its rounds. */
export type History = {
  readonly round: readonly number[];
  readonly loss: readonly (number | null)[];
  readonly millis: readonly number[];
  readonly down: readonly number[];
  readonly up: readonly number[];
};

export type ScorePoint = {
  readonly round: number;
  readonly epoch: number;
  /** By metric; null: nothing was measured, or training has diverged. */
  readonly valid: Readonly<Record<string, number | null>>;
  readonly test: Readonly<Record<string, number | null>>;
  readonly best: boolean;
};

/** The fleet in cells of neighbouring device ids. Strings are base64 of one byte a cell. */
export type FleetMap = {
  readonly cells: number;
  readonly devices: number;
  /** How often devices of a cell were asked: byte/255 of `most`, which is per device. */
  readonly asked: string;
  readonly most: number;
  /** Share of the asked devices without an update: byte/255. */
  readonly missed: string;
  /** How often they were asked in this frame: byte/255 of the busiest cell. */
  readonly now: string;
};

export type ProfileCard = {
  readonly name: string;
  readonly devices: number;
  readonly assigned: number;
  readonly trained: number;
  /** Refused, dropped, rejected or late. */
  readonly lost: number;
  readonly energy: number;
  readonly bytes: number;
  /** By resource: the devices of the latest round by their used share, with bins at `bounds`, and one bin for the rest. */
  readonly budgets: Readonly<Record<string, readonly number[]>>;
  readonly bounds: readonly number[];
};

export type LogLine = { readonly elapsed: number; readonly level: 'note' | 'good' | 'bad'; readonly text: string };

/** The answer to /device?id=…. null: the device is not recorded. */
export type DeviceAnswer = {
  readonly device: number;
  readonly recorded: boolean;
  readonly flights: readonly {
    readonly round: number;
    readonly steps: readonly {
      readonly step: string;
      readonly millis: number;
      readonly bytes?: number;
      readonly took?: number;
      readonly reason?: string;
      readonly virtual?: number;
      readonly left?: Readonly<Record<string, number>>;
    }[];
  }[];
};
