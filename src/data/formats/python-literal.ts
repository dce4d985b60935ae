/** Lines of Python's repr of a dict, as the Steam and older Amazon files have them: `{u'user_id': 'x', 'hours': 1.5, 'new': True}`. */

const MOST_DEPTH = 32;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\n': '', a: '\x07', b: '\b', f: '\f', v: '\v' };
const WORDS: Readonly<Record<string, unknown>> = { True: true, False: false, None: null, nan: null, inf: null };

const reader = (text: string) => {
  let at = 0;
  const bad = (): SyntaxError => new SyntaxError(`no Python literal at character ${at + 1}`);
  const blanks = (): void => {
    while (at < text.length && /\s/.test(text[at]!)) at++;
  };
  const eat = (sign: string): boolean => {
    blanks();
    if (text[at] !== sign) return false;
    at++;
    return true;
  };

  const escaped = (): string => {
    const letter = text[at++];
    if (letter === undefined) throw bad();
    const digits = letter === 'x' ? 2 : letter === 'u' ? 4 : letter === 'U' ? 8 : 0;
    if (digits === 0) return ESCAPES[letter] ?? (/[\\'"]/.test(letter) ? letter : `\\${letter}`);
    const code = text.slice(at, at + digits);
    if (!new RegExp(`^[0-9a-fA-F]{${digits}}$`).test(code) || Number.parseInt(code, 16) > 0x10ffff) throw bad();
    at += digits;
    return String.fromCodePoint(Number.parseInt(code, 16));
  };

  const string = (): string => {
    const quote = text[at++]!;
    const parts: string[] = [];
    for (;;) {
      const from = at;
      while (at < text.length && text[at] !== quote && text[at] !== '\\') at++;
      if (at >= text.length) throw bad();
      parts.push(text.slice(from, at));
      if (text[at++] === quote) return parts.join('');
      parts.push(escaped());
    }
  };

  const sequence = (close: string, depth: number): unknown[] => {
    const values: unknown[] = [];
    for (;;) {
      if (eat(close)) return values;
      values.push(value(depth + 1));
      if (!eat(',')) {
        if (eat(close)) return values;
        throw bad();
      }
    }
  };

  const dict = (depth: number): Record<string, unknown> => {
    const entries: [string, unknown][] = [];
    for (;;) {
      if (eat('}')) return Object.fromEntries(entries);
      const key = value(depth + 1);
      if (!eat(':')) throw bad();
      entries.push([String(key), value(depth + 1)]);
      if (!eat(',')) {
        if (eat('}')) return Object.fromEntries(entries);
        throw bad();
      }
    }
  };

  const value = (depth: number): unknown => {
    if (depth > MOST_DEPTH) throw bad();
    blanks();
    if (eat('{')) return dict(depth);
    if (eat('[')) return sequence(']', depth);
    if (eat('(')) return sequence(')', depth);
    if (/[ubr]/i.test(text[at] ?? '') && /['"]/.test(text[at + 1] ?? '')) at++;
    if (/['"]/.test(text[at] ?? '')) return string();
    const [word = ''] = /^[-+.\w]+/.exec(text.slice(at, at + 64)) ?? [];
    if (Object.hasOwn(WORDS, word)) {
      at += word.length;
      return WORDS[word];
    }
    const number = word.replace(/L$/, '');
    if (number === '' || Number.isNaN(Number(number))) throw bad();
    at += word.length;
    // Beyond 2^53 a number would lose digits, and an id its identity.
    return Number.isSafeInteger(Number(number)) || !/^-?\d+$/.test(number) ? Number(number) : number;
  };

  return () => {
    const result = value(0);
    blanks();
    if (at < text.length) throw bad();
    return result;
  };
};

/** @throws SyntaxError for what is no literal. */
export const parsePython = (text: string): unknown => reader(text)();
