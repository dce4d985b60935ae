import { Command } from 'commander';
import { importSource } from '../../data/store/import-source.js';
import { addJson, answer, type JsonFlag } from '../json-output.js';
import { addReadingFlags, note, READING_KEYS, readingOptions } from './data-flags.js';

type ImportFlags = JsonFlag & { readonly out: string; readonly force?: boolean };

const whole = (count: number): string => count.toLocaleString('en-US', { maximumFractionDigits: 0 });

/** `metafleet data import SOURCE --out FOLDER`: what `--data FOLDER` then starts from without parsing. */
export const importCommand = (): Command => {
  const command = addJson(
    new Command('import')
      .description('write a dataset as columns on disk, from which runs start without parsing')
      .argument('<source>', 'a catalogue name, the path of a file or folder, or synthetic:users=…')
      .requiredOption('--out <folder>', 'a new folder for the columns')
      .option('--force', 'replace the columns of an earlier import'),
  );
  addReadingFlags(command, (key) => (READING_KEYS as readonly string[]).includes(key));
  return command.action(async (source: string, { json, out, force, ...flags }: ImportFlags & Readonly<Record<string, string>>) => {
    const start = performance.now();
    const options = readingOptions(flags);
    const { users, items, ratings } = await importSource(source, { ...options, out, force: force === true, onProgress: note });
    const seconds = (performance.now() - start) / 1000;
    const counts = `${whole(users)} users, ${whole(items)} items, ${whole(ratings)} ratings`;
    answer(
      { json },
      {
        document: () => ({ folder: out, users, items, ratings, seconds }),
        text: () => `${out}: ${counts}, in ${seconds.toFixed(1)} s\nnext: metafleet run --data ${out}\n`,
      },
    );
  });
};
