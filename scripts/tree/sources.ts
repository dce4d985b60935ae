import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type ParseResult, parseSync } from 'oxc-parser';

/** TypeScript files under a folder of the project at `root`, by path with slashes; none where there is no such folder. */
export const sourcesUnder = (root: string, folder: string): string[] => {
  try {
    return readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.[cm]?ts$/.test(name))
      .map((name) => path.posix.join(folder, name.split(path.sep).join('/')))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
};

export const ASSEMBLY = 'src/tensor/assembly';

/** AssemblyScript decorates functions, which no TypeScript parser accepts; blanked, its sources parse. */
const DECORATOR = /^\s*@\w+(\([^)]*\))?/gm;

export type Source = { readonly program: ParseResult['program']; readonly text: string; readonly lineOf: (offset: number) => number };

/** A file as syntax. Throws for one that does not parse. */
export const parseSource = (root: string, name: string): Source => {
  const file = path.join(root, name);
  const source = readFileSync(file, 'utf8');
  const text = name.startsWith(`${ASSEMBLY}/`) ? source.replace(DECORATOR, (match) => match.replace(/\S/g, ' ')) : source;
  const { program, errors } = parseSync(file, text);
  if (errors[0]) throw new Error(`${name}: ${errors[0].message}`);
  return { program, text, lineOf: (offset) => text.slice(0, offset).split('\n').length };
};
