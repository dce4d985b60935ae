import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { badInput, messageOf } from '../base/errors.js';
import type { Summary } from './summary.js';

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw badInput('CHECKPOINT', path, 'a file that can be read', messageOf(error));
  }
};

const parse = (text: string, place: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw badInput('CHECKPOINT', place, 'JSON', text.slice(0, 40));
  }
};

/** undefined where the run has not ended yet. Throws CHECKPOINT for a file that is no summary. */
export const readSummary = (folder: string): Summary | undefined => {
  const path = join(folder, 'summary.json');
  const text = read(path);
  if (text === undefined) return undefined;
  const value = parse(text, path);
  if (typeof value !== 'object' || value === null || !('version' in value) || value.version !== 1)
    throw badInput('CHECKPOINT', path, 'a summary of version 1', text.slice(0, 40).replaceAll('\n', ' '));
  return value as Summary;
};
