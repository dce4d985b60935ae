import type { Described } from '../features/described.js';
import type { Feature } from '../features/feature.js';
import type { FeatureOptions } from '../features/load-features.js';
import { scanColumn } from './column-file.js';
import { columnOf } from './columns.js';
import type { Manifest } from './manifest.js';
import { readTexts } from './read-ids.js';
import { idWriter, numberWriter, type Written } from './sort/finish.js';

type DescribedManifest = Pick<Manifest, 'itemTitles' | 'itemFeatures' | 'userFeatures'>;

const KINDS = ['item', 'user'] as const;
type Kind = (typeof KINDS)[number];

const writeFeature = (folder: string, name: string, feature: Feature): Record<string, Written> => {
  const numbers = (column: string, values: Uint32Array | Float32Array, type: 'u32' | 'f32'): [string, Written] => {
    const writer = numberWriter(folder, column, type);
    for (const value of values) writer.add(value);
    return [column, writer.close()];
  };
  if (feature.kind === 'dense') return Object.fromEntries([numbers(`${name}-values`, feature.values, 'f32')]);
  return Object.fromEntries([numbers(`${name}-offsets`, feature.offsets, 'u32'), numbers(`${name}-values`, feature.values, 'u32')]);
};

/** Writes titles and features. */
export const writeDescribed = (folder: string, described: Described): { manifest: DescribedManifest; columns: Record<string, Written> } => {
  let columns: Record<string, Written> = {};
  const form = (feature: Feature) =>
    feature.kind === 'dense'
      ? { kind: feature.kind, name: feature.name, width: feature.width }
      : { kind: feature.kind, name: feature.name, vocabulary: [...feature.vocabulary] };
  const features = (kind: Kind, list: readonly Feature[] = []) => {
    for (const [at, feature] of list.entries()) columns = { ...columns, ...writeFeature(folder, `${kind}-feature-${at}`, feature) };
    return list.map(form);
  };
  const { itemTitles, itemFeatures, userFeatures } = described;
  const [ofItems, ofUsers] = [features('item', itemFeatures), features('user', userFeatures)];
  if (itemTitles !== undefined) {
    const titles = idWriter(folder, 'item-titles', false, 0);
    for (const title of itemTitles) titles.add(Buffer.from(title));
    columns = { ...columns, ...titles.close().columns };
  }
  return {
    manifest: {
      ...(itemTitles && { itemTitles: true }),
      ...(ofItems.length > 0 && { itemFeatures: ofItems }),
      ...(ofUsers.length > 0 && { userFeatures: ofUsers }),
    },
    columns,
  };
};

const readNumbers = <T extends Uint32Array | Float32Array>(
  folder: string,
  manifest: Manifest,
  name: string,
  create: (memory: SharedArrayBuffer) => T,
): T => {
  const column = columnOf(folder, manifest, name);
  const numbers = create(new SharedArrayBuffer(4 * column.length));
  scanColumn(folder, column, { from: 0, to: column.length }, (found, at) => numbers.set(found, at));
  return numbers;
};

const u32 = (memory: SharedArrayBuffer) => new Uint32Array(memory);

type Wanted = FeatureOptions['features'];

/** Features of users or of items, by their place in the manifest: all of them, or those that are named. */
export const namedFeatures = (manifest: Manifest, kind: Kind, wanted: Wanted) =>
  [...(manifest[`${kind}Features`] ?? []).entries()].filter(
    ([, { name }]) => wanted !== 'none' && (wanted === 'all' || wanted.includes(name)),
  );

/** Undefined where there are none. */
export const readFeatures = (folder: string, manifest: Manifest, kind: Kind, wanted: Wanted): readonly Feature[] | undefined => {
  const chosen = namedFeatures(manifest, kind, wanted);
  if (chosen.length === 0) return undefined;
  return chosen.map(([at, feature]): Feature => {
    const name = `${kind}-feature-${at}`;
    if (feature.kind === 'dense')
      return { ...feature, values: readNumbers(folder, manifest, `${name}-values`, (of) => new Float32Array(of)) };
    const [offsets, values] = ['offsets', 'values'].map((column) => readNumbers(folder, manifest, `${name}-${column}`, u32));
    return { ...feature, offsets: offsets!, values: values! };
  });
};

/** Titles by dense item; undefined where there are none. */
export const readTitles = (folder: string, manifest: Manifest): readonly string[] | undefined =>
  manifest.itemTitles === true ? readTexts(folder, manifest, 'item-titles') : undefined;

const names = (manifest: Manifest): readonly string[] => KINDS.flatMap((kind) => manifest[`${kind}Features`] ?? []).map(({ name }) => name);

/** Of users and items, for people. */
export const featureNames = (manifest: Manifest): string => names(manifest).join(', ').slice(0, 200) || 'no features in the columns';

/** A feature that is named, and that the columns lack; undefined: there is none such. */
export const missingFeature = (manifest: Manifest, wanted: Wanted): string | undefined => {
  if (wanted === 'all' || wanted === 'none') return undefined;
  return wanted.find((name) => !names(manifest).includes(name));
};
