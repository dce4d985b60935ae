import { badInput } from '../base/errors.js';
import type { CatalogueEntry } from './catalogue/entry.js';
import type { Found } from './catalogue/find.js';
import { type Feedback, PARTS, type Part } from './dataset.js';
import type { Columns } from './formats/reading.js';
import { type FileLayout, type Reading, readRatings } from './import/reader.js';
import { rowSink } from './import/row-sink.js';
import { emptyRows, type RatingRows } from './import/rows.js';
import { applyRowPolicy, type RowCounts, type RowPolicy, rescaleRows } from './policies/rows.js';
import type { Scale, ValuePolicy } from './policies/values.js';

/** How the files of a path are read, and what becomes of their rows. Everything left out is found from the files. */
export type FileOptions = {
  /** Header names, or numbers from 1. */
  readonly columns?: Columns;
  readonly delimiter?: string;
  readonly encoding?: string;
  /** Whether the first line is a header. */
  readonly header?: boolean;
  /** Default: the catalogue's if the folder bears the name of one of its sets, else the range of the data. */
  readonly scale?: { readonly lowest: number; readonly highest: number; readonly step?: number };
  /** Ids are 0 … count−1 already, whether or not all occur. */
  readonly declared?: { readonly users?: number; readonly items?: number };
  readonly policies?: Omit<ValuePolicy, 'scale'> & RowPolicy;
  /** Is called with what was recognised and read of each file. */
  readonly onReading?: (reading: Reading) => void;
  readonly onProgress?: (note: string) => void;
};

/** The rows of a path, before a split. */
export type FileRows = {
  readonly rows: RatingRows;
  readonly readings: readonly Reading[];
  /** By index into rows.files; empty unless the files are a split. */
  readonly partOfFile: readonly Part[];
  readonly feedback: Feedback;
  readonly scale?: Scale;
};

const scaleOf = ({ scale }: FileOptions, entry: CatalogueEntry | undefined): Scale | undefined => {
  const given: Scale | undefined = scale ? { step: 0, ...scale } : (entry?.scale ?? undefined);
  if (given !== undefined && !(given.lowest < given.highest && given.step >= 0)) {
    throw badInput('DATA', 'scale', 'lowest < highest and step ≥ 0', `${given.lowest}, ${given.highest}, ${given.step}`);
  }
  return given;
};

/** `known`: the set of the catalogue that these files are, or are a copy of. A copy may have another delimiter than the original. */
export const layoutOf = (options: FileOptions, known: CatalogueEntry | undefined): FileLayout => {
  const { columns, delimiter, encoding, header, policies = {} } = options;
  const { unrated = known?.layout.unrated, unratedAs, outside, binarize } = policies;
  const scale = scaleOf(options, known);
  const familiar = known?.layout.encoding;
  return {
    ...(columns && { columns }),
    ...(delimiter && { delimiter }),
    ...(encoding && { encoding }),
    ...(familiar && { familiar }),
    ...(header !== undefined && { header }),
    ...(unrated && { unrated }),
    ...(unratedAs !== undefined && { unratedAs }),
    ...(outside && { outside }),
    ...(binarize !== undefined && { binarize }),
    ...(scale && { scale }),
  };
};

/** The first policy that is not the default, as its key. */
export const chosenPolicy = (policies: NonNullable<FileOptions['policies']>): string | undefined => {
  const { outside = 'refuse', duplicates = 'refuse', minUser = 0, minItem = 0, core = 0, ...others } = policies;
  const thin = Object.entries({ minUser, minItem, core }).find(([, least]) => least > 1)?.[0];
  if (outside !== 'refuse') return 'outside';
  return duplicates === 'refuse' ? (thin ?? Object.entries(others).find(([, value]) => value !== undefined)?.[0]) : 'duplicates';
};

/** Whether a policy looks at several rows at once: then all of them must be in memory. */
export const needsAllRows = ({
  outside: _,
  unrated: __,
  unratedAs: ___,
  binarize: ____,
  ...policies
}: NonNullable<FileOptions['policies']>): boolean => chosenPolicy(policies) !== undefined;

