import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { isMetafleetError } from '../../../src/base/errors.js';
import { messageFrom } from './data-files.js';

/** The entries of a cache, temporary files included. */
export const held = async (cache: string): Promise<string[]> => readdir(join(cache, 'datasets')).catch(() => []);

/** The one line of FETCH that this rejects with. */
export const refusal = async (promise: Promise<unknown>): Promise<string> => {
  await expect(promise.catch((error: unknown) => Promise.reject(error))).rejects.toSatisfy((error) => isMetafleetError(error, 'FETCH'));
  const message = await messageFrom(promise);
  expect(message).not.toContain('\n');
  return message;
};
