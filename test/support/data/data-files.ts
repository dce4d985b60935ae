import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Dataset, Part } from '../../../src/data/dataset.js';
import { PARTS } from '../../../src/data/dataset.js';
import { type LoadOptions, loadDataset } from '../../../src/data/load.js';

/** A folder that is gone when the test is. */
export const temporaryFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'metafleet-data-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
};

/** Writes files (by relative path) into a fresh folder. */
export const folderOf = async (files: Readonly<Record<string, string | Uint8Array>>): Promise<string> => {
  const folder = await temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
};

export const load = (source: string, options: Partial<LoadOptions> = {}): Promise<Dataset> =>
  loadDataset(source, { split: 'auto', seed: 1, ...options });

/** [user id, item id, rating] of a part, in column order. */
export const triples = (dataset: Dataset, part: Part): [string, string, number][] => {
  const { offsets, items, values } = dataset.parts[part];
  const all: [string, string, number][] = [];
  for (let user = 0; user < dataset.users; user++) {
    for (let at = offsets[user]!; at < offsets[user + 1]!; at++) {
      all.push([dataset.userIds?.[user] ?? `${user}`, dataset.itemIds?.[items[at]!] ?? `${items[at]}`, values[at]!]);
    }
  }
  return all;
};

export const allTriples = (dataset: Dataset): [string, string, number][] => PARTS.flatMap((part) => triples(dataset, part));

export const sizes = (dataset: Dataset): number[] => PARTS.map((part) => dataset.parts[part].items.length);

/** Real sets lie next to the project (developers and CI only); undefined when they do not. */
export const sharedData = (name: string): string | undefined => {
  const path = resolve(import.meta.dirname, '../../../../shared/data', name);
  return existsSync(path) ? path : undefined;
};

export const messageFrom = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return 'nothing was thrown';
};
