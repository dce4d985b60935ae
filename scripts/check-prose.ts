// Lists sentences of more than 25 words, and words that CONTRIBUTING.md does not allow, in Markdown files and in comments.
// `node dist/scripts/check-prose.js [folder or file …]`; exit code 1 if a word is not allowed. Long sentences are only listed.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSource } from './sources.js';

const MOST_WORDS = 25;
/** A device is "it" and a user is "the user"; the other words are hard to read for somebody who learnt English at school. */
const FORBIDDEN = /\b(whoever|whomever|beside|told|speaks of|she|her|hers|herself)\b/gi;
const ROOTS = ['.', 'docs', 'dashboards', 'src', 'workers', 'scripts', 'test'];
const SKIPPED = /(^|\/)(node_modules|dist|results|coverage|\.git)(\/|$)/;

/** A heading, a paragraph, an item of a list, a cell of a table: what holds whole sentences. `line` is its first, from 1. */
type Block = { readonly line: number; readonly text: string };
export type ProseProblem = { readonly file: string; readonly line: number; readonly kind: 'word' | 'length'; readonly text: string };

/** The Markdown files and TypeScript sources below `names`, folders or files of the project, in order. */
export const proseFiles = (root: string, names: readonly string[] = ROOTS): readonly string[] => {
  const below = names.flatMap((name) => {
    if (/\.(md|ts)$/.test(name)) return [name];
    return readdirSync(path.join(root, name), { recursive: name !== '.', encoding: 'utf8' }).map((file) => path.posix.join(name, file));
  });
  return [...new Set(below)].filter((file) => /\.(md|ts)$/.test(file) && !SKIPPED.test(file)).sort();
};

/** What is wrong with the prose of one file: in Markdown all of it, in a source its comments. */
export const proseProblems = (root: string, file: string): readonly ProseProblem[] => {
  const blocks = file.endsWith('.md') ? markdownBlocks(readFileSync(path.join(root, file), 'utf8')) : commentBlocks(root, file);
  return blocks.flatMap(({ line, text: raw }) => {
    const sentences = sentencesOf(withoutMarkup(raw));
    const words = sentences.flatMap((sentence) =>
      [...sentence.matchAll(FORBIDDEN)].map(([word]) => ({ file, line, kind: 'word' as const, text: `"${word}" in: ${sentence}` })),
    );
    const long = sentences.filter((sentence) => wordCount(sentence) > MOST_WORDS);
    return [
      ...words,
      ...long.map((sentence) => ({ file, line, kind: 'length' as const, text: `${wordCount(sentence)} words: ${sentence}` })),
    ];
  });
};

/** Code, links and pictures as the words that a reader sees; a piece of code counts as one word. */
const withoutMarkup = (text: string): string =>
  text
    .replace(/`+[^`]+`+/g, 'CODE')
    .replace(/\{@\w+ [^}]*\}/g, 'CODE')
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/https?:\/\/\S+/g, 'CODE')
    .replace(/[*_]{1,2}([^*_]+)[*_]{1,2}/g, '$1')
    .replace(/\s+/g, ' ')
    .trim();

const sentencesOf = (text: string): readonly string[] => text.split(/(?<=[.!?]["')]?)\s+(?=["'(]?[\p{Lu}\d])/u);
const wordCount = (sentence: string): number => sentence.split(/\s+/).filter((word) => /[\p{L}\d]/u.test(word)).length;

/** Begins a new block: a heading, an item, a quotation, an @tag. */
const OPENING = /^\s*(#{1,6} |[-*+] |\d+\. |> |@\w+)/;

/** Joins lines into blocks; `alone` says which lines are a block each. Code is left out before. */
const blocksOf = (lines: readonly Block[], alone: (text: string) => boolean = () => false): readonly Block[] => {
  const blocks: Block[] = [];
  let open = false;
  for (const { line, text } of lines) {
    if (text.trim() === '') {
      open = false;
      continue;
    }
    const last = blocks.at(-1);
    if (open && last !== undefined && !OPENING.test(text) && !alone(text))
      blocks[blocks.length - 1] = { ...last, text: `${last.text} ${text.trim()}` };
    else blocks.push({ line, text: text.replace(OPENING, '').trim() });
    open = !alone(text) && !/^#{1,6} /.test(text);
  }
  return blocks;
};

const markdownBlocks = (source: string): readonly Block[] => {
  let fenced = false;
  let inCode = false;
  let blank = true;
  const lines = source.replace(/<!--[\s\S]*?-->/g, (found) => found.replace(/[^\n]/g, '')).split('\n');
  const prose = lines.flatMap((text, index): Block[] => {
    const line = index + 1;
    if (/^\s*```/.test(text)) {
      fenced = !fenced;
      return [{ line, text: '' }];
    }
    inCode = /^ {4}/.test(text) && (blank || inCode);
    blank = text.trim() === '' || inCode;
    if (fenced || inCode) return [{ line, text: '' }];
    if (!text.startsWith('|')) return [{ line, text }];
    return text.split(/(?<!\\)\|/).flatMap((cell) => [
      { line, text: cell.trim() },
      { line, text: '' },
    ]);
  });
  return blocksOf(prose);
};

/** Not prose: orders to tools. */
const DIRECTIVE = /^\s*(biome-ignore|@ts-|\/ <|v8 ignore)/;

const commentBlocks = (root: string, file: string): readonly Block[] => {
  const { text, comments } = readSource(root, file);
  const lineOf = (offset: number): number => text.slice(0, offset).split('\n').length;
  let end = -1;
  const lines = comments.flatMap(({ type, value, start, end: next }): Block[] => {
    const gap = end >= 0 && /^\s*$/.test(text.slice(end, start)) && type === 'Line' ? [] : [{ line: 0, text: '' }];
    end = next;
    if (DIRECTIVE.test(value)) return gap;
    const first = lineOf(start);
    const inner = value
      .split('\n')
      .map((part, index) => ({ line: first + index, text: part.replace(/^\s*\*+ ?/, '').replace(/^ (?! )/, '') }));
    return [...gap, ...inner];
  });
  return blocksOf(lines, (line) => /^ {2,}\S/.test(line));
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const names = process.argv.slice(2);
  const root = process.cwd();
  const problems = proseFiles(root, names.length === 0 ? ROOTS : names).flatMap((file) => proseProblems(root, file));
  for (const { file, line, text } of problems) console.log(`${file}:${line}: ${text}`);
  const words = problems.filter(({ kind }) => kind === 'word').length;
  console.log(`check-prose: ${problems.length - words} sentences of more than ${MOST_WORDS} words, ${words} words that are not allowed`);
  if (words > 0) process.exitCode = 1;
}
