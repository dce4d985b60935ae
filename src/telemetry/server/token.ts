import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { badInput, messageOf } from '../../base/errors.js';

/** A source of the token. It is no key of the configuration: flags show in process lists, and results keep the configuration. */
export const TOKEN_VARIABLE = 'METAFLEET_METRICS_TOKEN';

/** Where a token may come from: the environment variable, and what names the file. */
export type TokenPlaces = { readonly variable: string; readonly key: string };

const METRICS: TokenPlaces = { variable: TOKEN_VARIABLE, key: 'key metrics.tokenFile' };

/** The characters that RFC 6750 allows in an Authorization header, and so many that nobody can guess it over a network. */
const TOKEN = /^[A-Za-z0-9._~+/-]{16,}=*$/;

/**
 * The bearer token that an HTTP port requires: the content of `file`, else the environment variable, else none.
 * Throws CONFIG for a file that cannot be read, and for a token that no client could send. No error shows the token.
 */
export const readToken = (
  file: string,
  environment: NodeJS.ProcessEnv = process.env,
  { variable, key }: TokenPlaces = METRICS,
): string | undefined => {
  const [place, text] = file === '' ? [`environment variable ${variable}`, environment[variable]] : [file, readText(file, key)];
  if (text === undefined || (file === '' && text === '')) return undefined;
  const token = text.trim();
  if (TOKEN.test(token)) return token;
  throw badInput('CONFIG', place, 'a token of at least 16 letters, digits and -._~+/', `${token.length} characters`);
};

const readText = (file: string, key: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw badInput('CONFIG', key, 'a readable file that holds the token', messageOf(error));
  }
};

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Whether an Authorization header carries the token. Digests have one length, and the time of the comparison gives nothing away. */
export const carriesToken = (header: string | undefined, token: string): boolean => {
  const sent = /^bearer +(\S+)$/i.exec(header ?? '')?.[1];
  return sent !== undefined && timingSafeEqual(digest(sent), digest(token));
};
