import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** A file of the live page, as it is and compressed. */
export type PageFile = { readonly type: string; readonly body: Buffer; readonly gzip: Buffer };

const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript' };

/** The files of the page, by path: `/` and `/page/…`. They are read and compressed once. */
export const readPageFiles = (): ReadonlyMap<string, PageFile> => {
  const folder = dirname(createRequire(import.meta.url).resolve('#built/src/telemetry/page/main.js'));
  const names = readdirSync(folder).filter((name) => Object.hasOwn(TYPES, extname(name)));
  return new Map(
    names.map((name) => {
      const body = readFileSync(join(folder, name));
      const file = { type: `${TYPES[extname(name)]}; charset=utf-8`, body, gzip: gzipSync(body, { level: 9 }) };
      return [name === 'index.html' ? '/' : `/page/${name}`, file];
    }),
  );
};

/** Only the page's own scripts and styles are allowed. Another site cannot show the page in a frame. */
export const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
