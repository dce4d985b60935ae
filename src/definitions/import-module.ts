import { register } from 'node:module';
import { MetafleetError, messageOf } from '../base/errors.js';
import type { ModuleFile } from './module-file.js';

const stripsTypes = (): boolean => {
  const { features } = process as { features: { typescript?: unknown } };
  return features.typescript === 'strip' || features.typescript === 'transform';
};

let registered = false;

/** The exports of a user's module, imported on the calling thread. Throws MODULE, naming it, where it does not load. */
export const importModule = async ({ name, url }: ModuleFile): Promise<Readonly<Record<string, unknown>>> => {
  if (!registered && /\.m?ts$/.test(url) && !stripsTypes()) {
    register('./typescript-loader.js', import.meta.url);
    registered = true;
  }
  try {
    return (await import(url)) as Record<string, unknown>;
  } catch (error) {
    throw new MetafleetError('MODULE', `${name}: expected a module that loads, found ${messageOf(error).split('\n')[0]}`, { cause: error });
  }
};
