/** Lines of Python's repr of a dict, as the Steam and older Amazon files have them: `{u'user_id': 'x', 'hours': 1.5, 'new': True}`. */

const MOST_DEPTH = 32;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\n': '', a: '\x07', b: '\b', f: '\f', v: '\v' };
const WORDS: Readonly<Record<string, unknown>> = { True: true, False: false, None: null, nan: null, inf: null };

/** A text, and how far it is read. */
type Cursor = { readonly text: string; at: number };

const bad = ({ at }: Cursor): SyntaxError => new SyntaxError(`no Python literal at character ${at + 1}`);

const skipBlanks = (cursor: Cursor): void => {
  while (cursor.at < cursor.text.length && /\s/.test(cursor.text[cursor.at]!)) cursor.at++;
};

const eat = (cursor: Cursor, sign: string): boolean => {
  skipBlanks(cursor);
  if (cursor.text[cursor.at] !== sign) return false;
  cursor.at++;
  return true;
};

const escaped = (cursor: Cursor): string => {
  const letter = cursor.text[cursor.at++];
  if (letter === undefined) throw bad(cursor);
  const digits = letter === 'x' ? 2 : letter === 'u' ? 4 : letter === 'U' ? 8 : 0;
  if (digits === 0) return ESCAPES[letter] ?? (/[\\'"]/.test(letter) ? letter : `\\${letter}`);
  const code = cursor.text.slice(cursor.at, cursor.at + digits);
  if (!new RegExp(`^[0-9a-fA-F]{${digits}}$`).test(code) || Number.parseInt(code, 16) > 0x10ffff) throw bad(cursor);
  cursor.at += digits;
  return String.fromCodePoint(Number.parseInt(code, 16));
};

const stringAt = (cursor: Cursor): string => {
  const { text } = cursor;
  const quote = text[cursor.at++]!;
  const parts: string[] = [];
  for (;;) {
    const from = cursor.at;
    while (cursor.at < text.length && text[cursor.at] !== quote && text[cursor.at] !== '\\') cursor.at++;
    if (cursor.at >= text.length) throw bad(cursor);
    parts.push(text.slice(from, cursor.at));
    if (text[cursor.at++] === quote) return parts.join('');
    parts.push(escaped(cursor));
  }
};

/** Calls `take` for each element, up to the sign that closes. */
const elements = (cursor: Cursor, close: string, take: () => void): void => {
  for (;;) {
    if (eat(cursor, close)) return;
    take();
    if (eat(cursor, ',')) continue;
    if (eat(cursor, close)) return;
    throw bad(cursor);
  }
};

const sequence = (cursor: Cursor, close: string, depth: number): unknown[] => {
  const values: unknown[] = [];
  elements(cursor, close, () => values.push(valueAt(cursor, depth + 1)));
  return values;
};

const dict = (cursor: Cursor, depth: number): Record<string, unknown> => {
  const entries: [string, unknown][] = [];
  elements(cursor, '}', () => {
    const key = valueAt(cursor, depth + 1);
    if (!eat(cursor, ':')) throw bad(cursor);
    entries.push([String(key), valueAt(cursor, depth + 1)]);
  });
  return Object.fromEntries(entries);
};

const valueAt = (cursor: Cursor, depth: number): unknown => {
  if (depth > MOST_DEPTH) throw bad(cursor);
  if (eat(cursor, '{')) return dict(cursor, depth);
  if (eat(cursor, '[')) return sequence(cursor, ']', depth);
  if (eat(cursor, '(')) return sequence(cursor, ')', depth);
  const { text } = cursor;
  if (/[ubr]/i.test(text[cursor.at] ?? '') && /['"]/.test(text[cursor.at + 1] ?? '')) cursor.at++;
  if (/['"]/.test(text[cursor.at] ?? '')) return stringAt(cursor);
  const [word = ''] = /^[-+.\w]+/.exec(text.slice(cursor.at, cursor.at + 64)) ?? [];
  if (Object.hasOwn(WORDS, word)) {
    cursor.at += word.length;
    return WORDS[word];
  }
  const number = word.replace(/L$/, '');
  if (number === '' || Number.isNaN(Number(number))) throw bad(cursor);
  cursor.at += word.length;
  // Beyond 2^53 a number would lose digits, and an id its identity.
  return Number.isSafeInteger(Number(number)) || !/^-?\d+$/.test(number) ? Number(number) : number;
};

/** @throws SyntaxError for what is no literal. */
export const parsePython = (text: string): unknown => {
  const cursor: Cursor = { text, at: 0 };
  const value = valueAt(cursor, 0);
  skipBlanks(cursor);
  if (cursor.at < text.length) throw bad(cursor);
  return value;
};
