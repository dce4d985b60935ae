import type { Argument, Command, Option } from 'commander';
import { z } from 'zod';
import { catalogueNames } from '../../data/catalogue/catalogue.js';
import { configKeys } from '../../runs/config/parse-config.js';

/** What may stand in a place of the command line: words, folders of runs, files. A place can take several of them. */
export type Choices = { readonly words: readonly string[]; readonly runs: boolean; readonly files: boolean };

export type Flag = { readonly name: string; readonly description: string; readonly values: Choices | null };

/** One command. `path`: its words, such as `data fetch`; the program's own is empty. `values`: of its arguments. */
export type Node = {
  readonly path: string;
  readonly summary: string;
  readonly commands: readonly string[];
  readonly flags: readonly Flag[];
  readonly values: Choices;
};

const NOTHING: Choices = { words: [], runs: false, files: false };
const FILES: Choices = { ...NOTHING, files: true };
const RUNS: Choices = { ...NOTHING, runs: true };

/** Places whose values commander and the schema do not know: flags, and arguments of commands. */
const datasets = (): Choices => ({ words: catalogueNames(), runs: false, files: true });
const FLAGS: Readonly<Record<string, () => Choices>> = {
  '--data': datasets,
  '--resume': () => RUNS,
  '--run': () => RUNS,
  '--include': () => RUNS,
};
const ARGUMENTS: Readonly<Record<string, () => Choices>> = {
  'data fetch': () => ({ ...NOTHING, words: catalogueNames() }),
  'data describe': datasets,
  report: () => RUNS,
};

/** Defaults, optional values and lists around the values themselves. */
const inner = (schema: unknown): unknown => {
  if (
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable
  )
    return inner(schema.unwrap());
  return schema instanceof z.ZodArray ? inner(schema.element) : schema;
};

/** The words that a schema lists. None for numbers and free text. */
const wordsOf = (schema: unknown): readonly string[] => {
  const core = inner(schema);
  if (core instanceof z.ZodEnum) return core.options.map(String);
  if (core instanceof z.ZodBoolean) return ['true', 'false'];
  if (core instanceof z.ZodLiteral) return [...core.values].map(String);
  return core instanceof z.ZodUnion ? core.options.flatMap(wordsOf) : [];
};

type Known = ReadonlyMap<string, readonly string[]>;

const valuesOf = ({ long, argChoices, required, optional }: Option, known: Known): Choices | null => {
  if (!required && !optional) return null;
  const words = argChoices ?? known.get(long!) ?? [];
  const special = FLAGS[long!]?.();
  return special ?? (words.length > 0 ? { ...NOTHING, words } : FILES);
};

const argumentValues = (path: string, args: readonly Argument[]): Choices =>
  ARGUMENTS[path]?.() ??
  (args.length === 0
    ? NOTHING
    : {
        words: args.flatMap(({ argChoices }) => argChoices ?? []),
        runs: false,
        files: args.some(({ argChoices }) => argChoices === undefined),
      });

const nodesOf = (command: Command, path: string, known: Known): readonly Node[] => {
  const visible = command.createHelp();
  const options = visible.visibleOptions(command).filter(({ long }) => long !== undefined);
  const flags = options.map((option) => ({ name: option.long!, description: option.description, values: valuesOf(option, known) }));
  const node: Node = {
    path,
    summary: command.description(),
    commands: command.commands.map((child) => child.name()),
    flags,
    values: argumentValues(path, command.registeredArguments),
  };
  return [node, ...command.commands.flatMap((child) => nodesOf(child, `${path} ${child.name()}`.trim(), known))];
};

/** All commands of a program, with the flags, arguments and values of each. */
export const vocabularyOf = (program: Command): readonly Node[] =>
  nodesOf(program, '', new Map(configKeys().map(({ key, schema }) => [`--${key}`, wordsOf(schema)])));

/** Choices by flag. Commands that share a flag's name share its values. */
export const flagValues = (nodes: readonly Node[]): ReadonlyMap<string, Choices> => {
  const found = new Map<string, Choices>();
  for (const { flags } of nodes) {
    for (const { name, values } of flags) {
      if (values === null) continue;
      const before = found.get(name) ?? NOTHING;
      const words = [...new Set([...before.words, ...values.words])];
      found.set(name, { words, runs: before.runs || values.runs, files: before.files || values.files });
    }
  }
  return found;
};
