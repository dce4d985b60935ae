import { Command } from 'commander';
import { DEFAULT_DATASET } from '../../data/catalogue/catalogue.js';
import { type CountSpread, type DatasetDescription, type DescribedFeature, describeDataset } from '../../data/describe.js';
import { delimiterText } from '../../data/import/header.js';
import type { Reading } from '../../data/import/reader.js';
import { loadDataset } from '../../data/load.js';
import { plural } from '../../report/format.js';
import { addJson, answer, type JsonFlag } from '../json-output.js';
import { alignedTable, decimal, percent, whole } from './aligned-table.js';
import { addReadingFlags, note, READING_KEYS, readingOptions } from './data-flags.js';

const timeText = (time: number | null): string => (time === null ? '-' : new Date(1000 * time).toISOString().replace('.000Z', 'Z'));

const spreadText = ({ min, median, mean, max }: CountSpread): string =>
  `min ${whole(min)}, median ${decimal(median)}, mean ${mean.toFixed(1)}, max ${whole(max)}`;

const featureText = ({ name, words, width, known }: DescribedFeature): string =>
  `${name} (${words === undefined ? plural(width ?? 1, 'number') : plural(words, 'word')}, known of ${whole(known)})`;

/** What there is apart from ratings. */
const moreFacts = ({ feedback, times, titles, itemFeatures, userFeatures, cold }: DatasetDescription): [string, string][] => [
  ['feedback', feedback],
  ...(times === undefined ? [] : [['times', `${timeText(times.from)} to ${timeText(times.to)}`] as [string, string]]),
  ...(titles === 0 ? [] : [['item titles', whole(titles)] as [string, string]]),
  ...itemFeatures.map((feature): [string, string] => ['item feature', featureText(feature)]),
  ...userFeatures.map((feature): [string, string] => ['user feature', featureText(feature)]),
  ...(cold === undefined ? [] : [['cold', `${plural(cold.users, 'user')}, ${plural(cold.items, 'item')}`] as [string, string]]),
];

const descriptionText = (description: DatasetDescription): string => {
  const { sizes, scale, items, ratings, itemsWithoutTrain, bestMse } = description;
  const facts: [string, string][] = [
    ['dataset', description.name],
    ['users', whole(description.users)],
    ['items', whole(items)],
    ['ratings', whole(ratings)],
    ['sparsity', percent(description.sparsity)],
    ['split', `train ${whole(sizes.train)}, valid ${whole(sizes.valid)}, test ${whole(sizes.test)}`],
    ['ratings per user', spreadText(description.perUser)],
    ['ratings per item', spreadText(description.perItem)],
    ['items without train', `${whole(itemsWithoutTrain)} (${percent(itemsWithoutTrain / items)})`],
    ['scale', `${scale.lowest} to ${scale.highest}, ${scale.step === 0 ? 'continuous' : `step ${scale.step}`}`],
    ['mean rating', description.meanRating.toFixed(4)],
  ];
  facts.push(...moreFacts(description));
  if (bestMse !== undefined) facts.push(['best possible MSE', bestMse.toFixed(4)]);
  if (description.licence !== undefined) facts.push(['licence', description.licence]);
  if (description.citation !== undefined) facts.push(['cite', description.citation]);
  const bars = description.histogram.map(({ from, to, count }) => [
    from === to ? decimal(from) : `${decimal(from)}–${decimal(to)}`,
    whole(count),
    percent(count / ratings),
    '#'.repeat(Math.round((40 * count) / ratings)),
  ]);
  return `${alignedTable(facts, new Set())}\n${alignedTable([['RATING', 'COUNT', 'SHARE', ''], ...bars], new Set([0, 1, 2]))}`;
};

const FEEDBACK: Readonly<Record<Reading['feedback'], string>> = {
  explicit: 'explicit: ratings',
  counts: 'implicit: counts, of which each pair is taken for an interaction (feedback: explicit keeps the counts)',
  pairs: 'implicit: pairs without a rating',
};

/** What was recognised of a file, and its first rows as they were read. */
const readingText = (reading: Reading): string => {
  const { containers, columns, delimiter, header, counts, unrated, notes, rows, kept, sample } = reading;
  const facts: [string, string][] = [
    ['file', reading.path],
    ['format', reading.title],
    ['container', containers.join(', then ') || 'none'],
    ['encoding', reading.encoding],
  ];
  if (delimiter !== undefined)
    facts.push(['delimiter', `${delimiterText(delimiter)}, ${header === true ? 'below a header' : 'no header'}`]);
  facts.push(
    [
      'columns',
      Object.entries(columns)
        .map(([role, column]) => `${role}: ${column}`)
        .join('; '),
    ],
    ['feedback', FEEDBACK[reading.feedback]],
    ['rows', kept === rows ? whole(rows) : `${whole(rows)}, of which ${whole(kept)} are kept`],
  );
  if (unrated.length > 0) facts.push(['not rated', `${unrated.join(', ')} in this format: ${whole(counts.unrated)} rows`]);
  for (const note of notes) facts.push(['note', note]);
  const first = sample.map(({ user, item, rating, time }) => [`${user}`, `${item}`, rating === null ? '-' : `${rating}`, timeText(time)]);
  return `${alignedTable(facts, new Set())}\n${alignedTable([['USER', 'ITEM', 'RATING', 'TIME'], ...first], new Set([2]))}`;
};

/** `metafleet data describe SOURCE`: what was recognised, and what is in it. */
export const describeCommand = (): Command => {
  const command = addJson(new Command('describe'))
    .description('say what was recognised of a dataset, and describe it: counts, sparsity, activity, popularity, histogram')
    .argument('[source]', 'a catalogue name, the path of a file or folder, or synthetic:users=…', DEFAULT_DATASET);
  addReadingFlags(command, (key) => ['split', ...READING_KEYS].includes(key) || key.startsWith('splitting.'));
  return command.action(async (source: string, { json, ...flags }: JsonFlag & Readonly<Record<string, string>>) => {
    const options = readingOptions(flags);
    const readings: Reading[] = [];
    const dataset = await loadDataset(source, {
      ...options,
      onReading: (reading) => void readings.push(reading),
      onProgress: note,
    });
    const description = describeDataset(dataset);
    const files = (): string =>
      readings
        .slice(0, 3)
        .map((reading) => `${readingText(reading)}\n`)
        .join('');
    answer({ json }, { document: () => ({ ...description, files: readings }), text: () => `${files()}${descriptionText(description)}` });
  });
};
