import { createRequire } from 'node:module';

const { version } = createRequire(import.meta.url)('#package') as { version: string };

/** As in package.json. */
export const VERSION: string = version;
