/**
 * What the guard compares ratios with: work of a kernel or round over that of its yardstick in the same run. Work is the time the process
 * computed; lower is better. They were measured with Node 20 on Zen 5; another processor may need its own. `npm run bench guard` prints
 * what it finds, and a lasting gain is entered here.
 */
export const TOLERANCE = 1.3;

export type Guarded = keyof typeof EXPECTED;

export const EXPECTED = {
  /** Kernels over their reference. */
  gemm: 0.036,
  generateItems: 0.031,
  generateRows: 0.083,
  backwardRows: 0.05,
  adam: 0.1,
  'adam without gradient': 0.096,
  /** Rounds over the kernels they cannot do without: generation and Adam's pass. */
  'full round over its floor': 1.38,
  'small round over its floor': 2.4,
  /** Rounds without work worth mentioning, over one reference product: dispatch, messages, events. */
  'fixed cost of a round': 0.015,
  'FedAvg round': 0.06,
} as const;

export type Verdict = {
  readonly name: Guarded;
  readonly measured: number;
  readonly expected: number;
  readonly worse: number;
  readonly passed: boolean;
};

export const judge = (name: Guarded, measured: number): Verdict => {
  const expected = EXPECTED[name];
  const worse = measured / expected;
  return { name, measured, expected, worse, passed: worse <= TOLERANCE };
};
