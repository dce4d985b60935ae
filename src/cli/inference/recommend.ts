import { Command, Option } from 'commander';
import { badInput } from '../../base/errors.js';
import { idIn, type Names } from '../../inference/ids.js';
import type { Recommendation } from '../../inference/recommend.js';
import type { StoredModel } from '../../inference/stored-model.js';
import { formatCount, plural } from '../../report/format.js';
import { addJson, answer } from '../json-output.js';
import { addModelFlags, modelPhrase, noteLine, withModel } from './model-flags.js';
import { REASONS, type RecommendFlags, sizesOf } from './recommend-flags.js';

/** What `recommend` answers for one user. `user` is null for one who is not in the data. */
export type Recommended = {
  readonly run: string;
  readonly model: string;
  readonly user: string | null;
  /** Items that the user has rated, which are left out. */
  readonly rated: number;
  /** Given ratings of items that the data do not have. */
  readonly unknown: number;
  readonly recommendations: readonly Recommendation[];
};

const WIDEST_TITLE = 32;
const WIDEST_REASONS = 52;

const cut = (text: string, width: number): string => (text.length <= width ? text : `${text.slice(0, width - 1)}…`);

/** As many reasons as fit. */
const reasonText = ({ because }: Recommendation): string => {
  const texts = because.map(({ item, title, rating }) => `${cut(title ?? item, WIDEST_TITLE)} (${rating})`);
  return texts.reduce((line, text) => (line.length + text.length + 2 <= WIDEST_REASONS ? `${line}, ${text}` : line), texts.shift() ?? '');
};

const recommendedText = ({ run, model, user, rated, recommendations }: Recommended, { items }: Names): string => {
  const who = user === null ? 'a new user' : `user ${user}`;
  const heading = `${who}, ${run} (${model}): ${formatCount(items.count)} items, ${formatCount(rated)} rated ones left out\n\n`;
  if (recommendations.length === 0) return `${heading}no item is left\n`;
  const hasTitles = recommendations.some(({ title }) => title !== null);
  const hasReasons = recommendations.some(({ because }) => because.length > 0);
  const rows = [
    ['', 'PREDICTION', 'ITEM', ...(hasTitles ? ['TITLE'] : []), ...(hasReasons ? ['BECAUSE YOU RATED'] : [])],
    ...recommendations.map((each) => [
      String(each.rank),
      each.prediction.toFixed(2),
      each.item,
      ...(hasTitles ? [cut(each.title ?? '', WIDEST_TITLE)] : []),
      ...(hasReasons ? [reasonText(each)] : []),
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const pad = (cell: string, column: number): string => (column < 2 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!));
  return heading + rows.map((row) => `${row.map(pad).join('  ').trimEnd()}\n`).join('');
};

/** For a user of the data, or for one whose ratings are in a file. */
const recommendOne = async (user: string | undefined, flags: RecommendFlags, model: StoredModel, names: Names): Promise<Recommended> => {
  const [{ createRecommending, ratingsIn, SEEN }, { knownRatings, readGivenRatings }] = await Promise.all([
    import('../../inference/recommend.js'),
    import('../../inference/tables/tables.js'),
  ]);
  const { dataset, recommender, run } = model;
  const sizes = sizesOf(flags, REASONS);
  const recommending = createRecommending(dataset, names);
  const about = { run, model: modelPhrase(model) };
  if (flags.ratings !== undefined) {
    const { ratings, unknown } = knownRatings(await readGivenRatings(flags.ratings), names.items, dataset.scale, flags.ratings);
    noteLine(`a new user gets ${recommender.newUsers}`);
    if (unknown > 0) noteLine(`${flags.ratings}: ${plural(unknown, 'rating')} of items that the data do not have, passed over`);
    const recommendations = recommending.best(recommender.newUser(ratings), ratings, sizes);
    return { ...about, user: null, rated: ratings.items.length, unknown, recommendations };
  }
  const dense = idIn(names.users, user!, 'user', 'user');
  const rated = ratingsIn(dataset, dense, SEEN[flags.seen]);
  const [own] = recommender.models([dense]);
  return { ...about, user: user!, rated: rated.items.length, unknown: 0, recommendations: recommending.best(own!, rated, sizes) };
};

const checkWords = (user: string | undefined, { ratings, all, out, format, json }: RecommendFlags): void => {
  const asked = [user !== undefined && 'a user', ratings !== undefined && '--ratings', all === true && '--all'].filter(
    (word) => word !== false,
  );
  if (asked.length !== 1) throw badInput('CONFIG', 'recommend', 'one of a user, --ratings and --all', asked.join(' and ') || 'none');
  if (all !== true && out !== undefined) throw badInput('CONFIG', 'flag --out', '--all with it', 'none');
  if (format === 'parquet' && (all !== true || out === undefined))
    throw badInput('CONFIG', 'flag --format', '--all and --out with parquet', out === undefined ? 'no --out' : 'no --all');
  if (json === true && format === 'parquet') throw badInput('CONFIG', 'flag --json', 'the format ndjson with it', 'parquet');
};

/** `metafleet recommend USER --run results/<run>`: the best items that the user has not rated, and why. */
export const recommendCommand = (): Command =>
  addJson(addModelFlags(new Command('recommend')))
    .argument('[user]', 'id of the user, as the data have it')
    .option('--top <items>', 'how many items', '10')
    .option('--reasons <items>', `rated items that explain each (default: ${REASONS}; with --all: 0)`)
    .addOption(
      new Option('--seen <parts>', "whose items are left out: all of the user's, or those of the training part")
        .choices(['all', 'train'])
        .default('all'),
    )
    .option('--ratings <file>', 'instead of a user: a table of item and rating, of a user who is not in the data')
    .option('--all', 'instead of a user: every user, one line of NDJSON each, or Parquet')
    .addOption(new Option('--format <name>', 'of --all').choices(['ndjson', 'parquet']).default('ndjson'))
    .option('--out <file>', 'where --all writes (default: stdout)')
    .action(async (user: string | undefined, flags: RecommendFlags) => {
      checkWords(user, flags);
      await withModel(flags, flags.all === true, async (model, names) => {
        if (flags.all === true) {
          const { recommendAll } = await import('./recommend-all.js');
          return recommendAll(flags, model, names);
        }
        const recommended = await recommendOne(user, flags, model, names);
        return answer(flags, { document: () => recommended, text: () => recommendedText(recommended, names) });
      });
    });
