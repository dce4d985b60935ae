import { Command } from 'commander';
import { badInput } from '../../base/errors.js';
import { flagSource } from '../../runs/config/parse-config.js';
import { describeEnvironment } from '../../runs/folder/environment.js';
import { bytesPage, bytesText } from '../../studies/paper/bytes-report.js';
import { runBytes } from '../../studies/paper/bytes-study.js';
import { STUDIES, type StudyName } from '../../studies/paper/definitions.js';
import { runFigure2 } from '../../studies/paper/figure2.js';
import { figure2Charts, figure2Page, figure2Svg, figure2Text } from '../../studies/paper/figure2-report.js';
import { leaveResults } from '../../studies/paper/leave-results.js';
import { TORCH_PEER } from '../../studies/paper/published.js';
import { tablePage } from '../../studies/paper/table-page.js';
import type { DataFacts } from '../../studies/paper/table-result.js';
import { runTable, type StudyOptions } from '../../studies/paper/table-study.js';
import { tableText } from '../../studies/paper/table-text.js';
import { chooseImplementation } from '../../tensor/kernels/probe.js';
import { addConfigFlags, configFlagsIn, parseSeeds } from '../config-flags.js';
import { addJson, answer, type JsonFlag } from '../json-output.js';
import { INTERRUPTED } from '../signals/signals.js';
import { VERSION } from '../version.js';
import { cold20Command } from './cold20.js';
import { withStudyHooks } from './study.js';

type PaperFlags = JsonFlag & { data: string; seeds: readonly number[]; quick?: boolean; runs: string; out: string; quiet?: boolean };

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

const tell = (flags: JsonFlag, result: object, text: () => string, files: readonly string[]): void =>
  answer(flags, { document: () => ({ result, files }), text: () => `${text()}\n\nresults  ${files.join('\n         ')}\n` });

const namesOf = ({ study, data, quick }: { readonly study: string; readonly data: DataFacts; readonly quick: boolean }) => ({
  study,
  data: data.name,
  quick,
});

const jsonOf = (result: object): string => `${JSON.stringify(result, null, 1)}\n`;

const parseMillis = (text: string): number => {
  const value = Number(text);
  if (!(value > 0)) throw badInput('CONFIG', 'flag --peer-step', 'milliseconds above 0', text);
  return value;
};

const parseCount = (text: string): number => {
  if (!/^\d+$/.test(text)) throw badInput('CONFIG', 'flag --users', 'a whole number', text);
  return Number(text);
};

const TABLES: Readonly<Record<StudyName, string>> = {
  table2: "MetaMF compared with FedAvg, four central baselines and the paper's table 2",
  table3: 'MetaMF, MetaMF-SI and MetaMF-SM',
  table4: 'four scales of the model',
  groups: 'errors by activity: who is left out',
  budget: "a share β of each user's training ratings, 1 to 0.1",
};

const studyCommand = (name: string, description: string): Command =>
  addConfigFlags(
    addJson(
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
    ),
    TAKEN,
  );

const tableCommand = (name: StudyName): Command =>
  studyCommand(name, TABLES[name]).action(async (flags: PaperFlags & Record<string, unknown>) => {
    const options = optionsOf(flags);
    const result = await withStudyHooks(flags.quiet === true, (hooks) => runTable(name, options, hooks));
    const files = await leaveResults(flags.out, namesOf(result), { json: jsonOf(result), html: tablePage(result) });
    tell(flags, result, () => tableText(result), files);
    if (result.missing.length > 0) process.exitCode = INTERRUPTED;
  });

const bytesCommand = (): Command =>
  studyCommand('bytes', "how few rounds and bytes an accuracy takes: federated regimes compared with the authors'")
    .option('--include <folder...>', "run folders of other commands to compare, finished or not; the authors' regime is recognized", [])
    .option('--authors', "train the authors' regime, too: hours or days", false)
    .option('--peer-step <ms>', "PyTorch's time for a step of 64 ratings", parseMillis, TORCH_PEER.millisPerStep)
    .action(async (flags: PaperFlags & Record<string, unknown> & { include: readonly string[]; authors: boolean; peerStep: number }) => {
      const { include, authors, peerStep } = flags;
      const options = { ...optionsOf(flags), include, authors, peerStepMillis: peerStep };
      const result = await withStudyHooks(flags.quiet === true, (hooks) => runBytes(options, hooks));
      const files = await leaveResults(flags.out, namesOf(result), { json: jsonOf(result), html: bytesPage(result) });
      tell(flags, result, () => bytesText(result), files);
      if (result.missing.length > 0) process.exitCode = INTERRUPTED;
    });

const figure2Command = (): Command =>
  studyCommand('figure2', 'what is generated for each user, in two dimensions')
    .option('--run <folder>', 'a finished run of MetaMF to show (default: the one of the tables, trained if need be)')
    .option('--users <count>', 'most users to show, drawn by the seed; 0: all', parseCount, 2000)
    .action(async (flags: PaperFlags & Record<string, unknown> & { run?: string; users: number }) => {
      const options = { ...optionsOf(flags), run: flags.run, users: flags.users };
      const result = await withStudyHooks(flags.quiet === true, (hooks) => runFigure2(options, hooks));
      if (result === undefined) {
        process.exitCode = INTERRUPTED;
        return;
      }
      const { weights, items } = figure2Charts(result);
      const files = await leaveResults(flags.out, namesOf(result), {
        json: `${JSON.stringify(result)}\n`,
        html: figure2Page(result),
        'weights.svg': figure2Svg(weights),
        'items.svg': figure2Svg(items),
      });
      tell(flags, result, () => figure2Text(result), files);
    });

/** `metafleet paper table2 | table3 | table4 | groups | budget …`: the paper's tables, measured again, next to the published ones. */
export const paperCommand = (): Command => {
  const command = new Command('paper');
  for (const name of STUDIES) command.addCommand(tableCommand(name));
  return command.addCommand(bytesCommand()).addCommand(figure2Command()).addCommand(cold20Command());
};
