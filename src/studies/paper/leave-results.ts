import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MetafleetError, messageOf } from '../../base/errors.js';
import { writeAtomically } from '../../runs/folder/atomic-write.js';

export type ResultFiles = Readonly<Record<string, string>>;

/** Writes a study's files, each whole or not at all; quick ones under names of their own, so that they replace no measurement. Returns the paths. */
export const leaveResults = async (
  folder: string,
  { study, data, quick }: { readonly study: string; readonly data: string; readonly quick: boolean },
  files: ResultFiles,
): Promise<readonly string[]> => {
  const base = `${study}-${data.replace(/[^A-Za-z0-9.]+/g, '-')}${quick ? '-quick' : ''}`;
  try {
    await mkdir(folder, { recursive: true });
    const paths = Object.entries(files).map(([extension, text]) => [join(folder, `${base}.${extension}`), text] as const);
    for (const [path, text] of paths) await writeAtomically(path, text);
    return paths.map(([path]) => path);
  } catch (error) {
    throw new MetafleetError('CONFIG', `${folder}: results cannot be written: ${messageOf(error)}`, { cause: error });
  }
};
