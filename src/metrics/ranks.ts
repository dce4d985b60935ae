/** A number for each of one user's ratings or candidates. */
export type Scores = Float32Array | Float64Array;

/** Where one user's relevant candidates lie in the order of scores, best first. All that a ranking metric needs. */
export type Ranks = {
  /** How many candidates were scored. */
  readonly candidates: number;
  /** How many of them are relevant. */
  readonly relevant: number;
  /** Groups of equal score that hold a relevant candidate, best first. A score without an equal is a group of one. */
  readonly groups: readonly TieGroup[];
};

/** Candidates of one score: they take the positions above + 1 … above + tied, in an order that nothing decides. */
export type TieGroup = {
  /** Candidates with a greater score. */
  readonly above: number;
  /** Candidates with this score, relevant or not; at least 1. */
  readonly tied: number;
  /** Relevant candidates with this score; at least 1. */
  readonly hits: number;
};

/**
 * Ranks one user's candidates for all ranking metrics at once; `relevant` has one byte a candidate, other than 0 if relevant.
 * NaN scores rank last, tied with each other; 0 and −0 are equal. Only relevant scores are sorted, the others are counted between them.
 * For n candidates of which r are relevant it takes O(r log r + n log r).
 */
export const rank = (scores: Scores, relevant: Uint8Array): Ranks => {
  const found = relevantScores(scores, relevant);
  if (found.length === 0) return { candidates: scores.length, relevant: 0, groups: [] };
  const { levels, hits } = levelsOf(found);
  const numbers = Number.isNaN(levels.at(-1)) ? levels.length - 1 : levels.length;
  // between[i]: candidates that lie below level i − 1 and above level i.
  const between = new Uint32Array(levels.length + 1);
  const tied = new Uint32Array(levels.length);
  for (const score of scores) {
    const isLast = Number.isNaN(score);
    const at = isLast ? numbers : lowerBound(levels, numbers, -score);
    if (at < levels.length && (isLast || levels[at] === -score)) tied[at]!++;
    else between[at]!++;
  }
  let above = 0;
  const groups = hits.map((count, at) => {
    above += between[at]!;
    const group = { above, tied: tied[at]!, hits: count };
    above += group.tied;
    return group;
  });
  return { candidates: scores.length, relevant: found.length, groups };
};

/** Scores of relevant candidates, negated and sorted: the best first, NaN last, as a typed array sorts it. */
const relevantScores = (scores: Scores, relevant: Uint8Array): Float64Array => {
  let count = 0;
  for (let i = 0; i < relevant.length; i++) if (relevant[i] !== 0) count++;
  const found = new Float64Array(count);
  let at = 0;
  for (let i = 0; i < relevant.length; i++) if (relevant[i] !== 0) found[at++] = -scores[i]!;
  return found.sort();
};

/** Distinct values of a sorted array, and how often each occurs. */
const levelsOf = (sorted: Float64Array): { levels: Float64Array; hits: readonly number[] } => {
  const levels = new Float64Array(sorted.length);
  const hits: number[] = [];
  for (const key of sorted) {
    const last = hits.length - 1;
    if (last >= 0 && (levels[last] === key || (Number.isNaN(key) && Number.isNaN(levels[last])))) hits[last]!++;
    else {
      levels[hits.length] = key;
      hits.push(1);
    }
  }
  return { levels: levels.subarray(0, hits.length), hits };
};

/** The first of the first `count` levels that is not below `key`. */
const lowerBound = (levels: Float64Array, count: number, key: number): number => {
  let from = 0;
  let to = count;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (levels[middle]! < key) from = middle + 1;
    else to = middle;
  }
  return from;
};
