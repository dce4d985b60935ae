import type { CatalogueEntry } from './entry.js';

/** Sets that no address gives without a form, an account or terms. Their owners' pages say how to get them; a copy is read by its path. */
const byHand = (
  name: string,
  title: string,
  address: string,
  rest: Pick<CatalogueEntry, 'licence' | 'citation'> & Partial<CatalogueEntry>,
): CatalogueEntry => ({
  name,
  title,
  users: null,
  items: null,
  ratings: null,
  scale: null,
  split: 'none',
  source: { kind: 'page', address },
  integrity: 'not pinned',
  layout: {},
  folders: [name],
  ...rest,
});

const STARS = { lowest: 1, highest: 5, step: 1 } as const;

export const BY_HAND: readonly CatalogueEntry[] = [
  byHand('netflix', 'Netflix Prize', 'https://www.netflixprize.com', {
    ...{ users: 480_189, items: 17_770, ratings: 100_480_507, scale: STARS },
    licence: 'research use under the rules of the prize; no longer given out by its owner',
    citation: 'J. Bennett, S. Lanning: The Netflix Prize. KDD Cup and Workshop 2007',
  }),
  byHand('goodbooks-10k', 'goodbooks-10k', 'https://github.com/zygmuntz/goodbooks-10k', {
    ...{ users: 53_424, items: 10_000, ratings: 5_976_479, scale: STARS },
    licence: 'CC BY-SA 4.0',
    citation: 'Z. Zajac: Goodbooks-10k: a new dataset for book recommendations. FastML, 2017',
  }),
  byHand('jester', 'Jester 1, jokes', 'https://eigentaste.berkeley.edu/dataset/', {
    ...{ users: 73_421, items: 100, scale: { lowest: -10, highest: 10, step: 0 }, layout: { unrated: [99] } },
    licence: 'free for research use; cite the paper, and notify the authors',
    citation: 'K. Goldberg et al.: Eigentaste: A Constant Time Collaborative Filtering Algorithm. Information Retrieval 4(2), 2001',
  }),
  byHand('amazon-2018', 'Amazon reviews, 2014 and 2018, by category', 'https://nijianmo.github.io/amazon/', {
    scale: STARS,
    licence: 'the page states no licence; it asks for a citation',
    citation: 'J. Ni, J. Li, J. McAuley: Justifying Recommendations using Distantly-Labeled Reviews and Fine-Grained Aspects. EMNLP 2019',
  }),
  byHand('amazon-2023', 'Amazon reviews, 2023, by category', 'https://amazon-reviews-2023.github.io/', {
    scale: STARS,
    licence: 'the page states no licence; it asks for a citation',
    citation: 'Y. Hou et al.: Bridging Language and Items for Retrieval and Recommendation. arXiv:2403.03952, 2024',
  }),
  byHand('yelp', 'Yelp Open Dataset', 'https://www.yelp.com/dataset', {
    scale: STARS,
    licence: 'Yelp Dataset User Agreement: academic use',
    citation: 'Yelp Open Dataset, https://www.yelp.com/dataset',
  }),
  byHand('filmtrust', 'FilmTrust', 'https://guoguibing.github.io/librec/datasets.html', {
    ...{ users: 1_508, items: 2_071, ratings: 35_497, scale: { lowest: 0.5, highest: 4, step: 0.5 } },
    licence: 'the page states no licence; it asks for a citation',
    citation: 'G. Guo, J. Zhang, N. Yorke-Smith: A Novel Bayesian Similarity Measure for Recommender Systems. IJCAI 2013',
  }),
  byHand('epinions', 'Epinions', 'http://www.trustlet.org/epinions.html', {
    ...{ scale: STARS },
    licence: 'the page states no licence; it asks for a citation',
    citation: 'P. Massa, P. Avesani: Trust-aware Recommender Systems. ACM RecSys 2007',
  }),
  byHand('steam', 'Steam: libraries and reviews', 'https://cseweb.ucsd.edu/~jmcauley/datasets.html', {
    licence: 'the page states no licence; it asks for a citation',
    citation: 'W.-C. Kang, J. McAuley: Self-Attentive Sequential Recommendation. IEEE ICDM 2018',
  }),
  byHand('anime', 'Anime Recommendations Database', 'https://www.kaggle.com/datasets/CooperUnion/anime-recommendations-database', {
    ...{ scale: { lowest: 1, highest: 10, step: 1 }, layout: { unrated: [-1] } },
    licence: 'CC0',
    citation: 'CooperUnion: Anime Recommendations Database. Kaggle, 2016; data of myanimelist.net',
  }),
  byHand('lastfm-360k', 'Last.fm 360K, play counts', 'http://ocelma.net/MusicRecommendationDataset/lastfm-360K.html', {
    ...{ users: 359_347, ratings: 17_559_530 },
    licence: 'non-commercial use, with permission of Last.fm',
    citation: 'O. Celma: Music Recommendation and Discovery in the Long Tail. Springer, 2010',
  }),
];
