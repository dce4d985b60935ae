import { Command } from 'commander';
import { importSource } from '../../data/store/import-source.js';
import { type DescribeFlags, note, number, parseColumns, parseDelimiter, parseScale } from './data-flags.js';
import { addJson, answer, type JsonFlag } from '../json-output.js';

type ImportFlags = JsonFlag &
  Pick<DescribeFlags, 'columns' | 'delimiter' | 'scale' | 'seed'> & { readonly out: string; readonly force?: boolean };

const whole = (count: number): string => count.toLocaleString('en-US', { maximumFractionDigits: 0 });

/** `metafleet data import SOURCE --out FOLDER`: what `--data FOLDER` then starts from without parsing. */
export const importCommand = (): Command =>
  addJson(
    new Command('import')
      .description('write a dataset as columns on disk, from which runs start without parsing')
      .argument('<source>', 'a catalogue name, the path of a file or folder, or synthetic:users=…')
      .requiredOption('--out <folder>', 'a new folder for the columns')
      .option('--force', 'replace the columns of an earlier import')
      .option('--seed <integer>', 'seed of a synthetic set', (text) => number('--seed', text), 1)
      .option('--columns <user,item,rating>', 'header names, or numbers from 1 (paths only)', parseColumns)
      .option('--delimiter <text>', 'what separates fields; \\t is a tab (paths only)', parseDelimiter)
      .option('--scale <lowest:highest[:step]>', 'the scale of ratings (paths only)', parseScale),
  ).action(async (source: string, flags: ImportFlags) => {
    const start = performance.now();
    const { users, items, ratings } = await importSource(source, { ...flags, onProgress: note });
    const seconds = (performance.now() - start) / 1000;
    const counts = `${whole(users)} users, ${whole(items)} items, ${whole(ratings)} ratings`;
    answer(flags, {
      document: () => ({ folder: flags.out, users, items, ratings, seconds }),
      text: () => `${flags.out}: ${counts}, in ${seconds.toFixed(1)} s\nnext: metafleet run --data ${flags.out}\n`,
    });
  });
