const QUOTE = 34;
const BACKSLASH = 92;
const NEWLINE = 10;
const OPEN = 123;
const CLOSE = 125;
const MOST_OBJECT = 1 << 20;

/**
 * Cuts the objects of a JSON list out of its bytes, as they come in pieces. `take` gets the text of each, and the line on which it
 * begins. Memory: a piece and an object. `wrong` makes the error for an object that does not end.
 */
export const eachObject = (
  take: (text: string, line: number) => void,
  wrong: (line: number, found: string) => Error = () => new Error('no end'),
) => {
  let held: Uint8Array = new Uint8Array();
  let depth = 0;
  let text = false;
  let escaped = false;
  let line = 1;
  let begun = 1;

  const push = (chunk: Uint8Array): void => {
    const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    let start = held.length === 0 ? -1 : 0;
    for (let at = held.length; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (byte === NEWLINE) line++;
      if (text) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) text = false;
      } else if (byte === QUOTE) {
        text = true;
      } else if (byte === OPEN) {
        if (depth++ === 0) {
          start = at;
          begun = line;
        }
      } else if (byte === CLOSE && depth > 0 && --depth === 0) {
        take(Buffer.from(bytes.subarray(start, at + 1)).toString('utf8'), begun);
        start = -1;
      }
    }
    held = start < 0 || depth === 0 ? new Uint8Array() : bytes.slice(start);
    if (held.length > MOST_OBJECT) throw wrong(begun, 'a longer one');
  };

  const end = (): void => {
    if (depth > 0) throw wrong(begun, 'one that does not end');
  };
  return { push, end };
};
