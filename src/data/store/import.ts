import { randomUUID } from 'node:crypto';
import { closeSync, openSync, truncateSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { badInput, type MetafleetError } from '../../base/errors.js';
import type { Feedback } from '../dataset.js';
import type { Scale } from '../import/reader.js';
import { countingType, orDisk } from './column-file.js';
import { BLOCK, type ColumnEntry, MANIFEST, type Manifest, NUMBER_BYTES, type NumberType } from './manifest.js';
import { gatherColumn, type IdsWritten, type Written, writeItemIds, writeUsers } from './sort/finish.js';
import { checkRows, mergeItems } from './sort/merge-items.js';
import type { Extent, SortedUsers, SortPlan, Target } from './sort/sort.js';
import { orderOfUsers } from './sort/user-order.js';
import { extentLayout, type SpillForm } from './spill/chunk.js';
import type { SeenByThread } from './spill/import-thread.js';
import { type RemoteThread, share } from './spill/import-threads.js';
import type { ChunkResult } from './spill/parse-files.js';
import { codesOf, mergeFacts, scaleOf } from './spill/value-facts.js';

/** Rows in spill files, and all that is known of them. */
export type Spilled = {
  readonly name: string;
  /** The source, for errors. */
  readonly place: string;
  readonly spills: readonly string[];
  readonly form: SpillForm;
  readonly partitions: number;
  /** Whether partitions are ranges of ids. */
  readonly ranges: boolean;
  readonly chunks: readonly ChunkResult[];
  /** By spill file. */
  readonly seen: readonly SeenByThread[];
  readonly feedback: Feedback;
  readonly scale?: Scale;
  readonly declared?: { readonly users?: number; readonly items?: number };
  /** Of a given split: the index of the part in PARTS, by file. */
  readonly partOfFile?: readonly number[];
  /** Names the lines of a user's second rating of an item. They are not kept: an error reads the source again. */
  readonly findDuplicate: (user: string, item: string) => Promise<MetafleetError>;
};

/** Where the rows of each partition lie, in the order of the source. */
const extentsOf = ({ chunks, partitions, form, partOfFile }: Spilled): Extent[][] => {
  const extents = Array.from({ length: partitions }, (): Extent[] => []);
  for (const [chunk, { spilled, thread, file }] of chunks.entries()) {
    if (spilled === undefined) continue;
    let { at } = spilled;
    for (let p = 0; p < partitions; p++) {
      const [rows, texts] = [spilled.rows[p]!, spilled.texts[p]!];
      if (rows > 0) extents[p]!.push({ file: thread, at, rows, texts, chunk, part: partOfFile?.[file] ?? 0 });
      at += extentLayout(rows, texts, form).bytes;
    }
  }
  return extents;
};

export const hashAll = async (
  threads: readonly RemoteThread[],
  folder: string,
  columns: Record<string, Written>,
): Promise<Record<string, ColumnEntry>> => {
  const tasks = Object.entries(columns).flatMap(([name, { file, type, length }]) => {
    const bytes = length * NUMBER_BYTES[type];
    return Array.from({ length: Math.ceil(bytes / BLOCK) }, (_, first) => ({
      name,
      path: join(folder, file),
      first,
      end: first + 1,
      bytes,
    }));
  });
  const hashes = await share(threads, tasks, (thread, { path, first, end, bytes }) => thread.call('hash', { path, first, end, bytes }));
  const blocksOf = (name: string): string[] => hashes.filter((_, i) => tasks[i]!.name === name).flat();
  return Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, { ...column, blocks: blocksOf(name) }]));
};

