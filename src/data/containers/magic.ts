import { isUtf8 } from 'node:buffer';

/** What the first bytes of a file say it is. `read`: metafleet reads it. Otherwise `advice` says what to do. */
export type Magic =
  | { readonly kind: 'gzip' | 'zip' | 'zstd' | 'parquet' | 'arrow' | 'text' }
  | { readonly kind: 'other'; readonly name: string; readonly advice: string };

const startsWith = (bytes: Uint8Array, signature: readonly number[], at = 0): boolean =>
  signature.every((byte, index) => bytes[at + index] === byte);
const ascii = (text: string): readonly number[] => [...text].map((letter) => letter.charCodeAt(0));

const READ: readonly (readonly [kind: Exclude<Magic['kind'], 'other' | 'text'>, signature: readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['zip', [0x50, 0x4b, 3, 4]],
  ['zip', [0x50, 0x4b, 5, 6]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['parquet', ascii('PAR1')],
  ['arrow', ascii('ARROW1')],
  ['arrow', [0xff, 0xff, 0xff, 0xff]],
];

const UNPACK = 'unpack it first';
const EXPORT = 'export it as CSV or Parquet';

const OTHER: readonly (readonly [name: string, signature: readonly number[], at: number, advice: string])[] = [
  ['a bzip2 file', ascii('BZh'), 0, `${UNPACK}: bunzip2`],
  ['an xz file', [0xfd, ...ascii('7zXZ')], 0, `${UNPACK}: unxz`],
  ['a 7z archive', [...ascii('7z'), 0xbc, 0xaf, 0x27, 0x1c], 0, UNPACK],
  ['a RAR archive', ascii('Rar!'), 0, UNPACK],
  ['an LZ4 file', [0x04, 0x22, 0x4d, 0x18], 0, `${UNPACK}: unlz4`],
  ['a tar archive', ascii('ustar'), 257, `${UNPACK}: tar -xf`],
  ['an SQLite database', ascii('SQLite format 3'), 0, EXPORT],
  ['an HDF5 file', [0x89, ...ascii('HDF\r\n')], 0, EXPORT],
  ['a MATLAB file', ascii('MATLAB 5.0'), 0, EXPORT],
  ['an old Excel file', [0xd0, 0xcf, 0x11, 0xe0], 0, 'save it as CSV'],
  ['a NumPy array', [0x93, ...ascii('NUMPY')], 0, EXPORT],
  ['an ORC file', ascii('ORC'), 0, EXPORT],
  ['an Avro file', [...ascii('Obj'), 1], 0, EXPORT],
  ['an R data file', ascii('RDX'), 0, EXPORT],
  ['an R data file', ascii('X\n'), 0, EXPORT],
  ['a PDF document', ascii('%PDF'), 0, 'give the data it talks about'],
];

/** Bytes that are looked at for zeros. */
const PROBE = 4096;

/** A pickle of protocol 2 or later: its mark, the number of the protocol, and no text behind it. */
const isPickle = (head: Uint8Array): boolean => head[0] === 0x80 && head[1]! >= 2 && head[1]! <= 5 && !isUtf8(head.subarray(0, 2));

/** What `head`, the first bytes of a file, says. Text is what nothing else is: a byte-order mark of UTF-16 makes text, too. */
export const magicOf = (head: Uint8Array): Magic => {
  const read = READ.find(([, signature]) => startsWith(head, signature));
  if (read !== undefined) return { kind: read[0] };
  const other = OTHER.find(([, signature, at]) => startsWith(head, signature, at));
  if (other !== undefined) return { kind: 'other', name: other[0], advice: other[3] };
  if (isPickle(head)) return { kind: 'other', name: 'a Python pickle', advice: EXPORT };
  if (startsWith(head, [0xff, 0xfe]) || startsWith(head, [0xfe, 0xff])) return { kind: 'text' };
  const zeros = head.subarray(0, PROBE).filter((byte) => byte === 0).length;
  if (zeros === 0) return { kind: 'text' };
  // Latin letters in UTF-16 without its mark: every other byte is 0.
  if (zeros > 0.3 * Math.min(PROBE, head.length)) {
    return { kind: 'other', name: 'zeros among the text, as UTF-16 has them', advice: 'encoding: utf-16le or utf-16be' };
  }
  return { kind: 'other', name: 'binary data', advice: EXPORT };
};
