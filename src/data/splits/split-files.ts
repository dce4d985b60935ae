import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { z } from 'zod';
import { badInput, messageOf } from '../../base/errors.js';
import { type Dataset, PARTS, type Part, type Ratings, type Roles } from '../dataset.js';

/**
 * A split as files, for metafleet and for other libraries: train, valid and test with original ids.
 * `split.json` says how the split was made. It also has what the files do not say: the order of users and items, and their roles.
 * With it, the files load to the same parts.
 */
export const SPLIT_FORMS = ['tsv', 'recbole'] as const;
export type SplitForm = (typeof SPLIT_FORMS)[number];

const MANIFEST = 'split.json';
const role = z.string().regex(/^[0-3]*$/);
const manifest = z.object({
  format: z.literal('metafleet split'),
  version: z.literal(1),
  source: z.string(),
  split: z.object({ kind: z.string() }).loose(),
  seed: z.number(),
  feedback: z.enum(['explicit', 'implicit']),
  scale: z.object({ lowest: z.number(), highest: z.number(), step: z.number() }),
  /** Original ids in the order of dense ones. */
  users: z.array(z.string()),
  items: z.array(z.string()),
  /** A digit for each user and item. Absent: all are warm. */
  roles: z.object({ users: role, items: role }).optional(),
});
export type SplitManifest = z.infer<typeof manifest>;

/** How a dataset was split: what a manifest records. */
export type SplitRecord = Pick<SplitManifest, 'source' | 'split' | 'seed'>;

/** Quoted where a reader would take a part of it for something else. */
const field = (text: string): string => (/[\t\n\r"]|^\s|\s$|^$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** The shortest decimal that is this float32. */
const decimal = (value: number): string => {
  for (let digits = 1; digits < 10; digits++) {
    const text = String(Number(value.toPrecision(digits)));
    if (Math.fround(Number(text)) === value) return text;
  }
  return String(value);
};

const headerOf = (form: SplitForm, rated: boolean, timed: boolean): string => {
  const names = [
    ['user', 'user_id:token'],
    ['item', 'item_id:token'],
    ...(rated ? [['rating', 'rating:float']] : []),
    ...(timed ? [['timestamp', 'timestamp:float']] : []),
  ];
  return names.map(([plain, typed]) => (form === 'tsv' ? plain : typed)).join('\t');
};

const splitFileName = (form: SplitForm, name: string, part: Part): string => (form === 'tsv' ? `${part}.tsv` : `${name}.${part}.inter`);

const CHUNK = 1 << 16;

const writePart = async (
  path: string,
  head: string,
  { offsets, items, values, times }: Ratings,
  ids: { users: readonly string[]; items: readonly string[] },
  rated: boolean,
): Promise<void> => {
  const stream = createWriteStream(path);
  let text = `${head}\n`;
  for (let user = 0; user + 1 < offsets.length; user++) {
    const first = field(ids.users[user]!);
    for (let row = offsets[user]!; row < offsets[user + 1]!; row++) {
      text += `${first}\t${field(ids.items[items[row]!]!)}`;
      if (rated) text += `\t${decimal(values[row]!)}`;
      if (times !== undefined) text += Number.isNaN(times[row]!) ? '\t' : `\t${times[row]}`;
      text += '\n';
    }
    if (text.length < CHUNK) continue;
    if (!stream.write(text)) await once(stream, 'drain');
    text = '';
  }
  stream.end(text);
  await finished(stream);
};

const idsOf = (ids: readonly string[] | undefined, count: number): readonly string[] =>
  ids ?? Array.from({ length: count }, (_, id) => String(id));

/** Writes the files into `folder`, and returns their paths. A part without records has none. @throws MetafleetError DATA for a folder that cannot be written. */
export const writeSplit = async (dataset: Dataset, record: SplitRecord, folder: string, form: SplitForm): Promise<readonly string[]> => {
  const { feedback, scale, roles } = dataset;
  const ids = { users: idsOf(dataset.userIds, dataset.users), items: idsOf(dataset.itemIds, dataset.items) };
  const rated = feedback === 'explicit';
  const paths: string[] = [];
  try {
    await mkdir(folder, { recursive: true });
    for (const part of PARTS) {
      const path = join(folder, splitFileName(form, dataset.name, part));
      if (dataset.parts[part].items.length === 0) {
        await rm(path, { force: true });
        continue;
      }
      await writePart(path, headerOf(form, rated, dataset.parts[part].times !== undefined), dataset.parts[part], ids, rated);
      paths.push(path);
    }
    const written: SplitManifest = {
      ...{ format: 'metafleet split', version: 1, ...record, feedback, scale, ...ids, users: [...ids.users], items: [...ids.items] },
      ...(roles && { roles: { users: Array.from(roles.users).join(''), items: Array.from(roles.items).join('') } }),
    };
    await writeFile(join(folder, MANIFEST), `${JSON.stringify(written)}\n`);
  } catch (error) {
    throw badInput('DATA', folder, 'a folder that can be written', messageOf(error));
  }
  return [...paths, join(folder, MANIFEST)];
};

/** What `split.json` says of the files in a folder. undefined: there is none. @throws MetafleetError DATA for one that is damaged. */
export const readSplitManifest = async (folder: string): Promise<SplitManifest | undefined> => {
  const path = join(folder, MANIFEST);
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw badInput('DATA', path, 'JSON that data split has written', messageOf(error));
  }
  if ((value as { format?: unknown } | null)?.format !== 'metafleet split') return undefined;
  const parsed = manifest.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw badInput('DATA', path, 'what data split has written', `${issue.path.join('.')}: ${issue.message}`);
};

const shared = (digits: string): Uint8Array<SharedArrayBuffer> => {
  const roles = new Uint8Array(new SharedArrayBuffer(digits.length));
  for (let at = 0; at < digits.length; at++) roles[at] = Number(digits[at]);
  return roles;
};

/** What the files of a split do not say: the order of ids, and roles. */
export const knownFrom = ({
  users,
  items,
  roles,
}: SplitManifest): { users: readonly string[]; items: readonly string[]; roles?: Roles } => ({
  users,
  items,
  ...(roles && { roles: { users: shared(roles.users), items: shared(roles.items) } }),
});
