import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Command } from 'commander';
import { ALGORITHM } from '../algorithms/registry.js';
import { badInput, messageOf } from '../base/errors.js';
import { DEFINITION_NAME } from '../definitions/kind.js';
import { OWN_KEYS } from '../runs/config/config.js';
import { addJson, answer, type JsonFlag } from './json-output.js';

/** The example's own name in its files. */
const EXAMPLE = 'my-mf';
const FILES = ['index.ts', 'index.test.ts', 'README.md'];

const template = (file: string): string => {
  const path = createRequire(import.meta.url).resolve('#templates/algorithm/index.ts');
  return readFileSync(join(path, '..', file), 'utf8');
};

const checkName = (name: string): void => {
  if (!DEFINITION_NAME.test(name)) throw badInput('CONFIG', 'name', 'lower case letters, digits and hyphens, such as my-mf', name);
  if (OWN_KEYS.includes(name) || ALGORITHM.builtIns.some((known) => known.name === name))
    throw badInput('CONFIG', 'name', 'a name that is neither built in nor a key of the configuration', name);
};

const makeFolder = (name: string): void => {
  try {
    mkdirSync(name);
  } catch (error) {
    const exists = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw badInput('CONFIG', name, 'a name that no file or folder here has', exists ? 'one that is there' : messageOf(error));
  }
};

const nextSteps = (name: string): string =>
  [
    `${FILES.map((file) => join(name, file)).join(', ')}: a federated matrix factorization that runs as it is`,
    '',
    'next:',
    `  npx metafleet run --algorithm ./${name}/index.ts`,
    `  npx metafleet run --algorithm ./${name}/index.ts --print-config`,
    `  npx vitest run ${name}     (once: npm install --save-dev vitest)`,
    '',
  ].join('\n');

const algorithmCommand = (): Command =>
  addJson(
    new Command('algorithm')
      .description('write a working example of an algorithm into a new folder, with its tests')
      .argument('<name>', 'name of the folder and of the algorithm: lower case letters, digits and hyphens'),
  ).action((name: string, flags: JsonFlag) => {
    checkName(name);
    makeFolder(name);
    for (const file of FILES) writeFileSync(join(name, file), template(file).replaceAll(EXAMPLE, name));
    answer(flags, { document: () => ({ folder: name, files: FILES.map((file) => join(name, file)) }), text: () => nextSteps(name) });
  });

/** `metafleet new algorithm NAME`: a module of one's own, to begin with. */
export const newCommand = (): Command => new Command('new').addCommand(algorithmCommand());
