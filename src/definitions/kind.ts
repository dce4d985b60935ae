import { z } from 'zod';
import { badInput, MetafleetError, messageOf } from '../base/errors.js';
import { importModule } from './import-module.js';
import type { ModuleFile } from './module-file.js';

/** What algorithms, samplers, aggregators and update steps have in common, built in or not. */
export type Definition = {
  readonly name: string;
  readonly version: string;
  readonly options: z.ZodType;
  /** Names of the options that the others leave without effect; absent: none. */
  unused?(options: unknown): readonly string[];
};

/** A sort of definition, and the configuration key that chooses one by its name or by a path to a module. */
export type Kind<D extends Definition> = {
  /** With its article, for errors: "an algorithm". */
  readonly title: string;
  readonly key: string;
  readonly builtIns: readonly D[];
  /** Functions that a definition must have. */
  readonly functions: readonly string[];
  /** Functions of which it must have one at least; absent: none. */
  readonly anyOf?: readonly string[];
  /** What is wrong with a definition beyond that, in one line. */
  problem?(value: Readonly<Record<string, unknown>>): string | undefined;
};

/** Plain data that names a definition: it crosses threads. Without a module it is a built-in one. */
export type DefinitionName = { readonly name: string; readonly module?: ModuleFile };

/** With its options, as the definition's schema leaves them. */
export type DefinitionSetup = DefinitionName & { readonly options: unknown };

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;

/** Of every definition: it is a section of configurations, too. */
export const DEFINITION_NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** Options must be keys with a description and a default each: they are flags, documentation and tuning space. */
const optionsProblem = (options: unknown): string | undefined => {
  if (!(options instanceof z.ZodObject)) return 'options: expected an object schema (z.strictObject({ … }))';
  for (const [key, schema] of Object.entries(options.shape as Record<string, z.ZodType>)) {
    if (schema.safeParse(undefined).success !== true) return `options.${key}: expected a default (.default(…))`;
    if ((schema.description ?? '') === '') return `options.${key}: expected a description (.describe(…))`;
  }
  return undefined;
};

/** What keeps a value from being a definition of this kind, in one line. */
export const definitionProblem = <D extends Definition>(kind: Kind<D>, value: unknown): string | undefined => {
  if (!isRecord(value)) return `expected an object, found ${typeof value}`;
  const { name, version, options } = value;
  if (typeof name !== 'string' || !DEFINITION_NAME.test(name))
    return `name: expected lower case letters, digits and hyphens, found ${String(name)}`;
  if (typeof version !== 'string' || version === '') return `version: expected a text, found ${String(version)}`;
  const missing = kind.functions.find((hook) => typeof value[hook] !== 'function');
  if (missing !== undefined) return `${missing}: expected a function, found ${typeof value[missing]}`;
  const { anyOf = [] } = kind;
  if (anyOf.length > 0 && !anyOf.some((hook) => value[hook] !== undefined))
    return `${anyOf.join(' or ')}: expected a function, found neither`;
  const odd = anyOf.find((hook) => value[hook] !== undefined && typeof value[hook] !== 'function');
  if (odd !== undefined) return `${odd}: expected a function, found ${typeof value[odd]}`;
  return optionsProblem(options) ?? kind.problem?.(value);
};

/** Names of the options that a definition says others leave without effect. Throws MODULE for a hook that fails or names none of its options. */
export const unusedOptions = ({ name, options: schema, unused }: Definition, options: unknown): readonly string[] => {
  if (unused === undefined) return [];
  const refuse = (found: string) => badInput('MODULE', `definition ${name}, unused`, 'a list of names of its options', found);
  let names: unknown;
  try {
    names = unused(options);
  } catch (error) {
    throw refuse(messageOf(error));
  }
  const known = Object.keys((schema as z.ZodObject).shape);
  const odd = Array.isArray(names) ? names.find((found) => !known.includes(found)) : names;
  if (odd !== undefined || !Array.isArray(names)) throw refuse(String(odd));
  return names;
};

/** Whether a value is meant as a definition of a kind. */
export const looksLikeOne = <D extends Definition>(kind: Kind<D>, value: unknown): boolean =>
  isRecord(value) && 'name' in value && [...kind.functions, ...(kind.anyOf ?? [])].some((hook) => hook in value);

/** The default export, or the only export that looks like a definition. */
const exportedBy = <D extends Definition>(kind: Kind<D>, exports: Readonly<Record<string, unknown>>, module: ModuleFile): unknown => {
  if (exports['default'] !== undefined) return exports['default'];
  const found = Object.values(exports).filter((value) => looksLikeOne(kind, value));
  if (found.length === 1) return found[0];
  throw new MetafleetError('MODULE', `${module.name}: expected one export that is ${kind.title}, found ${found.length}`);
};

/** A user's definition, imported on the calling thread. Throws MODULE with one line that names the module and what is wrong with it. */
const importDefinition = async <D extends Definition>(kind: Kind<D>, module: ModuleFile): Promise<D> => {
  const value = exportedBy(kind, await importModule(module), module);
  let problem: string | undefined;
  try {
    problem = definitionProblem(kind, value);
  } catch (error) {
    problem = messageOf(error);
  }
  if (problem !== undefined) throw new MetafleetError('MODULE', `${module.name} is not ${kind.title}: ${problem}`);
  return value as D;
};

/** The built-in definition of a name. Throws CONFIG, naming the key and what there is. */
export const builtIn = <D extends Definition>({ key, builtIns }: Kind<D>, name: string): D => {
  const found = builtIns.find((known) => known.name === name);
  if (found === undefined)
    throw badInput(
      'CONFIG',
      `key ${key}`,
      `${builtIns.map((known) => known.name).join(', ')}, or a path to a module such as ./mine.js`,
      name,
    );
  return found;
};

export const loadDefinition = async <D extends Definition>(kind: Kind<D>, { name, module }: DefinitionName): Promise<D> =>
  module === undefined ? builtIn(kind, name) : importDefinition(kind, module);
