import type { Dataset } from '../dataset.js';
import type { Feature } from './feature.js';

/** What is known of users and items apart from their records, by dense id. */
export type Described = Pick<Dataset, 'itemTitles' | 'itemFeatures' | 'userFeatures'>;

/** Whether a feature says anything of one user or item. */
export const hasFeature = (feature: Feature, at: number): boolean => {
  if (feature.kind === 'multi-hot') return feature.offsets[at + 1]! > feature.offsets[at]!;
  return !Number.isNaN(feature.values[at * feature.width]!);
};

/** Whether an item has every item feature. */
export const isDescribed = ({ itemFeatures = [] }: Described, item: number): boolean =>
  itemFeatures.every((feature) => hasFeature(feature, item));

/** A feature of the chosen users or items, in this order. The vocabulary stays. */
export const selectFeature = (feature: Feature, chosen: Uint32Array): Feature => {
  if (feature.kind === 'dense') {
    const { width } = feature;
    const values = new Float32Array(new SharedArrayBuffer(4 * chosen.length * width));
    chosen.forEach((old, now) => values.set(feature.values.subarray(old * width, (old + 1) * width), now * width));
    return { ...feature, values };
  }
  const offsets = new Uint32Array(new SharedArrayBuffer(4 * (chosen.length + 1)));
  chosen.forEach((old, now) => {
    offsets[now + 1] = offsets[now]! + feature.offsets[old + 1]! - feature.offsets[old]!;
  });
  const values = new Uint32Array(new SharedArrayBuffer(4 * offsets[chosen.length]!));
  chosen.forEach((old, now) => values.set(feature.values.subarray(feature.offsets[old]!, feature.offsets[old + 1]!), offsets[now]!));
  return { ...feature, offsets, values };
};

/** Of the chosen users and items, in this order. Absent: all. */
export const selectDescribed = (
  { itemTitles, itemFeatures, userFeatures }: Described,
  users: Uint32Array | undefined,
  items: Uint32Array | undefined,
): Described => {
  const select = (features: readonly Feature[], chosen: Uint32Array | undefined) =>
    chosen === undefined ? features : features.map((feature) => selectFeature(feature, chosen));
  return {
    ...(itemTitles && { itemTitles: items === undefined ? itemTitles : Array.from(items, (at) => itemTitles[at]!) }),
    ...(itemFeatures && { itemFeatures: select(itemFeatures, items) }),
    ...(userFeatures && { userFeatures: select(userFeatures, users) }),
  };
};
