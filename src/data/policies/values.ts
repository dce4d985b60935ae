import type { Fail } from '../formats/reading.js';

export type Scale = { readonly lowest: number; readonly highest: number; readonly step: number };

/** What becomes of a rating outside of the scale. */
export const OUTSIDE = ['refuse', 'clip'] as const;

/** What becomes of the numbers of a file, one by one, before anything is known of the whole. */
export type ValuePolicy = {
  /** Values that stand for "not rated". Default: those that the format is known for. */
  readonly unrated?: readonly number[];
  /** What pairs that are not rated get as their rating. Default: they are left out. */
  readonly unratedAs?: number;
  /** The scale that ratings have. step 0: any value between. */
  readonly scale?: Scale;
  /** Default: refuse, an error. */
  readonly outside?: (typeof OUTSIDE)[number];
  /** Ratings from here on become 1, and those below are left out. What is left is implicit feedback. */
  readonly binarize?: number;
};

/** How many ratings a policy touched. */
export type ValueCounts = { unrated: number; clipped: number; below: number };

const onScale = (value: number, { lowest, highest, step }: Scale): boolean => {
  if (!(value >= lowest && value <= highest)) return false;
  if (step === 0) return true;
  const steps = (value - lowest) / step;
  return Math.abs(steps - Math.round(steps)) < 1e-6;
};

const scaleText = ({ lowest, highest, step }: Scale): string => `${lowest} to ${highest}${step === 0 ? '' : ` in steps of ${step}`}`;

/** The nearest value that a scale has. */
const clip = (value: number, { lowest, highest, step }: Scale): number => {
  const within = Math.min(highest, Math.max(lowest, value));
  return step === 0 ? within : Math.min(highest, lowest + step * Math.round((within - lowest) / step));
};

/**
 * A number as the file has it → the rating that is kept, or NaN to leave the row out. Counts what it does.
 * @throws MetafleetError DATA at a rating outside of the scale, unless `outside` is clip.
 */
export const valueFilter = (policy: ValuePolicy, known: readonly number[], counts: ValueCounts, fail: Fail) => {
  const { unratedAs, scale, outside = 'refuse', binarize } = policy;
  const unrated = policy.unrated ?? known;
  return (value: number | null, line: number): number => {
    // A format without ratings: the pair itself is what is known.
    if (Number.isNaN(value)) return 1;
    if (value === null || unrated.includes(value)) {
      counts.unrated++;
      if (unratedAs === undefined) return Number.NaN;
      return unratedAs;
    }
    if (binarize !== undefined) {
      if (value >= binarize) return 1;
      counts.below++;
      return Number.NaN;
    }
    if (scale === undefined || onScale(value, scale)) return value;
    if (outside === 'refuse') {
      const remedy = unrated.length === 0 ? ` (outside: clip takes it, unrated: [${value}] leaves it out)` : ' (outside: clip takes it)';
      throw fail(line, `a rating of ${scaleText(scale)}`, `${value}${remedy}`);
    }
    counts.clipped++;
    return clip(value, scale);
  };
};
