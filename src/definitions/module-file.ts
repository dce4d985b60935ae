import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, isAbsolute, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { badInput, messageOf } from '../base/errors.js';

/** A module of a user's: plain data, since each thread that needs it imports it by itself. */
export type ModuleFile = {
  /** As the user wrote it. */
  readonly name: string;
  /** Address to import it from. */
  readonly url: string;
  /** Of its bytes and those of the files it imports by a relative path, hex. */
  readonly sha256: string;
};

const EXTENSIONS = ['.js', '.mjs', '.ts', '.mts'];

/** Whether a setting names a module rather than something built in: a path, a file, or a package in scope or by path. */
export const isModuleName = (text: string): boolean => /[/\\]/.test(text) || EXTENSIONS.includes(extname(text));

/** Relative imports and exports of a source, as far as their text shows them. */
const RELATIVE_IMPORT = /(?:from\s*|import\s*\(?\s*)['"](\.{1,2}\/[^'"]+)['"]/g;

/** Files that a module consists of, by path: what it imports by a relative path, and what that imports. */
const filesOf = (entry: string, key: string): ReadonlyMap<string, Buffer> => {
  const files = new Map<string, Buffer>();
  const visit = (path: string): void => {
    if (files.has(path)) return;
    let bytes: Buffer;
    try {
      bytes = readFileSync(path);
    } catch (error) {
      throw badInput('CONFIG', key, 'a module that can be read', `${path}: ${messageOf(error)}`);
    }
    files.set(path, bytes);
    if (!EXTENSIONS.includes(extname(path))) return;
    for (const [, specifier] of bytes.toString('utf8').matchAll(RELATIVE_IMPORT)) visit(resolve(dirname(path), specifier!));
  };
  visit(entry);
  return files;
};

/** In the order of their paths, each with its length, so that no two modules have the same text. */
const hashOf = (entry: string, files: ReadonlyMap<string, Buffer>): string => {
  const hash = createHash('sha256');
  for (const path of [...files.keys()].sort()) {
    const name = relative(dirname(entry), path).replaceAll('\\', '/');
    hash.update(`${name}\n${files.get(path)!.length}\n`).update(files.get(path)!);
  }
  return hash.digest('hex');
};

/** Finds a module by a path from the working folder, or a package installed there. `key` names the setting in errors. Throws CONFIG. */
export const locateModule = (name: string, key: string): ModuleFile => {
  const isPath = name.startsWith('.') || isAbsolute(name);
  let entry = resolve(name);
  if (!isPath) {
    try {
      entry = createRequire(join(process.cwd(), 'package.json')).resolve(name);
    } catch {
      throw badInput('CONFIG', key, 'a path that begins with ./, or a package installed here', name);
    }
  }
  if (!EXTENSIONS.includes(extname(entry))) throw badInput('CONFIG', key, `a module that ends in ${EXTENSIONS.join(', ')}`, name);
  return { name, url: pathToFileURL(entry).href, sha256: hashOf(entry, filesOf(entry, key)) };
};
