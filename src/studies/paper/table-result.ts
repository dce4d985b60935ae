import type { ActivityGroup } from '../../events/evaluation.js';
import type { Environment } from '../../runs/folder/environment.js';
import type { EpochPoint } from '../history.js';
import type { PairedTest } from '../statistics.js';
import type { OtherRow, PublishedFigure } from './definitions.js';

/** The form of `results/paper/<study>-<set>.json`: every figure with the command, the seed and the digest that reproduce it. */
export type TableResult = {
  readonly version: 1;
  readonly study: string;
  readonly title: string;
  readonly question: string;
  /** The `metafleet paper` command that made this. */
  readonly command: string;
  /** True: the runs were cut short to prove that the command works, and the figures are no measurement. */
  readonly quick: boolean;
  /** Runs that are still to be trained, when the command was interrupted. */
  readonly missing: readonly string[];
  readonly data: DataFacts;
  readonly environment: Environment;
  readonly lines: readonly LineResult[];
  readonly baselines: readonly BaselineResult[];
  readonly others: readonly OtherRow[];
  readonly comparisons: readonly Comparison[];
  readonly groups: boolean;
};

/** A paired test over users of two models that share these seeds. */
export type Comparison = {
  readonly first: string;
  readonly second: string;
  readonly seeds: readonly number[];
  readonly mae: PairedTest;
  readonly mse: PairedTest;
};

export type DataFacts = {
  readonly place: string;
  readonly name: string;
  /** Its name in the paper's tables, where it is one of the paper's. */
  readonly title: string | null;
  /** False where the configurations were never tuned or measured on this set. */
  readonly measured: boolean;
  readonly users: number;
  readonly items: number;
  readonly ratings: { readonly train: number; readonly valid: number; readonly test: number };
};

export type LineResult = { readonly label: string; readonly published: readonly PublishedFigure[]; readonly runs: readonly RunFigures[] };

/** What the paper's tables hold; null: nothing was measured. */
export type PaperErrors = { readonly mae: number | null; readonly mse: number | null };
export type ErrorsAt = { readonly epoch: number } & PaperErrors;

export type RunFigures = {
  readonly run: string;
  /** The `metafleet run` command that trains it alone, to the same digest. */
  readonly command: string;
  readonly seed: number;
  /** SHA-256 of Θ at the end. */
  readonly digest: string | null;
  /** SHA-256 of the ratings and their split. */
  readonly data: string;
  readonly reason: string;
  readonly parameters: number;
  /** To the paper's model. */
  readonly additions: readonly string[];
  /** Test errors at the epoch with the best validation MSE, and at the last one. */
  readonly best: ErrorsAt;
  readonly last: ErrorsAt;
  readonly bestValidMse: number | null;
  readonly groups: readonly ({ readonly group: ActivityGroup; readonly devices: number } & PaperErrors)[];
  readonly rounds: number;
  readonly epochs: number;
  /** Training bytes, over the whole fleet's size. */
  readonly bytesPerDevice: { readonly down: number; readonly up: number };
  readonly bytes: { readonly down: number; readonly up: number };
  /** Of all processes of the run, measurements included. */
  readonly wallMillis: number;
  /** Processor time of all threads until the last epoch; 0 where a run did not note it. */
  readonly cpuMillis: number;
  readonly curve: readonly EpochPoint[];
};

export type BaselineResult = {
  readonly label: string;
  readonly seeds: readonly ({ readonly seed: number } & PaperErrors)[];
};
