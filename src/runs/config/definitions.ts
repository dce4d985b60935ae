import type { z } from 'zod';
import { ALGORITHM } from '../../algorithms/registry.js';
import { badInput } from '../../base/errors.js';
import { AGGREGATOR } from '../../coordinator/aggregation/registry.js';
import { SAMPLER } from '../../coordinator/sampling/registry.js';
import { importModule } from '../../definitions/import-module.js';
import {
  builtIn,
  type Definition,
  type DefinitionName,
  type DefinitionSetup,
  type Kind,
  loadDefinition,
  looksLikeOne,
} from '../../definitions/kind.js';
import { isModuleName, locateModule, type ModuleFile } from '../../definitions/module-file.js';
import { MODEL } from '../../models/registry.js';
import { UPDATE_STEP } from '../../updates/registry.js';

/**
 * The definitions that a configuration may choose by a name or a path: built-in ones, and those of users' modules once they are loaded.
 * Each definition with options has a section of its own name.
 */
export const KINDS: readonly Kind<Definition>[] = [ALGORITHM, MODEL, SAMPLER, AGGREGATOR, UPDATE_STEP];

type Loaded = { readonly kind: Kind<Definition>; readonly name: string; readonly module: ModuleFile; readonly definition: Definition };

/** By kind and the name that the user wrote. */
const loaded: Loaded[] = [];

const sectionsOf = (definitions: readonly Definition[]): Readonly<Record<string, z.ZodType>> =>
  Object.fromEntries(
    definitions
      .filter(({ options }) => Object.keys((options as z.ZodObject).shape).length > 0)
      .map(({ name, options }) => [name, (options as z.ZodObject).prefault({})]),
  );

/** Options of every definition, by its name: the sections that a configuration may have in addition to its own keys. */
export const definitionSections = (): Readonly<Record<string, z.ZodType>> =>
  sectionsOf([...KINDS.flatMap(({ builtIns }) => builtIns), ...loaded.map(({ definition }) => definition)]);

/** How many modules of users are loaded: what configurations may say changes with this number only. */
export const loadedModules = (): number => loaded.length;

/** What the key of a kind may say: built-in names, and the names of loaded modules as users wrote them. */
export const namesOf = (kind: Kind<Definition>): readonly string[] => [
  ...kind.builtIns.map(({ name }) => name),
  ...loaded.filter((known) => known.kind === kind).map(({ name }) => name),
];

/** What a key may say: the names of all kinds that share it. */
export const namesOfKey = (key: string): readonly string[] => KINDS.filter((kind) => kind.key === key).flatMap(namesOf);

type Configured = Readonly<Record<string, unknown>>;

/** Whether a configuration trains a central model, in one place, rather than an algorithm on a fleet. */
export const isCentral = (config: Configured): boolean => namesOf(MODEL).includes(String(config[MODEL.key]));

/** The kinds of which a configuration chooses definitions. A central model has neither cohorts nor updates. */
const kindsIn = (config: Configured): readonly Kind<Definition>[] =>
  isCentral(config) ? [MODEL] : KINDS.filter((kind) => kind !== (MODEL as Kind<Definition>));

/** The modules that the value of a kind's key names; a list names several. */
export const modulesIn = (value: unknown): readonly string[] =>
  (Array.isArray(value) ? value : [value]).filter((name): name is string => typeof name === 'string' && isModuleName(name));

/** Of the kinds that share a key, the one that a module has a definition of; the first where it has none. */
const kindOfModule = async (key: string, module: ModuleFile): Promise<Kind<Definition>> => {
  const kinds = KINDS.filter((kind) => kind.key === key);
  if (kinds.length > 1) {
    const exports = Object.values(await importModule(module));
    const found = kinds.find((kind) => exports.some((value) => looksLikeOne(kind, value)));
    if (found !== undefined) return found;
  }
  return kinds[0]!;
};

/**
 * Loads a user's module, so that configurations may choose it by that name. `taken`: keys that its name must not be. Throws CONFIG or MODULE.
 */
