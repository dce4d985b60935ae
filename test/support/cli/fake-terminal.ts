import { Writable } from 'node:stream';

export type Fake = Writable & { readonly writes: string[]; columns: number | undefined };
/** A stream that remembers what was written, and claims to be a terminal when it has columns. */
export const fakeStream = (columns?: number, colours = false): Fake => {
  const writes: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      writes.push(String(chunk));
      done();
    },
  });
  return Object.assign(stream, { writes, isTTY: columns !== undefined, columns, hasColors: () => colours });
};

/** What a terminal of this width shows after the writes: carriage return, line feed, cursor up, erase below; long lines wrap. */
export const screen = (writes: readonly string[], columns: number): string[] => {
  const rows: string[] = [''];
  let row = 0;
  let column = 0;
  for (const [token, count, command] of writes.join('').matchAll(/\p{Cc}\[(\d*)([A-Za-z])|./gsu)) {
    if (command !== undefined) {
      if (command === 'A') row = Math.max(0, row - Number(count || 1));
      else if (command === 'J') {
        rows.length = row + 1;
        rows[row] = rows[row]!.slice(0, column);
      }
    } else if (token === '\r') column = 0;
    else if (token === '\n') {
      row++;
      column = 0;
    } else {
      if (column === columns) {
        row++;
        column = 0;
      }
      const line = (rows[row] ?? '').padEnd(column);
      rows[row] = line.slice(0, column) + token + line.slice(column + 1);
      column++;
    }
    while (rows.length <= row) rows.push('');
  }
  return rows;
};
