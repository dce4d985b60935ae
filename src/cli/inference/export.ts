import { join } from 'node:path';
import { Command } from 'commander';
import { badInput } from '../../base/errors.js';
import { addJson, answer, type JsonFlag } from '../json-output.js';
import { VERSION } from '../version.js';
import { addModelFlags, type ModelFlags, withModel } from './model-flags.js';

type ExportFlags = ModelFlags & JsonFlag & { readonly out: string; readonly users?: string };

/** `metafleet export --run results/<run> --out DIR`: Θ as safetensors, with a model card. */
export const exportCommand = (): Command =>
  addJson(addModelFlags(new Command('export')))
    .requiredOption('--out <folder>', 'folder to write, which does not exist yet')
    .option('--users <ids>', 'comma-separated ids of users whose models are written, too')
    .action(async (flags: ExportFlags) => {
      const users = flags.users === undefined ? [] : flags.users.split(',').map((id) => id.trim());
      if (users.includes('')) throw badInput('CONFIG', 'flag --users', 'ids of users, such as 1,2,3', JSON.stringify(flags.users));
      await withModel(flags, false, async (model, names) => {
        const { exportModel } = await import('../../inference/export/export.js');
        const files = await exportModel({ model, names, out: flags.out, users, version: VERSION });
        const { run, recommender } = model;
        answer(flags, {
          document: () => ({ run, folder: flags.out, digest: recommender.digest(), files }),
          text: () => files.map((name) => `${join(flags.out, name)}\n`).join(''),
        });
      });
    });