/** Sorts what was spilled by user, and writes the columns and their manifest into `folder`. `progress` gets rows that are done. */
export const writeColumns = async (
  threads: readonly RemoteThread[],
  folder: string,
  source: Spilled,
  progress: (rows: number) => void,
): Promise<Manifest> => {
  const { seen, form, chunks, declared, place } = source;
  const ratings = chunks.reduce((sum, { rows }) => sum + rows, 0);
  checkRows(place, ratings);
  const facts = mergeFacts(seen.map((each) => each.facts));
  const numeric = seen.every(({ textUsers }) => !textUsers);
  const items = mergeItems(
    seen.map((each) => each.items),
    declared?.items,
  );
  const codes = codesOf(facts);
  const hasTimes = form.times && seen.some(({ anyTime }) => anyTime);
  const inOrder = numeric && source.ranges;
  const column = (name: string, type: NumberType): Target => ({ path: join(folder, `${inOrder ? '' : 'sorted-'}${name}.${type}`), type });
  const targets: SortPlan['targets'] = {
    items: column('items', countingType(items.count)),
    values: column('values', codes === undefined ? 'f32' : 'u8'),
    ...(hasTimes ? { times: column('times', seen.every(({ wholeTimes }) => wholeTimes) ? 'u32' : 'f64') } : {}),
    ...(source.partOfFile === undefined ? {} : { parts: column('parts', 'u8') }),
  };
  for (const { path, type } of Object.values(targets)) {
    orDisk(path, () => {
      closeSync(openSync(path, 'w'));
      truncateSync(path, ratings * NUMBER_BYTES[type]);
    });
  }
  const plan: SortPlan = { spills: source.spills, form, denseItems: items.dense, items: items.count, numeric, codes, targets };
  for (const thread of threads) await thread.call('plan', plan);
  const extents = extentsOf(source);
  const rows = extents.map((list) => list.reduce((sum, extent) => sum + extent.rows, 0));
  let base = 0;
  const bases = rows.map((count) => {
    base += count;
    return base - count;
  });
  const sorted: SortedUsers[] = await share(threads, extents, async (thread, list, p) => {
    const users = await thread.call('sort', { extents: list, base: bases[p]! });
    progress(rows[p]!);
    return users;
  });
  const twice = sorted.find(({ duplicate }) => duplicate !== undefined)?.duplicate;
  if (twice !== undefined) {
    const original = items.ids?.table.original(items.ids.order[twice.item]!) ?? twice.item;
    throw await source.findDuplicate(twice.user, typeof original === 'number' ? String(original) : Buffer.from(original).toString());
  }
  const order = orderOfUsers(sorted, numeric, source.ranges);
  const users = writeUsers(folder, sorted, order, declared?.users);
  const itemIds: IdsWritten = items.ids === null ? { kind: 'dense', columns: {} } : writeItemIds(folder, items.ids);
  const columns: Record<string, Written> = { ...users.ids.columns, ...itemIds.columns };
  for (const [name, { path, type }] of Object.entries(targets)) {
    columns[name] = { file: `${name}.${type}`, type, length: ratings };
    if (inOrder) continue;
    const partitions = sorted.map((each, p) => ({ users: each, base: bases[p]!, rows: rows[p]! }));
    gatherColumn(path, { ...columns[name], path: join(folder, columns[name].file) }, partitions, order);
    await rm(path);
  }
  await Promise.all(source.spills.map((path) => rm(path, { force: true })));
  return {
    ...{ format: 'metafleet-columns', version: 1, name: source.name, users: users.users, items: items.count, ratings },
    ...{ scale: source.scale ?? scaleOf(facts), feedback: source.feedback, userIds: users.ids.kind, itemIds: itemIds.kind },
    ...(codes === undefined ? {} : { ratingsOfCodes: codes }),
    columns: await hashAll(threads, folder, columns),
  };
};

/** Refuses a folder that holds something else, so that nothing is lost. */
const checkOut = async (out: string, force: boolean): Promise<void> => {
  const found = await readdir(out).catch(() => [] as string[]);
  if (found.length === 0) return;
  if (!found.includes(MANIFEST)) throw badInput('DATA', out, 'a new or an empty folder', 'one with other files in it');
  if (!force) throw badInput('DATA', out, 'a new or an empty folder (--force replaces columns)', 'columns of an earlier import');
};

/**
 * Has `write` fill a folder of its own, and gives it the name `out` when it is complete.
 * An import that is interrupted leaves no folder of that name, and one that fails leaves nothing.
 */
export const writeStore = async (out: string, force: boolean, write: (folder: string) => Promise<Manifest>): Promise<Manifest> => {
  await checkOut(out, force);
  const parent = dirname(resolve(out));
  let folder: string;
  try {
    await mkdir(parent, { recursive: true });
    folder = join(parent, `.${basename(out)}.importing-${randomUUID().slice(0, 8)}`);
    await mkdir(folder);
  } catch (cause) {
    throw badInput('DATA', out, 'a folder that can be written', cause instanceof Error ? cause.message : String(cause));
  }
  try {
    const manifest = await write(folder);
    const path = join(folder, MANIFEST);
    await writeFile(path, `${JSON.stringify(manifest, null, 1)}\n`);
    await rm(out, { recursive: true, force: true });
    await rename(folder, out);
    return manifest;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** @throws MetafleetError DATA if the disk cannot hold what the import of `bytes` of text writes at its peak. */
export const checkRoom = async (out: string, bytes: number): Promise<void> => {
  const parent = dirname(resolve(out));
  await mkdir(parent, { recursive: true });
  const { bavail, bsize } = await statfs(parent);
  const [needed, free] = [bytes, bavail * bsize];
  if (free >= needed) return;
  const text = (count: number): string => `${(count / 1e9).toFixed(1)} GB`;
  throw badInput('DATA', out, `about ${text(needed)} free on its disk while the import sorts`, `${text(free)}; choose another --out`);
};

export const sizeOf = async (path: string): Promise<number> => (await stat(path)).size;
