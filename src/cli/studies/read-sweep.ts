import { readFileSync } from 'node:fs';
import { badInput, messageOf } from '../../base/errors.js';
import { installModulesWithin } from '../../runs/config/install-modules.js';
import { yamlSource } from '../../runs/config/parse-config.js';
import { parseSweep, type Sweep } from '../../studies/sweep/sweep-file.js';

/** A sweep file, its modules loaded. Throws CONFIG for one that cannot be read or has a mistake. */
export const readSweep = async (file: string): Promise<{ readonly sweep: Sweep; readonly text: string }> => {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw badInput('CONFIG', file, 'a readable sweep file', messageOf(error));
  }
  await installModulesWithin(yamlSource(text, file), ['base', 'grid', 'list']);
  return { sweep: parseSweep(text, file), text };
};
