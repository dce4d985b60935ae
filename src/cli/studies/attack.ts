import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { openStoredRun } from '../../inference/stored-model.js';
import { namesOf } from '../../runs/config/definitions.js';
import { configKeys, flagSource, refuseIdleSettings, resolveConfig, yamlSource } from '../../runs/config/parse-config.js';
import { readRunConfig } from '../../runs/folder/stored-run.js';
import { ATTACKS, attackRun } from '../../studies/attack/study.js';
import { attackText } from '../../studies/attack/text.js';
import { UPDATE_STEP } from '../../updates/registry.js';
import { addConfigFlags, configFlagsIn } from '../config-flags.js';
import { noteLine, wholeFlag } from '../inference/model-flags.js';
import { addJson, answer, type JsonFlag } from '../json-output.js';

type AttackFlags = JsonFlag & Readonly<Record<string, unknown>> & { run: string; data?: string; devices: string; hide: string };

/** Keys of the run that may be changed for an attack: its defences. */
const isDefence = (key: string): boolean => {
  const [section] = key.split('.');
  return ['updates', 'decoys', 'delivery', 'dtype'].includes(key) || key.startsWith('defence.') || namesOf(UPDATE_STEP).includes(section!);
};

const attack = async (flags: AttackFlags): Promise<void> => {
  const { run, data } = flags;
  const devices = wholeFlag('--devices', flags.devices, 1, 1_000_000);
  const decoys = wholeFlag('--hide', flags.hide, 1, 1_000_000);
  const stored = await openStoredRun(run, { note: noteLine, ...(data === undefined ? {} : { data }) });
  const changes = flagSource(configFlagsIn(flags));
  const changed = resolveConfig(yamlSource(readRunConfig(run), join(run, 'config.yaml')), changes);
  refuseIdleSettings([changed], [changes]);
  const config = { ...changed, data: stored.config.data };
  const result = await attackRun(stored, { config, devices, decoys, attacks: ATTACKS, threads: availableParallelism() });
  answer(flags, { document: () => result, text: () => attackText(result) });
};

/** `metafleet attack --run results/<run>`: what the coordinator learns from the updates of devices. */
export const attackCommand = (): Command => {
  const command = new Command('attack')
    .requiredOption('--run <folder>', 'folder of the run, results/<run>')
    .option('--data <source>', 'where the data of the run lie now (default: where they lay)')
    .option('--devices <count>', 'devices that are attacked, drawn by chance', '64')
    .option('--hide <decoys>', 'decoys of the attack on items, which is made without decoys, too', '50');
  const others = configKeys().flatMap(({ key }) => (isDefence(key) ? [] : [key]));
  return addJson(addConfigFlags(command, others)).action(attack);
};
