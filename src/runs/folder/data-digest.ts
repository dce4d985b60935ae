import { createHash } from 'node:crypto';
import { bytesOf } from '../../base/views.js';
import { type Dataset, PARTS } from '../../data/dataset.js';

/** SHA-256 of all ratings as they are split, hex. */
export const dataDigest = ({ users, items, scale, parts }: Dataset): string => {
  const hash = createHash('sha256').update(JSON.stringify([users, items, scale]));
  for (const part of PARTS) {
    const { offsets, items: rated, values } = parts[part];
    for (const column of [offsets, rated, values]) hash.update(bytesOf(column));
  }
  return hash.digest('hex');
};
