import { resolve } from 'node:path';
import { Command } from 'commander';
import { expect, it } from 'vitest';
import { ALGORITHM } from '../../src/algorithms/registry.js';
import { addConfigFlags, configFlagsIn } from '../../src/cli/config-flags.js';
import { installModule } from '../../src/runs/config/definitions.js';
import { configKeys } from '../../src/runs/config/parse-config.js';

it("every key is a flag that is read again by its key, those of a module's options included", async () => {
  const module = resolve(import.meta.dirname, '../../dist/src/cli/templates/algorithm/index.js');
  await installModule(ALGORITHM, module, []);
  const keys = configKeys().map(({ key }) => key);
  expect(keys).toContain('my-mf.size');
  const command = addConfigFlags(new Command('run'), ['seed']);
  command.parse(
    keys.filter((key) => key !== 'seed').flatMap((key) => [`--${key}`, `of ${key}`]),
    { from: 'user' },
  );
  expect(configFlagsIn(command.opts(), ['seed'])).toEqual(
    Object.fromEntries(keys.filter((key) => key !== 'seed').map((key) => [key, `of ${key}`])),
  );
});
