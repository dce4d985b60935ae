import { Command } from 'commander';
import { describeEnvironment } from '../report/environment.js';
import { flagSource } from '../simulation/parse-config.js';
import { STUDIES, type StudyName } from '../studies/definitions.js';
import { leaveResults } from '../studies/leave-results.js';
import { tablePage } from '../studies/table-page.js';
import { runTable, type StudyOptions } from '../studies/table-study.js';
import { tableText } from '../studies/table-text.js';
import { chooseImplementation } from '../tensor/probe.js';
import { addConfigFlags, configFlagsIn, parseSeeds } from './config-flags.js';
import { withStudyHooks } from './study.js';
import { VERSION } from './version.js';

type PaperFlags = { data: string; seeds: readonly number[]; quick?: boolean; runs: string; out: string; quiet?: boolean };

/** Keys that a study sets itself. */
const TAKEN = ['data', 'seed', 'results', 'baselines', 'checkpoint.best'];

const shellQuoted = (word: string): string => (/^[\w./:=,@+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

const optionsOf = (flags: PaperFlags & Record<string, unknown>): StudyOptions => ({
  data: flags.data,
  seeds: flags.seeds,
  quick: flags.quick === true,
  runs: flags.runs,
  flags: flagSource(configFlagsIn(flags, TAKEN)),
  command: ['npx', 'metafleet', ...process.argv.slice(2).map(shellQuoted)].join(' '),
  environment: describeEnvironment({ metafleet: VERSION, kernels: chooseImplementation() }),
});

const tell = (text: string, files: readonly string[]): void => {
  process.stdout.write(`${text}\n\nresults  ${files.join('\n         ')}\n`);
};

const TABLES: Readonly<Record<StudyName, string>> = {
  table2: "MetaMF beside FedAvg, four central baselines and the paper's table 2",
  table3: 'MetaMF, MetaMF-SI and MetaMF-SM',
  table4: 'four scales of the model',
  groups: 'errors by activity: who is left out',
  budget: "a share β of each user's training ratings, 1 to 0.1",
};

const studyCommand = (name: string, description: string): Command =>
  addConfigFlags(
    new Command(name)
      .description(description)
      .requiredOption('--data <place>', "the paper's set: a folder with train, valid and test, or a catalogue name; or any other set")
      .option('--seeds <list>', 'one run of each configuration for each of these seeds', parseSeeds, [1])
      .option('--quick', 'cut every run short, to see that the command works; the figures are no measurement')
      .option(
        '--runs <folder>',
        'where the run folders lie; finished runs there are taken, interrupted ones continued',
        'results/paper-runs',
      )
      .option('--out <folder>', 'where the results go', 'results/paper')
      .option('--quiet', 'no progress display'),
    TAKEN,
  );

const tableCommand = (name: StudyName): Command =>
  studyCommand(name, TABLES[name]).action(async (flags: PaperFlags & Record<string, unknown>) => {
    const options = optionsOf(flags);
    const result = await withStudyHooks(flags.quiet === true, (hooks) => runTable(name, options, hooks));
    const files = await leaveResults(
      flags.out,
      { study: name, data: result.data.name, quick: result.quick },
      { json: `${JSON.stringify(result, null, 1)}\n`, html: tablePage(result) },
    );
    tell(tableText(result), files);
    if (result.missing.length > 0) process.exitCode = 130;
  });

/** `metafleet paper table2 | table3 | table4 | groups | budget …`: the paper's tables, measured anew, beside the published ones. */
export const paperCommand = (): Command => {
  const command = new Command('paper').description(
    "train what the paper's tables and figures need, and print them beside the published ones",
  );
  for (const name of STUDIES) command.addCommand(tableCommand(name));
  return command;
};
