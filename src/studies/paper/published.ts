/**
 * Figures as others have published them, for the tables that compare them with ours. They are shown, never computed with, and nothing in
 * metafleet's own results depends on them.
 *
 *   PAPER          Y. Lin, P. Ren, Z. Chen, Z. Ren, D. Yu, J. Ma, M. de Rijke, X. Cheng: Meta Matrix Factorization for Federated Rating
 *                  Predictions. SIGIR 2020. doi:10.1145/3397271.3401081; tables 2, 3 and 4
 *   REPRODUCTION   P. Müllner, D. Kowald, E. Lex: Robustness of Meta Matrix Factorization Against Strict Privacy Constraints. ECIR 2021.
 *                  arXiv:2101.06927; an independent reproduction with the authors' code
 */
export const PAPER = 'Lin et al., SIGIR 2020, doi:10.1145/3397271.3401081';
export const REPRODUCTION = 'Müllner, Kowald, Lex, ECIR 2021, arXiv:2101.06927';

/** The sets of the paper, by the sizes that tell them (table 1). */
export const PAPER_SETS = {
  douban: { title: 'Douban', users: 2_509, items: 39_576 },
  'hetrec-ml': { title: 'Hetrec-MovieLens', users: 2_113, items: 10_109 },
  'ml-1m': { title: 'MovieLens 1M', users: 6_040, items: 3_706 },
  ciao: { title: 'Ciao', users: 7_375, items: 105_096 },
} as const;
export type PaperSet = keyof typeof PAPER_SETS;

export const paperSetOf = ({ users, items }: { readonly users: number; readonly items: number }): PaperSet | undefined =>
  (Object.keys(PAPER_SETS) as PaperSet[]).find((name) => PAPER_SETS[name].users === users && PAPER_SETS[name].items === items);

/** [MAE, MSE] on the test part. */
export type Published = readonly [mae: number, mse: number];
type BySet = Readonly<Partial<Record<PaperSet, Published>>>;

/** The four sets in the order of the paper's columns. */
const columns = (douban: Published, hetrec: Published, ml1m: Published, ciao: Published): BySet => ({
  douban,
  'hetrec-ml': hetrec,
  'ml-1m': ml1m,
  ciao,
});

const METAMF = columns([0.584, 0.549], [0.571, 0.578], [0.687, 0.76], [0.774, 1.043]);

export const TABLE_2: Readonly<Record<string, BySet>> = {
  NMF: columns([0.602, 0.585], [0.625, 0.676], [0.727, 0.848], [0.75, 1.039]),
  PMF: columns([0.639, 0.701], [0.617, 0.644], [0.703, 0.788], [1.501, 3.97]),
  'SVD++': columns([0.593, 0.57], [0.579, 0.59], [0.671, 0.74], [0.738, 0.963]),
  LLORMA: columns([0.61, 0.623], [0.588, 0.603], [0.675, 0.748], [1.349, 3.396]),
  RBM: columns([1.058, 1.749], [1.124, 1.947], [1.122, 2.078], [1.132, 2.091]),
  'AutoRec-U': columns([0.709, 0.911], [0.66, 0.745], [0.678, 0.775], [1.673, 5.671]),
  'AutoRec-I': columns([0.704, 0.804], [0.633, 0.694], [0.663, 0.715], [0.792, 1.038]),
  NCF: columns([0.583, 0.547], [0.572, 0.575], [0.675, 0.739], [0.735, 0.937]),
  FedRec: columns([0.76, 0.927], [0.846, 1.265], [0.907, 1.258], [0.865, 1.507]),
  MetaMF: METAMF,
};

export const TABLE_3: Readonly<Record<string, BySet>> = {
  MetaMF: METAMF,
  'MetaMF-SI': columns([0.586, 0.552], [0.59, 0.615], [0.696, 0.784], [0.732, 0.925]),
  'MetaMF-SM': columns([0.595, 0.571], [0.595, 0.622], [0.697, 0.788], [0.789, 1.061]),
};

export const TABLE_4: Readonly<Record<string, BySet>> = {
  '(8, [2, 1], [32, 128])': { douban: [0.584, 0.548], 'hetrec-ml': [0.575, 0.584] },
  '(16, [4, 1], [64, 256])': { douban: [0.587, 0.552], 'hetrec-ml': [0.573, 0.582] },
  '(32, [8, 1], [128, 512])': { douban: [0.584, 0.549], 'hetrec-ml': [0.571, 0.578] },
  '(64, [16, 1], [256, 1024])': { 'hetrec-ml': [0.578, 0.591] },
};

/** MetaMF after 100 epochs, the last one kept, by the reproduction. */
export const REPRODUCED: BySet = { 'ml-1m': [0.687, 0.765], ciao: [0.774, 1.125] };

/** MAE of 5 % of the users each, with few, a middling number of and many ratings, by the reproduction. */
export const REPRODUCED_GROUPS: Readonly<Partial<Record<PaperSet, Readonly<Record<'low' | 'medium' | 'high', number>>>>> = {
  'ml-1m': { low: 0.77, medium: 0.706, high: 0.673 },
};

/** MAE by the share of each user's ratings, 1 to 0.1, by the reproduction. */
export const REPRODUCED_BUDGETS: Readonly<Partial<Record<PaperSet, readonly number[]>>> = {
  // biome-ignore lint/suspicious/noApproximativeNumericConstant: a published figure that happens to be near ln 2
  'ml-1m': [0.687, 0.698, 0.691, 0.684, 0.693, 0.705, 0.725, 0.757, 0.834, 0.891],
};

/** The authors' step in PyTorch: docs/benchmarks/peers.md (`npm run bench peers`) has 417 ratings a second in batches of 64. */
export const TORCH_PEER = {
  millisPerStep: 153,
  source: 'npm run bench peers, in docs/benchmarks/peers.md: batches of 64 at 417 ratings a second',
};
