import { Command } from 'commander';
import { fetchDataset } from '../../data/catalogue/cache.js';
import { CATALOGUE, catalogueEntry } from '../../data/catalogue/catalogue.js';
import type { CatalogueEntry } from '../../data/catalogue/entry.js';
import { alignedTable, whole } from './aligned-table.js';
import { describeCommand } from './describe.js';
import { importCommand } from './import.js';
import { addJson, answer, type JsonFlag } from '../json-output.js';
import { splitCommand } from './split.js';

const sourceOf = ({ source }: CatalogueEntry): string => {
  switch (source.kind) {
    case 'page':
      return source.address;
    case 'npm':
      return `npm ${source.spec}`;
    case 'zip':
      return source.address;
    case 'files':
      return source.addresses[0]!.replace('.train.', '.{train,valid,test}.');
  }
};

const counted = (count: number | null): string => (count === null ? '-' : whole(count));

const integrityOf = ({ integrity, source }: CatalogueEntry): string =>
  source.kind === 'page'
    ? 'by hand'
    : integrity === 'not pinned'
      ? 'integrity: not pinned'
      : integrity.startsWith('md5-')
        ? 'md5'
        : 'sha512';

const listTable = (): string =>
  alignedTable(
    [
      ['NAME', 'USERS', 'ITEMS', 'RATINGS', 'SCALE', 'SPLIT', 'INTEGRITY', 'TITLE'],
      ...CATALOGUE.map((entry) => [
        entry.name,
        counted(entry.users),
        counted(entry.items),
        counted(entry.ratings),
        entry.scale === null ? '-' : `${entry.scale.lowest}–${entry.scale.highest} by ${entry.scale.step}`,
        entry.split,
        integrityOf(entry),
        entry.title,
      ]),
    ],
    new Set([1, 2, 3]),
  );

const note = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

const listCommand = (): Command =>
  addJson(new Command('list').description('list the datasets of the catalogue')).action((flags: JsonFlag) => {
    answer(flags, { document: () => ({ datasets: CATALOGUE }), text: listTable });
  });

const fetchCommand = (): Command =>
  addJson(
    new Command('fetch')
      .description('fetch a dataset of the catalogue into the cache')
      .argument('<name>', 'a name that `data list` shows')
      .option('--force', 'fetch it again even if the cache holds it'),
  ).action(async (name: string, { force, json }: JsonFlag & { force?: boolean }) => {
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
    const { title, integrity, licence, citation } = entry;
    answer(
      { json },
      { document: () => ({ name: entry.name, title, folder, integrity, licence, citation }), text: () => alignedTable(facts, new Set()) },
    );
  });

/** `metafleet data list | fetch NAME [--force] | describe SOURCE | import SOURCE --out FOLDER`. Results go to stdout, progress to stderr; errors are thrown. */
export const dataCommand = (): Command =>
  new Command('data')
    .addCommand(listCommand())
    .addCommand(fetchCommand())
    .addCommand(describeCommand())
    .addCommand(splitCommand())
    .addCommand(importCommand());
