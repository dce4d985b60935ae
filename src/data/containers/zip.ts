import type { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { type Entry, open, type ZipFile } from 'yauzl';
import { badInput, messageOf } from '../../base/errors.js';

const damaged = (path: string, error: unknown) =>
  badInput('DATA', path, 'a whole zip file', messageOf(error).split('\n')[0]!.slice(0, 200));

const openZip = (path: string): Promise<ZipFile> =>
  new Promise((resolve, reject) => {
    open(path, { lazyEntries: true, autoClose: false }, (error, zip) => (error === null ? resolve(zip) : reject(damaged(path, error))));
  });

/** The entries of a zip, in its order, until `wanted` says that it has seen enough. */
const entriesOf = (zip: ZipFile, path: string, wanted: (entry: Entry) => boolean): Promise<Entry | undefined> =>
  new Promise((resolve, reject) => {
    zip.on('entry', (entry: Entry) => (wanted(entry) ? resolve(entry) : zip.readEntry()));
    zip.once('end', () => resolve(undefined));
    zip.once('error', (error) => reject(damaged(path, error)));
    zip.readEntry();
  });

/** Names of the files in a zip. Folders, and what a Mac adds, are left out. */
export const zipNames = async (path: string): Promise<readonly string[]> => {
  const names: string[] = [];
  const zip = await openZip(path);
  try {
    await entriesOf(zip, path, ({ fileName }) => {
      if (!fileName.endsWith('/') && !/(^|\/)(__MACOSX|\.)/.test(fileName)) names.push(fileName);
      return false;
    });
  } finally {
    zip.close();
  }
  return names;
};

/**
 * The bytes of one member, inflated as they are read, and its CRC-32 checked at the end.
 * @throws MetafleetError DATA when the zip is damaged, has no such member, or has it encrypted.
 */
export async function* zipMember(path: string, member: string): AsyncGenerator<Uint8Array> {
  const zip = await openZip(path);
  try {
    const entry = await entriesOf(zip, path, ({ fileName }) => fileName === member);
    if (entry === undefined) throw badInput('DATA', path, `${member} in the zip file`, 'no such member');
    if (entry.isEncrypted())
      throw badInput('DATA', `${path}/${member}`, 'a member that is not encrypted', 'an encrypted one (unpack it first)');
    const stream = await new Promise<Readable>((resolve, reject) => {
      zip.openReadStream(entry, (error, opened) => (error === null ? resolve(opened) : reject(damaged(path, error))));
    });
    let sum = 0;
    try {
      for await (const chunk of stream) {
        sum = crc32(chunk as Buffer, sum);
        yield chunk as Buffer;
      }
    } catch (error) {
      throw damaged(`${path}/${member}`, error);
    }
    if (sum !== entry.crc32) throw damaged(`${path}/${member}`, 'another checksum than the archive has');
  } finally {
    zip.close();
  }
}
