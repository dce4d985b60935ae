import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { badInput, messageOf } from '../../base/errors.js';

/** Little-endian numbers of a column. */
export const NUMBER_BYTES = { u8: 1, u16: 2, u32: 4, f32: 4, f64: 8 } as const;
export type NumberType = keyof typeof NUMBER_BYTES;

const count = z.int().nonnegative();

const columnSchema = z.object({
  file: z.string().regex(/^[A-Za-z0-9._-]+$/),
  type: z.enum(['u8', 'u16', 'u32', 'f32', 'f64']),
  length: count,
  /** SHA-256 of each BLOCK bytes of the file: a host checks what it reads, and reads no more than it needs. */
  blocks: z.array(z.string().regex(/^[0-9a-f]{64}$/)),
});

/** How ids are kept. none: there are none. dense: 0 … count−1. integers: a column of them. texts: ends, and UTF-8. */
const idsSchema = z.enum(['none', 'dense', 'integers', 'texts']);

const featureSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('multi-hot'), name: z.string(), vocabulary: z.array(z.string()) }),
  z.object({ kind: z.literal('dense'), name: z.string(), width: z.int().positive() }),
]);

const manifestSchema = z.object({
  format: z.literal('metafleet-columns'),
  version: z.literal(1),
  name: z.string(),
  users: count,
  items: count,
  ratings: count,
  scale: z.object({ lowest: z.number(), highest: z.number(), step: z.number() }),
  feedback: z.enum(['explicit', 'implicit']),
  userIds: idsSchema,
  itemIds: idsSchema,
  /** What the numbers of the column `values` stand for, where there are at most 256 different ratings. */
  ratingsOfCodes: z.array(z.number()).optional(),
  /** Titles of items, whose texts are columns as those of ids are. */
  itemTitles: z.boolean().optional(),
  /** Their numbers are columns: `item-feature-0-values`, and so on. */
  itemFeatures: z.array(featureSchema).optional(),
  userFeatures: z.array(featureSchema).optional(),
  /** Of synthetic sets: the seed they were made from, and the mean squared noise on the test part of its split. */
  synthetic: z.object({ seed: z.int(), bestMse: z.number(), noise: z.number() }).optional(),
  columns: z.record(z.string(), columnSchema),
});

export type ColumnEntry = z.infer<typeof columnSchema>;
export type Manifest = z.infer<typeof manifestSchema>;

export const MANIFEST = 'manifest.json';

/** Bytes that one checksum covers. */
export const BLOCK = 1 << 23;

/** @throws MetafleetError DATA where the folder holds no manifest, or one that another version or hand has written. */
export const readManifest = async (folder: string): Promise<Manifest> => {
  const path = join(folder, MANIFEST);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw badInput('DATA', path, 'a readable manifest', messageOf(error));
  }
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (error) {
    throw badInput('DATA', path, 'JSON', messageOf(error));
  }
  const parsed = manifestSchema.safeParse(found);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw badInput(
    'DATA',
    path,
    'a manifest of version 1, as `metafleet data import` writes it',
    `${issue?.path.join('.')}: ${issue?.message}`,
  );
};
