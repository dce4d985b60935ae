import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { transform } from 'sucrase';

type Loaded = { readonly format: string; readonly source: string; readonly shortCircuit: true };
type Next = (url: string, context: object) => Promise<Loaded>;

/** Loader hook for Node versions that do not strip types themselves: users' modules may be TypeScript on those, too. */
export const load = async (url: string, context: object, next: Next): Promise<Loaded> => {
  if (!/^file:.*\.m?ts$/.test(url)) return next(url, context);
  const path = fileURLToPath(url);
  const { code } = transform(await readFile(path, 'utf8'), { transforms: ['typescript'], disableESTransforms: true, filePath: path });
  return { format: 'module', source: code, shortCircuit: true };
};