export const installModule = async (asked: Pick<Kind<Definition>, 'key'>, name: string, taken: readonly string[]): Promise<void> => {
  if (loaded.some((known) => known.kind.key === asked.key && known.name === name)) return;
  const module = locateModule(name, `key ${asked.key}`);
  const kind = await kindOfModule(asked.key, module);
  const definition = await loadDefinition(kind, { name, module });
  const others = [...taken, ...KINDS.flatMap(({ builtIns }) => builtIns.map((known) => known.name))];
  if (others.includes(definition.name))
    throw badInput('MODULE', `${name}, name`, 'a name that is neither built in nor a key of the configuration', definition.name);
  loaded.push({ kind, name, module, definition });
};

export type Chosen<D extends Definition> = { readonly definition: D; readonly reference: DefinitionName };

/** The definition that a configuration chooses. Throws CONFIG for a name that is neither built in nor a loaded module. */
export const chosen = <D extends Definition>(kind: Kind<D>, name: string): Chosen<D> => {
  const found = loaded.find((known) => known.kind === (kind as Kind<Definition>) && known.name === name);
  if (found === undefined) return { definition: builtIn(kind, name), reference: { name } };
  return { definition: found.definition as D, reference: { name: found.definition.name, module: found.module } };
};

/** What a configuration says for a kind: one name or several. */
const saidFor = (kind: Kind<Definition>, config: Readonly<Record<string, unknown>>): readonly string[] => {
  const value = config[kind.key];
  return (Array.isArray(value) ? value : [value]).map(String);
};

/** The kind itself; of the kinds that learn, the one that a configuration chooses. */
const kindIn = (config: Configured, kind: Kind<Definition>): Kind<Definition> =>
  kind.key !== MODEL.key ? kind : isCentral(config) ? MODEL : ALGORITHM;

/** Names of the definitions that a configuration chooses, without paths of modules: for tables, labels and names of runs. */
export const chosenNames = (kind: Kind<Definition>, config: Readonly<Record<string, unknown>>): string =>
  saidFor(kind, config)
    .map((name) => chosen(kindIn(config, kind), name).definition.name)
    .join(', ') || 'none';

/** Whether any definition of a configuration is a user's module. */
export const usesModule = (config: Readonly<Record<string, unknown>>): boolean =>
  kindsIn(config).some((kind) => saidFor(kind, config).some((name) => chosen(kind, name).reference.module !== undefined));

/** The kind of the definition that has a section. */
export const kindOfSection = (section: string): Kind<Definition> =>
  loaded.find(({ definition }) => definition.name === section)?.kind ??
  KINDS.find(({ builtIns }) => builtIns.some(({ name }) => name === section))!;

/** A definition with its options, as threads are given it. */
export const setupOf = <D extends Definition>(config: Readonly<Record<string, unknown>>, kind: Kind<D>, name: string): DefinitionSetup => {
  const { definition, reference } = chosen(kind, name);
  return { ...reference, options: config[definition.name] ?? {} };
};

/** The definitions that a configuration chooses, of every kind. */
export const definitionsInUse = (config: Readonly<Record<string, unknown>>): readonly Definition[] =>
  kindsIn(config).flatMap((kind) => saidFor(kind, config).map((name) => chosen(kind, name).definition));

/** Names of the sections whose options a configuration reads. */
export const sectionsInUse = (config: Readonly<Record<string, unknown>>): ReadonlySet<string> =>
  new Set(definitionsInUse(config).map(({ name }) => name));

/**
 * The definitions of a configuration, for the identity of a run: `name@version` of the algorithm, then the other kinds, with the SHA-256 of modules.
 * A checkpoint resumes under the same text only.
 */
export const identityOf = (config: Readonly<Record<string, unknown>>): string =>
  kindsIn(config)
    .map((kind) => {
      const each = saidFor(kind, config).map((name) => {
        const { definition, reference } = chosen(kind, name);
        const hash = reference.module === undefined ? '' : ` sha256:${reference.module.sha256}`;
        return `${definition.name}@${definition.version}${hash}`;
      });
      return kind.key === 'algorithm' ? each.join() : `${kind.key} ${each.length === 0 ? 'none' : each.join(', ')}`;
    })
    .join('; ');
