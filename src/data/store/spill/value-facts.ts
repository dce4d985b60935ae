import type { Scale } from '../../import/reader.js';

/** What ratings are like, gathered while they are read: the range, the steps that all are multiples of, and how many differ. */
export type ValueFacts = {
  lowest: number;
  highest: number;
  /** By STEPS: whether all are multiples so far. */
  readonly fits: boolean[];
  /** The different ratings as float32, or null where there are more than 256. */
  different: Set<number> | null;
};

/** Distances between neighbouring ratings that a scale is inferred to have; 0 (continuous) when none fits. */
const STEPS = [1, 0.5, 0.25, 0.2, 0.1] as const;

const MOST_CODES = 256;

export const noFacts = (): ValueFacts => ({
  lowest: Number.POSITIVE_INFINITY,
  highest: Number.NEGATIVE_INFINITY,
  fits: STEPS.map(() => true),
  different: new Set(),
});

export const addValue = (facts: ValueFacts, value: number): void => {
  if (value < facts.lowest) facts.lowest = value;
  if (value > facts.highest) facts.highest = value;
  for (let i = 0; i < STEPS.length; i++) {
    if (facts.fits[i] && !(Math.abs(value / STEPS[i]! - Math.round(value / STEPS[i]!)) < 1e-6)) facts.fits[i] = false;
  }
  if (facts.different?.add(Math.fround(value)) && facts.different.size > MOST_CODES) facts.different = null;
};

/** `addValue`, but not again for a rating that was among the last ones: nearly all are. */
export const valueGatherer = (facts: ValueFacts): ((value: number) => void) => {
  const recent = new Float64Array(256).fill(Number.NaN);
  return (value) => {
    const slot = (value * 20) & 255;
    if (recent[slot] === value) return;
    recent[slot] = value;
    addValue(facts, value);
  };
};

export const mergeFacts = (all: readonly ValueFacts[]): ValueFacts => {
  const merged = noFacts();
  for (const { lowest, highest, fits, different } of all) {
    merged.lowest = Math.min(merged.lowest, lowest);
    merged.highest = Math.max(merged.highest, highest);
    for (let i = 0; i < STEPS.length; i++) merged.fits[i] = merged.fits[i]! && fits[i]!;
    if (different === null) merged.different = null;
    else for (const value of different) merged.different?.add(value);
  }
  if (merged.different !== null && merged.different.size > MOST_CODES) merged.different = null;
  return merged;
};

/** The narrowest scale that holds all values. */
export const scaleOf = ({ lowest, highest, fits }: ValueFacts): Scale => ({ lowest, highest, step: STEPS.find((_, i) => fits[i]) ?? 0 });

/** Ratings by code, ascending, where a byte is enough for a code. */
export const codesOf = ({ different }: ValueFacts): number[] | undefined =>
  different === null ? undefined : [...different].sort((a, b) => a - b);
