import { badInput } from '../../base/errors.js';
import type { Chunks } from '../containers/unpack.js';

/** What a sink says of bytes[start, end). `line`: it took them. `more`: it needs the next line, too. `first`: it takes the first line alone. */
export type LineTaken = 'line' | 'more' | 'first';

/**
 * A line without its end (LF or CRLF). `alone`: what followed was offered and turned down, so this is all there is.
 * `line`: of the first byte, from 1.
 */
export type LineSink = (bytes: Uint8Array, start: number, end: number, line: number, alone: boolean) => LineTaken | undefined;

/** Longest line, in bytes. */
export const MOST_LINE = 1 << 20;
const NEWLINE = 10;
const RETURN = 13;

const hasMark = (bytes: Uint8Array): boolean => bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;

/** Calls `sink` for every line, without its end and without a byte-order mark. Memory: 2 MiB and a chunk. */
export const eachLine = async (path: string, chunks: Chunks, sink: LineSink, mostLine = MOST_LINE): Promise<void> => {
  let buffer = Buffer.alloc(0);
  let filled = 0;
  let line = 0;
  let first = true;

  /** Where the line that begins at `from` ends, its newline with it; -1 if the rest is still to come. */
  const lineEnd = (from: number, last: boolean): number => {
    const found = buffer.subarray(0, filled).indexOf(NEWLINE, from);
    if (found >= 0) return found + 1;
    return last ? filled : -1;
  };

  const offer = (start: number, next: number, alone: boolean): LineTaken | undefined => {
    let end = buffer[next - 1] === NEWLINE ? next - 1 : next;
    if (end > start && buffer[end - 1] === RETURN) end--;
    return sink(buffer, start, end, line + 1, alone);
  };

  /** Takes the lines of buffer[start, filled), and returns where the first begins that is not whole. */
  const take = (start: number, last: boolean): number => {
    let at = start;
    while (at < filled) {
      const first = lineEnd(at, last);
      if (first < 0) return at;
      let next = first;
      let lines = 1;
      let taken = offer(at, next, false);
      while (taken === 'more' && !(last && next === filled)) {
        next = lineEnd(next, last);
        if (next < 0) return at;
        lines++;
        taken = offer(at, next, false);
      }
      if (taken === 'first' || taken === 'more') {
        offer(at, first, true);
        next = first;
        lines = 1;
      }
      line += lines;
      at = next;
    }
    return at;
  };

  /** Room for `more` bytes, up to 2 MiB: as much as the chunks need. */
  const widen = (more: number): void => {
    const size = Math.min(2 * mostLine, filled + more);
    if (size <= buffer.length) return;
    const wider = Buffer.allocUnsafe(Math.min(2 * mostLine, Math.max(size, 2 * buffer.length)));
    wider.set(buffer.subarray(0, filled));
    buffer = wider;
  };

  for await (const chunk of chunks) {
    let at = 0;
    widen(chunk.length);
    while (at < chunk.length) {
      const some = Math.min(chunk.length - at, buffer.length - filled);
      buffer.set(chunk.subarray(at, at + some), filled);
      at += some;
      filled += some;
      if (first && filled < 3) continue;
      const start = first && hasMark(buffer) ? 3 : 0;
      first = false;
      const rest = take(start, false);
      if (filled - rest >= mostLine) throw badInput('DATA', `${path}:${line + 1}`, 'lines of less than 1 MiB', 'a longer one');
      buffer.copyWithin(0, rest, filled);
      filled -= rest;
    }
  }
  if (filled > 0) take(first && filled >= 3 && hasMark(buffer) ? 3 : 0, true);
};
