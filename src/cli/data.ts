import { Command, Option } from 'commander';
import { fetchDataset } from '../data/catalogue/cache.js';
import { CATALOGUE, type CatalogueEntry, catalogueEntry, DEFAULT_DATASET } from '../data/catalogue/catalogue.js';
import { type CountSpread, type DatasetDescription, describeDataset } from '../data/describe.js';
import { loadDataset } from '../data/load.js';
import { type DescribeFlags, note, number, parseColumns, parseDelimiter, parseScale } from './data/flags.js';
import { importCommand } from './data/import.js';

const whole = (count: number): string => count.toLocaleString('en-US', { maximumFractionDigits: 0 });
const decimal = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 4 });
const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

/** Columns padded to their widest cell, two spaces apart; `right` lists the numeric ones. */
const table = (rows: readonly (readonly string[])[], right: ReadonlySet<number>): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (right.has(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd();
  return rows.map((row) => `${line(row)}\n`).join('');
};

const sourceOf = ({ source }: CatalogueEntry): string => {
  switch (source.kind) {
    case 'npm':
      return `npm ${source.spec}`;
    case 'zip':
      return source.address;
    case 'files':
      return source.addresses[0]!.replace('.train.', '.{train,valid,test}.');
  }
};

const integrityOf = ({ integrity }: CatalogueEntry): string =>
  integrity === 'not pinned' ? 'integrity: not pinned' : integrity.startsWith('md5-') ? 'md5' : 'sha512';

const listTable = (): string =>
  table(
    [
      ['NAME', 'USERS', 'ITEMS', 'RATINGS', 'SCALE', 'SPLIT', 'INTEGRITY', 'TITLE'],
      ...CATALOGUE.map((entry) => [
        entry.name,
        whole(entry.users),
        whole(entry.items),
        whole(entry.ratings),
        `${entry.scale.lowest}–${entry.scale.highest} by ${entry.scale.step}`,
        entry.split,
        integrityOf(entry),
        entry.title,
      ]),
    ],
    new Set([1, 2, 3]),
  );

const spreadText = ({ min, median, mean, max }: CountSpread): string =>
  `min ${whole(min)}, median ${decimal(median)}, mean ${mean.toFixed(1)}, max ${whole(max)}`;

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
  if (bestMse !== undefined) facts.push(['best possible MSE', bestMse.toFixed(4)]);
  if (description.licence !== undefined) facts.push(['licence', description.licence]);
  if (description.citation !== undefined) facts.push(['cite', description.citation]);
  const bars = description.histogram.map(({ from, to, count }) => [
    from === to ? decimal(from) : `${decimal(from)}–${decimal(to)}`,
    whole(count),
    percent(count / ratings),
    '#'.repeat(Math.round((40 * count) / ratings)),
  ]);
  return `${table(facts, new Set())}\n${table([['RATING', 'COUNT', 'SHARE', ''], ...bars], new Set([0, 1, 2]))}`;
};

const listCommand = (): Command =>
  new Command('list').description('list the datasets of the catalogue').action(() => {
    process.stdout.write(listTable());
  });

const fetchCommand = (): Command =>
  new Command('fetch')
    .description('fetch a dataset of the catalogue into the cache')
    .argument('<name>', 'a name that `data list` shows')
    .option('--force', 'fetch it again even if the cache holds it')
    .action(async (name: string, { force }: { force?: boolean }) => {
      const entry = catalogueEntry(name);
      note(`${entry.name}: from ${sourceOf(entry)}`);
      const folder = await fetchDataset(entry, { force: force === true, onProgress: note });
      const facts = [
        ['dataset', `${entry.name}: ${entry.title}`],
        ['folder', folder],
        ['integrity', entry.integrity],
        ['licence', entry.licence],
        ['cite', entry.citation],
      ];
      process.stdout.write(table(facts, new Set()));
    });

const describeCommand = (): Command =>
  new Command('describe')
    .description('describe a dataset: counts, sparsity, activity, popularity, histogram')
    .argument('[source]', 'a catalogue name, the path of a file or folder, or synthetic:users=…', DEFAULT_DATASET)
    .addOption(new Option('--split <kind>', 'whose split').choices(['auto', 'given', 'random']).default('auto'))
    .option('--seed <integer>', 'seed of the random split', (text) => number('--seed', text), 1)
    .option('--columns <user,item,rating>', 'header names, or numbers from 1 (paths only)', parseColumns)
    .option('--delimiter <text>', 'what separates fields; \\t is a tab (paths only)', parseDelimiter)
    .option('--scale <lowest:highest[:step]>', 'the scale of ratings (paths only)', parseScale)
    .action(async (source: string, flags: DescribeFlags) => {
      const dataset = await loadDataset(source, { ...flags, onProgress: note });
      process.stdout.write(descriptionText(describeDataset(dataset)));
    });

/** `metafleet data list | fetch NAME [--force] | describe SOURCE | import SOURCE --out FOLDER`. Results go to stdout, progress to stderr; errors are thrown. */
export const dataCommand = (): Command =>
  new Command('data')
    .description('datasets: list, fetch, describe, import')
    .addCommand(listCommand())
    .addCommand(fetchCommand())
    .addCommand(describeCommand())
    .addCommand(importCommand());