const number = (count: number): string => count.toLocaleString('en-US');

/** What became of the rows of a file, in words. */
export const notesOf = (
  { path, counts, unrated, untimed, rows }: Pick<Reading, 'path' | 'counts' | 'unrated' | 'untimed' | 'rows'>,
  { policies = {} }: FileOptions,
): string[] => {
  const values = policies.unrated ?? unrated;
  const marks = values.length === 0 ? 'without a rating' : `of ${values.join(', ')} or without a rating`;
  const fate = policies.unratedAs === undefined ? 'left out' : `rated ${policies.unratedAs}`;
  return [
    counts.unrated > 0 ? `${number(counts.unrated)} of ${number(rows)} rows ${marks}: ${fate} (unrated)` : '',
    counts.clipped > 0 ? `${number(counts.clipped)} ratings clipped to the scale (outside)` : '',
    counts.below > 0 ? `${number(counts.below)} ratings below ${policies.binarize} left out (binarize)` : '',
    untimed > 0 ? `${number(untimed)} rows have a time that is none` : '',
  ].flatMap((note) => (note === '' ? [] : [`${path}: ${note}`]));
};

const rowNotes = ({ merged, thin }: RowCounts, { duplicates }: RowPolicy): string[] => [
  ...(merged > 0 ? [`${number(merged)} duplicates merged (duplicates: ${duplicates})`] : []),
  ...(thin.rows > 0
    ? [
        `left out for too few ratings: ${number(thin.users)} users, ${number(thin.items)} items, ${number(thin.rows)} ratings (minUser, minItem, core)`,
      ]
    : []),
];

const rangeOf = ({ values, count }: RatingRows): Scale => {
  let [lowest, highest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values.subarray(0, count)) {
    lowest = Math.min(lowest, value);
    highest = Math.max(highest, value);
  }
  return { lowest, highest, step: 0 };
};

const pathsOf = (found: Found): readonly (readonly [path: string, part: Part | undefined])[] => {
  switch (found.kind) {
    case 'single':
      return [[found.path, undefined]];
    case 'pooled':
      return found.paths.map((path) => [path, undefined]);
    case 'split':
      return PARTS.flatMap((part): (readonly [string, Part])[] => (found.paths[part] === undefined ? [] : [[found.paths[part], part]]));
  }
};

/**
 * Reads all files of a path, and applies the policies.
 * @throws MetafleetError DATA for what is wrong with the data (`file:line: expected …, found …`).
 */
export const readFiles = async (found: Found, place: string, options: FileOptions, known?: CatalogueEntry): Promise<FileRows> => {
  const { policies = {}, onReading, onProgress } = options;
  const read = emptyRows();
  const into = rowSink(read, options.declared);
  const layout = layoutOf(options, known);
  const readings: Reading[] = [];
  const partOfFile: Part[] = [];
  for (const [path, part] of pathsOf(found)) {
    const reading = await readRatings(path, layout, into);
    onReading?.(reading);
    for (const note of notesOf(reading, options)) onProgress?.(note);
    readings.push(reading);
    if (part !== undefined) partOfFile.push(part);
  }
  if (read.count === 0) throw badInput('DATA', place, 'at least one rating that the policies keep', 'none (unrated, binarize)');
  const { rows, counts } = applyRowPolicy(read, policies);
  for (const note of rowNotes(counts, policies)) onProgress?.(note);
  if (rows.count === 0) throw badInput('DATA', place, 'at least one rating that the policies keep', 'none (minUser, minItem, core)');
  const isImplicit = policies.binarize !== undefined || readings.some(({ feedback }) => feedback !== 'explicit');
  const feedback: Feedback = isImplicit ? 'implicit' : 'explicit';
  const scale = layout.scale;
  if (policies.rescale === undefined) return { rows, readings, partOfFile, feedback, ...(scale && { scale }) };
  return { rows, readings, partOfFile, feedback, scale: rescaleRows(rows, scale ?? rangeOf(rows), policies.rescale) };
};
