import { Command, Option } from 'commander';
import { badInput } from '../../base/errors.js';
import { countsOf } from '../../data/dataset.js';
import { loadDataset } from '../../data/load.js';
import { splitSpec } from '../../data/splits/spec.js';
import { SPLIT_FORMS, type SplitForm, writeSplit } from '../../data/splits/split-files.js';
import { loadOptions } from '../../runs/config/load-data.js';
import { configKeys, flagSource, refuseIdleSettings, resolveConfig } from '../../runs/config/parse-config.js';
import { OF_THE_DATA } from '../../runs/folder/run-store.js';
import { addConfigFlags, configFlagsIn } from '../config-flags.js';
import { addJson, answer, type JsonFlag } from '../json-output.js';
import { note } from './data-flags.js';

/** The keys of a configuration that say what the data are and how they are split. */
const isOfTheData = (key: string): boolean => [...OF_THE_DATA, 'dataBudget', 'seed'].includes(key.split('.')[0]!) && key !== 'data';
const otherKeys = (): readonly string[] => configKeys().flatMap(({ key }) => (isOfTheData(key) ? [] : [key]));

type SplitFlags = JsonFlag & { readonly out?: string; readonly form: SplitForm };

/** `metafleet data split SOURCE --split KIND --seed N --out DIR`: the files of a split, which load to the same parts. */
export const splitCommand = (): Command =>
  addConfigFlags(
    addJson(
      new Command('split')
        .description('write a split as train, valid and test files, for metafleet and for other libraries')
        .argument('<source>', 'a catalogue name, the path of a file or folder, or synthetic:users=…')
        .option('--out <folder>', 'where the files go')
        .addOption(new Option('--form <form>', 'tsv with a header, or the atomic files of RecBole').choices(SPLIT_FORMS).default('tsv')),
    ),
    otherKeys(),
  ).action(async (source: string, flags: SplitFlags & Record<string, unknown>) => {
    if (flags.out === undefined) throw badInput('CONFIG', 'flag --out', 'a folder for the files', 'none');
    const own = flagSource(configFlagsIn(flags, otherKeys()));
    const config = resolveConfig(own);
    refuseIdleSettings([config], [own]);
    const dataset = await loadDataset(source, { ...loadOptions(config), onProgress: note });
    const { split: kind, splitting, seed } = config;
    const { describedOnly } = splitting;
    const spec =
      kind === 'auto' || kind === 'given' ? { kind } : { ...splitSpec(kind, splitting), ...(describedOnly && { describedOnly }) };
    const paths = await writeSplit(dataset, { source, split: spec, seed }, flags.out, flags.form);
    const { train, valid, test } = countsOf(dataset);
    const { users, items } = dataset;
    answer(flags, {
      document: () => ({ users, items, train, valid, test, files: paths }),
      text: () =>
        `${users} users, ${items} items; train ${train}, valid ${valid}, test ${test}\n${paths.map((path) => `${path}\n`).join('')}`,
    });
  });
