import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { whatToDo } from '../../base/disk.js';
import { MetafleetError, messageOf } from '../../base/errors.js';
import { beforeLeaving } from '../../base/leaving.js';

/** Writes that are under way. When the process is to end early, they come to their end, and no other begins. */
const underWay = new Set<Promise<void>>();
let isLeaving = false;
beforeLeaving(async () => {
  isLeaving = true;
  await Promise.allSettled(underWay);
});

/**
 * `path` holds either what it held before or all of what `write` gave, whatever dies when. The steps are: a temporary file in the same
 * folder (rename across file systems is not atomic), fsync, rename, fsync of the folder.
 * One writer a path at a time. Rejects with the system's error, the temporary file removed; one that a killed process
 * left is overwritten by the next write. A process that is about to end begins no write: then it never settles.
 */
export const replaceAtomically = (path: string, write: (append: (text: string) => Promise<void>) => Promise<void>): Promise<void> => {
  if (isLeaving) return new Promise(() => undefined);
  const writing = replace(path, write);
  underWay.add(writing);
  return writing.finally(() => underWay.delete(writing));
};

const replace = async (path: string, write: (append: (text: string) => Promise<void>) => Promise<void>): Promise<void> => {
  const temporary = join(dirname(path), `.${basename(path)}.tmp`);
  try {
    const file = await open(temporary, 'w');
    try {
      await write((text) => file.appendFile(text));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(path));
};

export const writeAtomically = (path: string, text: string): Promise<void> => replaceAtomically(path, (append) => append(text));

/** Makes the rename itself durable. Windows cannot open folders, some network file systems cannot sync them: then it is as durable as it gets. */
const syncFolder = async (folder: string): Promise<void> => {
  try {
    const handle = await open(folder, 'r');
    await handle.sync().finally(() => handle.close());
  } catch {
    // The content is complete either way.
  }
};

/** What `writing` resolves with. Rejects with a MetafleetError of `code` that names the place and says what to do. */
export const explained = async <T>(place: string, writing: Promise<T>, code: 'CONFIG' | 'CHECKPOINT' = 'CHECKPOINT'): Promise<T> => {
  try {
    return await writing;
  } catch (error) {
    throw new MetafleetError(code, `${place}: cannot be written: ${messageOf(error)}${whatToDo(error)}`, { cause: error });
  }
};
