import { Command } from 'commander';
import { badInput } from '../../base/errors.js';
import { runCold20 } from '../../studies/cold/study.js';
import { coldText } from '../../studies/cold/text.js';
import { leaveResults } from '../../studies/paper/leave-results.js';
import { parseSeeds } from '../config-flags.js';
import { addJson, answer, type JsonFlag } from '../json-output.js';

type Flags = JsonFlag & {
  data: string;
  seeds: readonly number[];
  records: number;
  features: 'all' | readonly string[];
  out: string;
  quiet?: boolean;
};

const parseRecords = (text: string): number => {
  const records = Number(text);
  if (!/^\d+$/.test(text) || records < 2 || records % 2 === 1) throw badInput('CONFIG', 'flag --records', 'an even number from 2', text);
  return records;
};

const parseFeatures = (text: string): 'all' | readonly string[] => (text === 'all' ? text : text.split(',').map((name) => name.trim()));

/** `metafleet paper cold20`: what new users get from systems that do not adapt on a device. */
export const cold20Command = (): Command =>
  addJson(
    new Command('cold20')
      .description('new users: rankings of closed-form systems for warm items (C-W) and cold items (C-C)')
      .requiredOption('--data <place>', 'a folder, a file or a catalogue name')
      .option('--seeds <list>', 'one split for each of these seeds', parseSeeds, [1])
      .option('--records <count>', 'records of each user, half of them for support', parseRecords, 20)
      .option('--features <list>', 'features that every item must have, or all', parseFeatures, 'all')
      .option('--out <folder>', 'where the results go', 'results/paper')
      .option('--quiet', 'no progress'),
  ).action(async (flags: Flags) => {
    const { data, seeds, records, features, quiet } = flags;
    const result = await runCold20({ data, seeds, records, features }, (note) => {
      if (quiet !== true) process.stderr.write(`cold20: ${note}\n`);
    });
    const study = { study: 'cold20', data: data.split('/').findLast((part) => part !== '') ?? data, quick: false };
    const files = await leaveResults(flags.out, study, { json: `${JSON.stringify(result, null, 1)}\n` });
    answer(flags, { document: () => ({ result, files }), text: () => `${coldText(result)}\n\nresults  ${files.join('\n         ')}\n` });
  });
