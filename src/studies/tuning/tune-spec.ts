import { z } from 'zod';
import { badInput, MetafleetError } from '../../base/errors.js';
import { random } from '../../base/random.js';
import type { Config } from '../../runs/config/config.js';
import { type ConfigSource, resolveConfig, yamlSource } from '../../runs/config/parse-config.js';

/**
 * What to search. `space` names configuration keys (a dot goes into a map: optimizer.decayOf.low), and gives each a list of values or
 * a range. `settings` holds for every trial.
 */
const range = z
  .strictObject({
    from: z.number(),
    to: z.number(),
    scale: z.enum(['linear', 'log']).default('linear'),
    /** Whole numbers only. */
    whole: z.boolean().default(false),
  })
  .refine(({ from, to }) => from < to, 'from must be below to')
  .refine(({ from, scale }) => scale === 'linear' || from > 0, 'a log range must begin above 0');

const specSchema = z.strictObject({
  settings: z.record(z.string(), z.unknown()).default({}),
  space: z
    .record(z.string(), z.union([z.array(z.unknown()).min(1), range]))
    .refine((space) => Object.keys(space).length > 0, 'at least one key to search'),
  /** random: `trials` candidates drawn by the seed; grid: every combination of the lists. */
  search: z.enum(['random', 'grid']).default('random'),
  trials: z.int().min(1).max(10_000).default(16),
  seed: z.int().min(0).default(1),
  /** Epochs of every trial in the first rung. */
  least: z.int().min(1).default(3),
  /** The share 1/factor of a rung's trials that goes on, with factor times the epochs. */
  factor: z.int().min(2).default(3),
  /** Epochs of the last rung. */
  most: z.int().min(1).default(27),
});

export type TuneSpec = z.infer<typeof specSchema>;
type Domain = TuneSpec['space'][string];

const located = (error: z.core.$ZodIssue, place: string): MetafleetError =>
  new MetafleetError('CONFIG', `${place}${error.path.length === 0 ? '' : `, key ${error.path.join('.')}`}: ${firstReason(error)}`);

/** Of a union, what its last member says: a range is the longer story. */
const firstReason = (issue: z.core.$ZodIssue): string => {
  if (issue.code !== 'invalid_union') return issue.message;
  const last = issue.errors.at(-1)?.[0];
  return last === undefined
    ? 'expected a list of values or a range { from, to }'
    : `expected a list of values or a range { from, to }: ${last.message}`;
};

/** Throws CONFIG for the first thing wrong. */
export const parseSpec = (value: unknown, place: string): TuneSpec => {
  const parsed = specSchema.safeParse(value);
  if (!parsed.success) throw located(parsed.error.issues[0]!, place);
  const spec = parsed.data;
  if (spec.least > spec.most)
    throw badInput('CONFIG', `${place}, key least`, `at most the ${spec.most} epochs of \`most\``, String(spec.least));
  const ranged = Object.entries(spec.space).find(([, domain]) => !Array.isArray(domain));
  if (spec.search === 'grid' && ranged !== undefined)
    throw badInput('CONFIG', `${place}, key space.${ranged[0]}`, 'a list of values, as a grid needs', 'a range');
  return spec;
};

export const readSpec = (text: string, file: string): unknown => yamlSource(text, file).tree;

/** `key=a,b,c`, `key=from..to` or `key=from..to:log`; values are YAML. */
export const parseSpaceFlag = (text: string): readonly [string, unknown] => {
  const at = text.indexOf('=');
  const [key, values] = [text.slice(0, at), text.slice(at + 1)];
  if (at < 1 || values === '') throw badInput('CONFIG', 'flag --space', 'key=a,b,c or key=from..to[:log]', text);
  const bounds = /^(.+?)\.\.(.+?)(:log)?$/.exec(values);
  if (bounds !== null)
    return [key, { from: Number(bounds[1]), to: Number(bounds[2]), ...(bounds[3] === undefined ? {} : { scale: 'log' }) }];
  return [key, (yamlSource(`values: [${values}]`, 'flag --space').tree as { values: unknown[] }).values];
};

/** Values of a trial by key. */
export type Candidate = Readonly<Record<string, unknown>>;

/** Drawn values are rounded to three digits, so that the winning flags can be read and typed. */
const draw = (domain: Domain, uniform: () => number): unknown => {
  if (Array.isArray(domain)) return domain[Math.floor(uniform() * domain.length)];
  const { from, to, scale, whole } = domain;
  const value = scale === 'log' ? from * (to / from) ** uniform() : from + (to - from) * uniform();
  return whole ? Math.round(value) : Number(value.toPrecision(3));
};

const combinations = (space: readonly (readonly [string, readonly unknown[]])[]): readonly Candidate[] =>
  space.reduce<readonly Candidate[]>(
    (all, [key, values]) => all.flatMap((each) => values.map((value) => ({ ...each, [key]: value }))),
    [{}],
  );

/** Trials in order; each depends on the seed and its own number alone, and none is there twice. */
export const candidatesOf = ({ space, search, trials, seed }: TuneSpec): readonly Candidate[] => {
  const entries = Object.entries(space);
  const all =
    search === 'grid'
      ? combinations(entries as [string, unknown[]][])
      : Array.from({ length: trials }, (_, trial) => {
          const { uniform } = random(seed, 'tune', trial);
          return Object.fromEntries(entries.map(([key, domain]) => [key, draw(domain, uniform)]));
        });
  const seen = new Set<string>();
  return all.filter((candidate) => {
    const text = JSON.stringify(candidate);
    return !seen.has(text) && seen.add(text);
  });
};

type Tree = { [key: string]: unknown };

/** The base configuration with a candidate's values. Throws CONFIG for a key that there is not, or a value it cannot have. */
export const configOfCandidate = (base: Config, candidate: Candidate): Config => {
  const tree: Tree = structuredClone(base);
  for (const [key, value] of Object.entries(candidate)) {
    const path = key.split('.');
    let node = tree;
    for (const part of path.slice(0, -1)) {
      const below = node[part];
      if (typeof below !== 'object' || below === null || Array.isArray(below)) node[part] = {};
      node = node[part] as Tree;
    }
    node[path.at(-1)!] = value;
  }
  const source: ConfigSource = { tree, place: (path) => `key space.${path.join('.')}` };
  return resolveConfig(source);
};
