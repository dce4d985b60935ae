import { createRequire } from 'node:module';

/** The built entry of a thread, by the name of its file in workers/. */
export const entry = (name: string): string => createRequire(import.meta.url).resolve(`#built/workers/${name}.js`);
