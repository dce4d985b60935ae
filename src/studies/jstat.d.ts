/** jstat comes without types; this is what is used of it. */
declare module 'jstat' {
  /** Regularized incomplete beta function I(x; a, b); false outside 0 ≤ x ≤ 1. */
  const jstat: { ibeta(x: number, a: number, b: number): number | false };
  export default jstat;
}
