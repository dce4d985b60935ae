import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { dataCommand } from '../../../src/cli/data/data.js';
import { messageFrom } from '../../support/data/data-files.js';

const FIXTURES = join(import.meta.dirname, 'fixtures');

/** The table of docs/formats.md. */
const rows = (): string[][] => {
  const page = readFileSync(resolve(import.meta.dirname, '../../../docs/formats.md'), 'utf8');
  const [, table = ''] = /<!-- formats.*?-->\n(.*)<!-- end of formats -->/s.exec(page) ?? [];
  const cells = (line: string): string[] =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('\\|', '|').replaceAll('`', ''));
  return table.trim().split('\n').slice(2).map(cells);
};

const describeFile = async (...words: string[]): Promise<string> => {
  const written: string[] = [];
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  const notes = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  try {
    await dataCommand().parseAsync(['describe', ...words], { from: 'user' });
  } finally {
    out.mockRestore();
    notes.mockRestore();
  }
  return written.join('');
};

describe('data describe reads every format of docs/formats.md', () => {
  it('of which there are at least 25', () => {
    expect(new Set(rows().map(([, file]) => file)).size).toBeGreaterThanOrEqual(25);
  });

  for (const [set, file, title, first, flag = ''] of rows()) {
    it(`${set}: ${file}`, async () => {
      const path = join(FIXTURES, file!);
      const [key, value] = flag.split(': ');
      if (flag !== '') expect(await messageFrom(describeFile(path))).toContain(`${key}: ${key === 'encoding' ? value : ''}`);
      const text = await describeFile(path, ...(flag === '' ? [] : [`--${key}`, value!]));
      const lines = text.split('\n');
      expect(lines.find((line) => line.startsWith('format '))?.replace(/^format +/, '')).toBe(title);
      const under = lines.findIndex((line) => /^USER +ITEM +RATING +TIME$/.test(line));
      expect(lines[under + 1]!.replace(/ {2,}/g, ' ')).toBe(first);
    });
  }
});
