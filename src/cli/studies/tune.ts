import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { badInput, messageOf } from '../../base/errors.js';
import { formatMetric, metricTitle } from '../../report/format.js';
import { type Config, PRESETS } from '../../runs/config/config.js';
import { checkEffects } from '../../runs/config/effects.js';
import { installModulesWithin } from '../../runs/config/install-modules.js';
import { type ConfigSource, flagSource, presetSource, refuseIdleSettings, resolveConfig } from '../../runs/config/parse-config.js';
import { writeAtomically } from '../../runs/folder/atomic-write.js';
import { describeEnvironment } from '../../runs/folder/environment.js';
import { columnsText } from '../../studies/paper/table-text.js';
import { runTune, type TrialLine, type TuneResult } from '../../studies/tuning/tune.js';
import { candidatesOf, configOfCandidate, parseSpaceFlag, parseSpec, readSpec, type TuneSpec } from '../../studies/tuning/tune-spec.js';
import { chooseImplementation } from '../../tensor/kernels/probe.js';
import { addConfigFlags, configFlagsIn } from '../config-flags.js';
import { addJson, answer, type JsonFlag } from '../json-output.js';
import { INTERRUPTED } from '../signals/signals.js';
import { VERSION } from '../version.js';
import { withStudyHooks } from './study.js';

type TuneFlags = JsonFlag & {
  preset: string;
  space?: readonly (readonly [string, unknown])[];
  search?: string;
  trials?: string;
  seed?: string;
  least?: string;
  factor?: string;
  most?: string;
  out: string;
  quiet?: boolean;
};

/** Keys that the search sets itself. */
const TAKEN = ['seed', 'epochs', 'rounds', 'results', 'baselines', 'checkpoint.best'];

const readText = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw badInput('CONFIG', path, 'a readable file that says what to search', messageOf(error));
  }
};

const numberFlag = (name: string, text: string | undefined): Record<string, number> => {
  if (text === undefined) return {};
  if (!/^\d+$/.test(text)) throw badInput('CONFIG', `flag --${name}`, 'a whole number', text);
  return { [name]: Number(text) };
};

/** The file, then flags on top: of `space`, key by key. */
const specOf = (file: string | undefined, flags: TuneFlags): TuneSpec => {
  const fromFile = file === undefined ? {} : (readSpec(readText(file), file) as Record<string, unknown>);
  const space = flags.space === undefined ? fromFile['space'] : { ...(fromFile['space'] as object), ...Object.fromEntries(flags.space) };
  const numbers = (['trials', 'seed', 'least', 'factor', 'most'] as const).map((name) => numberFlag(name, flags[name]));
  const search = flags.search === undefined ? {} : { search: flags.search };
  return parseSpec(Object.assign({}, fromFile, space === undefined ? { space: {} } : { space }, search, ...numbers), file ?? 'flags');
};

const resultText = ({ ranking, command, lines }: TuneResult, folder: string): string => {
  if (command === null) return `stopped after ${lines.length} trials; the same command continues`;
  const row = ({ trial, rung, trained, valid, settings }: TrialLine, index: number): string[] => [
    String(index + 1),
    String(trial),
    formatMetric(valid),
    String(trained),
    String(rung),
    Object.entries(settings)
      .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
      .join(' '),
  ];
  const title = metricTitle(ranking[0]!.metric);
  const table = columnsText([['rank', 'trial', `valid ${title}`, 'epochs', 'rung', 'settings'], ...ranking.map(row)]);
  return `${table}\n\nthe best, by validation ${title}:\n  ${command}\n\nresults  ${join(folder, 'trials.ndjson')}`;
};

/** A setting, or a key of the space, that no trial reads. */
const refuseIdle = (spec: TuneSpec, base: Config, changes: readonly ConfigSource[]): void => {
  const configs = candidatesOf(spec).map((candidate) => configOfCandidate(base, candidate));
  refuseIdleSettings(configs, changes);
  checkEffects(configs, Object.keys(spec.space), (key) => `key space.${key}`);
};

/** `metafleet tune [FILE.yaml]`: a search over configuration keys by successive halving. */
export const tuneCommand = (): Command =>
  addConfigFlags(
    addJson(
      new Command('tune')
        .argument('[file]', 'YAML with space, and perhaps settings, search, trials, seed, least, factor, most')
        .addOption(new Option('--preset <name>', 'starting point').choices(Object.keys(PRESETS)).default('default'))
        .addOption(
          new Option('--space <key=values>', 'a key to search: key=a,b,c or key=from..to[:log]; again for each').argParser(
            (text: string, before: readonly (readonly [string, unknown])[] | undefined) => [...(before ?? []), parseSpaceFlag(text)],
          ),
        )
        .option('--search <kind>', 'random: drawn by the seed; grid: every combination of the lists (default: random)')
        .option('--trials <count>', 'candidates of a random search (default: 16)')
        .option('--seed <integer>', 'of the candidates and of every trial (default: 1)')
        .option('--least <epochs>', 'epochs of every trial in the first rung (default: 3)')
        .option('--factor <integer>', 'the best 1/factor of a rung go on, with factor times the epochs (default: 3)')
        .option('--most <epochs>', 'epochs of the last rung (default: 27)')
        .option('--out <folder>', 'where the trials lie', 'results/tune')
        .option('--quiet', 'no progress display'),
    ),
    TAKEN,
  ).action(async (file: string | undefined, flags: TuneFlags & Record<string, unknown>) => {
    const spec = specOf(file, flags);
    await installModulesWithin({ tree: spec }, ['settings', 'space']);
    const source = (name: string, tree: Record<string, unknown>) => ({
      tree,
      place: (path: readonly PropertyKey[]) => `${name}, key ${path.join('.')}`,
    });
    const changes = [source(`${file ?? 'flags'}, settings`, spec.settings), flagSource(configFlagsIn(flags, TAKEN))];
    const base = resolveConfig(
      presetSource(flags.preset),
      source('tune', { metrics: { enabled: false }, baselines: false, checkpoint: { best: false, keep: 1 } }),
      ...changes,
      source('tune', { seed: spec.seed, epochs: spec.most, rounds: 0, results: flags.out }),
    );
    refuseIdle(spec, base, changes);
    const environment = describeEnvironment({ metafleet: VERSION, kernels: chooseImplementation() });
    const onTrials = async (lines: readonly TrialLine[]): Promise<void> => {
      await mkdir(flags.out, { recursive: true });
      await writeAtomically(join(flags.out, 'trials.ndjson'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    };
    const result = await withStudyHooks(flags.quiet === true, (hooks) =>
      runTune({ spec, base, runs: flags.out, environment, onTrials }, hooks),
    );
    const { command, ranking, lines } = result;
    answer(flags, {
      document: () => ({ trials: lines.length, ranking, command, file: join(flags.out, 'trials.ndjson') }),
      text: () => `${resultText(result, flags.out)}\n`,
    });
    if (result.command === null) process.exitCode = INTERRUPTED;
  });
