import { linkSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isTemporary } from './sealed-file.js';

/** The last `keep` files that stood at `path`, the newest first: `last.checkpoint`, `last-1.checkpoint`, … */
export const keptPaths = (path: string, keep: number): readonly string[] => {
  const stem = path.replace(/\.checkpoint$/, '');
  const extension = path.slice(stem.length);
  return Array.from({ length: Math.max(1, keep) }, (_, age) => (age === 0 ? path : `${stem}-${age}${extension}`));
};

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

const unlessMissing = (work: () => void): void => {
  try {
    work();
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
};

/**
 * Gives what stands at `path` the name of the last but one, and so on; the oldest goes. The file at `path` stays until another
 * takes its place: a process that dies in between leaves it there.
 */
export const makeRoom = (path: string, keep: number): void => {
  const places = keptPaths(path, keep);
  for (let age = places.length - 1; age > 1; age--) unlessMissing(() => renameSync(places[age - 1]!, places[age]!));
  const second = places[1];
  if (second === undefined) return;
  rmSync(second, { force: true });
  try {
    linkSync(path, second);
  } catch (error) {
    // A file system without links: for the moment until the new file takes its place, the second is the newest.
    if (!isMissing(error)) unlessMissing(() => renameSync(path, second));
  }
};

/** Removes what a killed process left half-written next to `path`. No other process may be writing there. */
export const removeLeftovers = (path: string): void => {
  const folder = dirname(path);
  const stem = basename(path).replace(/\.checkpoint$/, '');
  try {
    for (const name of readdirSync(folder)) {
      if (name.startsWith(stem) && isTemporary(name)) rmSync(join(folder, name), { force: true });
    }
  } catch {
    // Whatever is wrong with the folder, the next write will say it.
  }
};
