import { createHash, type Hash } from 'node:crypto';
import { bytesOf } from '../../base/views.js';
import { type Dataset, PARTS, type Part } from '../../data/dataset.js';
import type { Feature } from '../../data/features/feature.js';
import { cutByUsers, type UserRange } from '../../data/user-ranges.js';

const hashFeature = (hash: Hash, feature: Feature): void => {
  const { values, ...form } = feature;
  if (form.kind === 'multi-hot') hash.update(JSON.stringify([form.name, form.vocabulary])).update(bytesOf(form.offsets));
  else hash.update(JSON.stringify([form.name, form.width]));
  hash.update(bytesOf(values));
};

/** The offsets, items and values of a part that lies in ranges of users, as they are in one piece. */
const hashPart = (hash: Hash, ranges: readonly Pick<UserRange, 'parts'>[], part: Part): void => {
  let base = 0;
  for (const [index, { parts }] of ranges.entries()) {
    const { offsets } = parts[part];
    const from = base;
    hash.update(bytesOf(index === 0 ? offsets : offsets.slice(1).map((offset) => from + offset)));
    base += offsets.at(-1)!;
  }
  for (const { parts } of ranges) hash.update(bytesOf(parts[part].items));
  for (const { parts } of ranges) hash.update(bytesOf(parts[part].values));
};

/**
 * SHA-256 of all ratings as they are split, and of the features that `reads` names, hex.
 * With `hosts`, a dataset that is read by ranges of users is cut for so many hosts, and is not read as a whole.
 */
export const dataDigest = (dataset: Dataset, reads: readonly ('users' | 'items')[] = [], hosts?: number): string => {
  const { users, items, scale, parts, roles } = dataset;
  const hash = createHash('sha256').update(JSON.stringify([users, items, scale]));
  if (roles !== undefined) hash.update(roles.users).update(roles.items);
  const ranges = parts.source === undefined || hosts === undefined ? [{ parts }] : cutByUsers(dataset, hosts);
  for (const part of PARTS) hashPart(hash, ranges, part);
  const features = { users: dataset.userFeatures, items: dataset.itemFeatures };
  for (const kind of reads) for (const feature of features[kind] ?? []) hashFeature(hash, feature);
  return hash.digest('hex');
};
