import { Command } from 'commander';
import type { z } from 'zod';
import { badInput } from '../base/errors.js';
import type { ModelDefinition } from '../models/port/definition.js';
import { MODEL } from '../models/registry.js';
import { modelDefaults } from '../runs/config/central.js';
import { alignedTable } from './data/aligned-table.js';
import { addJson, answer, type JsonFlag } from './json-output.js';

type Parameter = { readonly name: string; readonly default: unknown; readonly description: string };

const parametersOf = ({ options }: ModelDefinition): readonly Parameter[] => {
  const { shape } = options as unknown as z.ZodObject;
  const initial = options.parse({}) as Readonly<Record<string, unknown>>;
  return Object.entries(shape).map(([name, schema]) => ({
    name,
    default: initial[name],
    description: (schema as z.ZodType).description ?? '',
  }));
};

/** Plain data: what `--json` prints of each model. */
const facts = (definition: ModelDefinition) => {
  const { name, version, title, paper, traits } = definition;
  return { name, version, title, paper, ...traits, defaults: modelDefaults(name), parameters: parametersOf(definition) };
};

const listTable = (): string =>
  alignedTable([
    ['NAME', 'TASK', 'TRAINING', 'MODEL'],
    ...MODEL.builtIns.map(({ name, traits, title }) => [name, traits.task, traits.training === 'closed' ? 'closed form' : 'epochs', title]),
  ]);

const flagOf = (name: string, { name: option, default: initial, description }: Parameter): string[] => [
  `--${name}.${option}`,
  JSON.stringify(initial),
  description,
];

const describe = (definition: ModelDefinition): string => {
  const { name, title, paper, traits } = definition;
  const parameters = parametersOf(definition).map((parameter) => flagOf(name, parameter));
  const own = modelDefaults(name);
  return [
    alignedTable([
      ['model', `${name}: ${title}`],
      ['paper', paper],
      ['task', `${traits.task}, from ${traits.feedback} feedback`],
      ['training', traits.training === 'closed' ? 'closed form' : 'epochs'],
      ...(Object.keys(own).length === 0 ? [] : [['defaults', JSON.stringify(own)]]),
      ['run', `metafleet run --algorithm ${name} --data <name or path>`],
    ]),
    parameters.length === 0 ? 'It has no parameters.\n' : alignedTable([['PARAMETER', 'DEFAULT', 'MEANING'], ...parameters]),
  ].join('\n');
};

const modelOf = (name: string): ModelDefinition => {
  const found = MODEL.builtIns.find((known) => known.name === name);
  if (found === undefined) throw badInput('CONFIG', 'models', MODEL.builtIns.map((known) => known.name).join(', '), name);
  return found;
};

/** `metafleet models [name]`: the central models, or one of them with its parameters. */
export const modelsCommand = (): Command =>
  addJson(
    new Command('models')
      .description('list the central models: paper, task, parameters')
      .argument('[name]', 'show one model with its paper and parameters'),
  ).action((name: string | undefined, flags: JsonFlag) => {
    const chosen = name === undefined ? MODEL.builtIns : [modelOf(name)];
    answer(flags, { document: () => chosen.map(facts), text: () => (name === undefined ? listTable() : describe(chosen[0]!)) });
  });
