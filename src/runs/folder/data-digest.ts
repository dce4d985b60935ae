import { createHash, type Hash } from 'node:crypto';
import { bytesOf } from '../../base/views.js';
import { type Dataset, PARTS } from '../../data/dataset.js';
import type { Feature } from '../../data/features/feature.js';

const hashFeature = (hash: Hash, feature: Feature): void => {
  const { values, ...form } = feature;
  if (form.kind === 'multi-hot') hash.update(JSON.stringify([form.name, form.vocabulary])).update(bytesOf(form.offsets));
  else hash.update(JSON.stringify([form.name, form.width]));
  hash.update(bytesOf(values));
};

/** SHA-256 of all ratings as they are split, and of the features that `reads` names, hex. */
export const dataDigest = (dataset: Dataset, reads: readonly ('users' | 'items')[] = []): string => {
  const { users, items, scale, parts, roles } = dataset;
  const hash = createHash('sha256').update(JSON.stringify([users, items, scale]));
  if (roles !== undefined) hash.update(roles.users).update(roles.items);
  for (const part of PARTS) {
    const { offsets, items: rated, values } = parts[part];
    for (const column of [offsets, rated, values]) hash.update(bytesOf(column));
  }
  const features = { users: dataset.userFeatures, items: dataset.itemFeatures };
  for (const kind of reads) for (const feature of features[kind] ?? []) hashFeature(hash, feature);
  return hash.digest('hex');
};
