import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { proseFiles, proseProblems } from '../../scripts/check-prose.js';

const folders: string[] = [];

const problemsIn = (name: string, text: string) => {
  const root = mkdtempSync(path.join(tmpdir(), 'check-prose-'));
  folders.push(root);
  writeFileSync(path.join(root, name), text);
  expect(proseFiles(root, ['.'])).toEqual([name]);
  return proseProblems(root, name).map(({ line, kind }) => `${line} ${kind}`);
};

const words = (count: number): string => Array.from({ length: count }, (_, index) => (index === 0 ? 'Word' : 'word')).join(' ');

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

describe('in Markdown', () => {
  it('a sentence of 26 words is too long and one of 25 is not, however they are broken into lines', () => {
    expect(problemsIn('a.md', `${words(25)}. ${words(25)}.\n`)).toEqual([]);
    expect(problemsIn('a.md', `# Title\n\n${words(25)}. ${words(13)}\n${words(13).toLowerCase()}.\n`)).toEqual(['3 length']);
  });

  it('words that are not allowed are found in paragraphs, items, headings and cells, whatever their case', () => {
    const text = '# Whoever\n\nHe was told so.\n\n- beside it\n\n| a | b |\n| - | - |\n| x | her name |\n';
    expect(problemsIn('a.md', text)).toEqual(['1 word', '3 word', '5 word', '9 word']);
  });

  it('other words that contain them pass', () => {
    expect(problemsIn('a.md', 'Other devices gather here; besides, they adhere.\n')).toEqual([]);
  });

  it('code is not prose, and counts as one word', () => {
    expect(problemsIn('a.md', `Text:\n\n    told beside her\n\n\`\`\`\nwhoever\n\`\`\`\n\nMore \`she told ${words(30)}\`.\n`)).toEqual([]);
  });

  it('every cell and every item is a sentence of its own', () => {
    expect(problemsIn('a.md', `- ${words(20)}\n- ${words(20)}\n\n| ${words(20)} | ${words(20)} |\n`)).toEqual([]);
  });
});

describe('in a source', () => {
  it('comments are read, and code and texts are not', () => {
    expect(problemsIn('a.ts', `const told = 'her'; // what she said\n`)).toEqual(['1 word']);
    expect(problemsIn('a.ts', `/**\n * A device.\n *\n * It was told.\n */\nexport const a = 1;\n`)).toEqual(['4 word']);
  });

  it('lines of one comment are one paragraph, and a second comment is another', () => {
    expect(problemsIn('a.ts', `// ${words(13)}\n// ${words(13).toLowerCase()}\nconst a = 1;\n`)).toEqual(['1 length']);
    expect(problemsIn('a.ts', `// ${words(13)}\nconst a = 1;\n// ${words(13).toLowerCase()}\n`)).toEqual([]);
  });

  it('lines that are set off in a comment stand alone', () => {
    expect(problemsIn('a.ts', `/**\n * Text:\n *\n *   one    ${words(20)}\n *   two    ${words(20)}\n */\n`)).toEqual([]);
  });
});
