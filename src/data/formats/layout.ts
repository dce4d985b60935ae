import { isUtf8 } from 'node:buffer';
import type { Chunks } from '../containers/unpack.js';
import type { LineSink } from '../import/lines.js';
import type { Emit, Fail, Recognised } from './reading.js';

/** What a reader of a layout works with. The text is UTF-8 without a byte-order mark. */
export type LayoutInput = {
  readonly path: string;
  /** Reads the file once, line by line. */
  readonly lines: (sink: LineSink) => Promise<void>;
  /** Reads the file once, in pieces. */
  readonly chunks: Chunks;
  readonly emit: Emit;
  readonly fail: Fail;
};

/** A layout that was recognised, and its reader. */
export type Layout = { readonly recognised: Recognised; readonly read: (input: LayoutInput) => Promise<void> };

/** A line as text, for layouts in which a string a line costs little. @throws what `fail` makes of bytes that are not UTF-8. */
export const textLines =
  (fail: Fail, take: (text: string, line: number) => void): LineSink =>
  (bytes, start, end, line) => {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
    if (text.includes('\ufffd') && !isUtf8(bytes.subarray(start, end)))
      throw fail(line, 'text in UTF-8', 'other bytes (encoding: latin1, or the encoding it has)');
    take(text, line);
    return undefined;
  };
