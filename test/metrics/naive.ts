/** Ranking metrics by their definitions: of one order of candidates, and as the mean over all orders that scores leave open. */
type Flags = readonly boolean[];
type Definition = (order: Flags, k: number) => number;

const count = (flags: Flags): number => flags.filter(Boolean).length;

const gain = (order: Flags, k: number): number =>
  order.slice(0, k).reduce((sum, hit, index) => sum + (hit ? Math.LN2 / Math.log(index + 2) : 0), 0);

export const DEFINITIONS: Readonly<Record<string, Definition>> = {
  hr: (order, k) => (order.slice(0, k).includes(true) ? 1 : 0),
  precision: (order, k) => count(order.slice(0, k)) / k,
  recall: (order, k) => count(order.slice(0, k)) / count(order),
  ndcg: (order, k) =>
    gain(order, k) /
    gain(
      [...order].sort((a, b) => Number(b) - Number(a)),
      k,
    ),
  mrr: (order) => 1 / (order.indexOf(true) + 1),
  auc: (order) => {
    const pairs = order.flatMap((first, i) => order.slice(i + 1).flatMap((second) => (first === second ? [] : [first])));
    return count(pairs) / pairs.length;
  },
};

export type Candidate = { readonly score: number; readonly relevant: boolean };

const permutations = <T>(items: readonly T[]): T[][] =>
  items.length === 0 ? [[]] : items.flatMap((item, index) => permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]));

const isSorted = (candidates: readonly Candidate[]): boolean =>
  candidates.every(({ score }, index) => {
    const before = candidates[index - 1];
    return before === undefined || Number.isNaN(score) || before.score >= score;
  });

/** The mean of a definition over every order in which no score comes before a greater one, NaN being the least. */
export const expected = (definition: Definition, candidates: readonly Candidate[], k: number): number => {
  const orders = permutations(candidates).filter(isSorted);
  return (
    orders.reduce(
      (sum, order) =>
        sum +
        definition(
          order.map(({ relevant }) => relevant),
          k,
        ),
      0,
    ) / orders.length
  );
};
