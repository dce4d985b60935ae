// The project's own sources, as the checks of its tree read them.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type ParseResult, parseSync } from 'oxc-parser';

export const ROOTS = ['src', 'workers', 'scripts', 'test', 'dashboards'];
/** Whether a file is AssemblyScript: kernels, and those of one algorithm in its own folder. */
export const isAssembly = (file: string): boolean => /^src\/.*\/assembly\//.test(file);

/** All files below a folder of the project, by their paths from `root`, in order. A folder that does not exist has none. */
export const filesUnder = (root: string, folder: string): string[] => {
  try {
    return readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
      .filter((item) => item.isFile())
      .map(({ parentPath, name }) => path.relative(root, path.join(parentPath, name)).split(path.sep).join('/'))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
};

/** AssemblyScript decorates functions, which no TypeScript parser accepts; blanked, its sources parse. */
const DECORATOR = /^\s*@\w+(\([^)]*\))?/gm;

export type Source = { readonly text: string; readonly program: ParseResult['program']; readonly comments: ParseResult['comments'] };

/** Positions in `program` and `comments` are those in `text`. Throws for a file that is not TypeScript. */
export const readSource = (root: string, name: string): Source => {
  const file = path.join(root, name);
  const written = readFileSync(file, 'utf8');
  const text = isAssembly(name) ? written.replace(DECORATOR, (match) => match.replace(/\S/g, ' ')) : written;
  const { program, comments, errors } = parseSync(file, text);
  if (errors[0]) throw new Error(`${name}: ${errors[0].message}`);
  return { text, program, comments };
};

/** Prints what a check found, a line each, and then `summary`; the process ends with 1 where there was anything. */
export const reportViolations = (violations: readonly string[], summary: (count: number) => string): void => {
  for (const violation of violations) console.error(violation);
  if (violations.length === 0) return;
  console.error(summary(violations.length));
  process.exitCode = 1;
};
