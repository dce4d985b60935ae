import type { FeedbackKind, Role } from './reading.js';

/** Names of columns as public data sets have them: lower case, letters only. Of several that are there, the earliest counts. */
const USER = [
  ...['userid', 'user', 'uid', 'reviewerid', 'reviewer', 'customerid', 'customer', 'memberid', 'member', 'visitorid', 'personid'],
  ...['gplususerid', 'accountid', 'listenerid', 'msno', 'reviewuserid', 'useridx', 'username', 'reviewprofilename', 'profilename'],
];
const ITEM = [
  ...[
    'itemid',
    'item',
    'iid',
    'movieid',
    'movie',
    'filmid',
    'film',
    'productid',
    'product',
    'bookid',
    'book',
    'isbn',
    'parentasin',
    'asin',
  ],
  ...['songid', 'song', 'trackid', 'artistid', 'businessid', 'business', 'animeid', 'gameid', 'appid', 'recipeid', 'beerid', 'beerbeerid'],
  ...[
    'videoid',
    'venueid',
    'locationid',
    'poiid',
    'placeid',
    'gplusplaceid',
    'gmapid',
    'jokeid',
    'articleid',
    'newsid',
    'courseid',
    'hotelid',
  ],
  ...['productproductid', 'bookmarkid', 'urlid', 'profileid', 'mediaid', 'animeuid', 'title', 'artist', 'track', 'game', 'name'],
];
const RATING = [
  ...['rating', 'ratings', 'overall', 'stars', 'star', 'score', 'bookrating', 'movierating', 'userrating', 'starrating', 'overallrating'],
  ...['reviewoverall', 'reviewscore', 'reviewrating', 'myscore'],
];
const COUNTS = [
  'weight',
  'playcount',
  'plays',
  'listeningcount',
  'listencount',
  'count',
  'counts',
  'watchratio',
  'playtimeforever',
  'hours',
];
const TIME = [
  ...[
    'timestamp',
    'unixreviewtime',
    'unixtime',
    'time',
    'reviewtime',
    'timestampms',
    'date',
    'datetime',
    'dateadded',
    'dateupdated',
    'reviewdate',
  ],
  ...['createdat', 'submissiondate', 'ratingtimestamp', 'utctime', 'eventtime', 'checkintime'],
];

/** RecBole writes types behind names: `user_id:token`. */
const TYPED = /:(token|token_seq|float|float_seq)$/;

export const isTyped = (name: string): boolean => TYPED.test(name);

/** The name without its type. */
export const plainName = (name: string): string => name.replace(TYPED, '');

const letters = (name: string): string =>
  plainName(name)
    .toLowerCase()
    .replace(/[^a-z]/g, '');

const indexOf = (known: readonly string[], names: readonly string[]): number => {
  const found = names.map((name) => known.indexOf(letters(name)));
  const best = found.filter((place) => place >= 0).sort((a, b) => a - b)[0];
  return best === undefined ? -1 : found.indexOf(best);
};

/** Where each role is among names, −1 where it is not. */
export type NamedRoles = Readonly<Record<Role, number>> & { readonly feedback: FeedbackKind };

export const rolesOf = (names: readonly string[]): NamedRoles => {
  const user = indexOf(USER, names);
  const item = indexOf(ITEM, names);
  const rated = indexOf(RATING, names);
  const counted = rated >= 0 ? -1 : indexOf(COUNTS, names);
  const feedback = rated >= 0 ? 'explicit' : counted >= 0 ? 'counts' : 'pairs';
  return { user, item, rating: rated >= 0 ? rated : counted, time: indexOf(TIME, names), feedback };
};

/** Whether a name is one that a rating column has. */
export const isRatingName = (name: string): boolean => RATING.includes(letters(name)) || COUNTS.includes(letters(name));

/** Whether names are a header of a rating file: user and item, and perhaps more. */
export const isHeader = ({ user, item }: NamedRoles): boolean => user >= 0 && item >= 0 && user !== item;

/** Values of "not rated" in sets that their header gives away, with the name of the set. */
export const setOfHeader = (names: readonly string[]): { readonly title: string; readonly unrated: readonly number[] } | undefined => {
  const has = (...wanted: readonly string[]): boolean => wanted.every((name) => names.some((each) => letters(each) === name));
  if (has('userid', 'isbn', 'bookrating')) return { title: 'Book-Crossing ratings', unrated: [0] };
  if (has('userid', 'isbn', 'rating')) return { title: 'Book-Crossing ratings', unrated: [0] };
  if (has('userid', 'animeid', 'rating')) return { title: 'Anime recommendations', unrated: [-1] };
  if (has('userid', 'bookid', 'isread', 'rating')) return { title: 'Goodreads interactions (UCSD)', unrated: [0] };
  if (has('userid', 'movieid', 'rating', 'timestamp')) return { title: 'MovieLens ratings, 20M, 25M and 32M form', unrated: [] };
  if (has('userid', 'artistid', 'weight')) return { title: 'HetRec Last.fm listening counts', unrated: [] };
  if (has('userid', 'movieid', 'rating', 'dateday')) return { title: 'HetRec MovieLens ratings', unrated: [] };
  if (has('userid', 'bookid', 'rating')) return { title: 'goodbooks-10k ratings', unrated: [] };
  if (has('userid', 'recipeid', 'date', 'rating')) return { title: 'Food.com reviews', unrated: [0] };
  if (has('userid', 'parentasin', 'rating', 'timestamp')) return { title: 'Amazon ratings, 2023 form', unrated: [] };
  if (has('timestamp', 'visitorid', 'event', 'itemid')) return { title: 'RetailRocket events', unrated: [] };
  if (has('userid', 'videoid', 'watchratio')) return { title: 'KuaiRec interactions', unrated: [] };
  if (has('userid', 'songid', 'playcount') || has('userid', 'itemid', 'playcount')) return { title: 'play counts', unrated: [] };
  return undefined;
};
