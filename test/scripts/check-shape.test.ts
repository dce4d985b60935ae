import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { checkShape } from '../../scripts/check-shape.js';

const trees: string[] = [];

const violationsIn = (files: Readonly<Record<string, string>>, exceptions: readonly string[] = []): string[] => {
  const root = mkdtempSync(path.join(tmpdir(), 'check-shape-'));
  trees.push(root);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), text);
  }
  return checkShape(root, new Map(exceptions.map((key) => [key, 'a reason'])));
};

afterEach(() => {
  for (const root of trees.splice(0)) rmSync(root, { recursive: true });
});

const statements = (count: number): string => 'void 0;\n'.repeat(count);

/** Of so many lines, opened by `head` and closed by `tail`. */
const block = (lines: number, head: string, tail = '}'): string => `${head}\n${statements(lines - 2)}${tail}\n`;

/** Small files, so that the median is that of a project. */
const small = Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [`src/base/${name}.ts`, 'export {};\n']));

test('functions of 80 lines and files of 300 pass', () => {
  const eighty = block(80, 'const work = () => {', '};');
  expect(violationsIn({ ...small, 'src/cli/run.ts': eighty.repeat(3) + statements(60) })).toEqual([]);
});

test.each([
  ['an arrow function', 'const work = () => {', '};', 'work'],
  ['a declared function', 'export function work() {', '}', 'work'],
  ['a function expression', 'const work = function () {', '};', 'work'],
  ['a method', 'const api = { work() {', '} };', 'work'],
  ['a property', 'const api = { work: async () => {', '} };', 'work'],
  ['an argument', 'setImmediate(() => {', '});', 'a function'],
])('%s of 81 lines is named with its file and line', (_form, head, tail, called) => {
  expect(violationsIn({ ...small, 'src/cli/run.ts': `// a run\n${block(81, head, tail)}` })).toEqual([
    `src/cli/run.ts:2: ${called} has 81 lines; the limit is 80`,
  ]);
});

test('a closure counts by itself and in the function around it', () => {
  const nested = `const outer = () => {\n${block(81, 'const inner = () => {', '};')}};\n`;
  expect(violationsIn({ ...small, 'scripts/long.ts': nested })).toEqual([
    'scripts/long.ts:1: outer has 83 lines; the limit is 80',
    'scripts/long.ts:2: inner has 81 lines; the limit is 80',
  ]);
});

test.each([
  `describe('a run', () => {`,
  `test('ends', async () => {`,
  `it.each([1, 2])('ends %i', (count) => {`,
  `test.skipIf(true)('ends', () => {`,
])('in a test file no limit holds for the callback of %s', (head) => {
  expect(violationsIn({ ...small, 'test/cli/run.test.ts': block(120, head, '});') })).toEqual([]);
  expect(violationsIn({ ...small, 'test/support/run.ts': block(120, head, '});') })).toHaveLength(1);
});

test('a helper in a test file counts, also inside a callback of describe', () => {
  const helper = `describe('a run', () => {\n${block(81, 'const helper = () => {', '};')}});\n`;
  expect(violationsIn({ ...small, 'test/cli/run.test.ts': helper })).toEqual([
    'test/cli/run.test.ts:2: helper has 81 lines; the limit is 80',
  ]);
});

test('a file of 301 lines gives its reason in its first line', () => {
  expect(violationsIn({ ...small, 'src/cli/run.ts': statements(301) })).toEqual([
    'src/cli/run.ts:1: the file has 301 lines; above 300 its first line says "// Long because …"',
  ]);
  expect(violationsIn({ ...small, 'src/cli/run.ts': `// Long because it is a table.\n${statements(300)}` })).toEqual([]);
  expect(violationsIn({ ...small, 'src/cli/run.ts': `\n// Long because it is a table.\n${statements(300)}` })).toHaveLength(1);
});

test('a folder of 17 files is reported, whatever they hold; files in its folders do not count', () => {
  const filled = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`dashboards/${index}.json`, '{}']));
  expect(violationsIn({ ...filled(16), 'dashboards/more/one.json': '{}' })).toEqual([]);
  expect(violationsIn(filled(17))).toEqual(['dashboards/:1: the folder has 17 files; the limit is 16']);
});

test('the median file has at most 110 lines', () => {
  const files = (lines: number) => ({ 'src/a.ts': 'export {};\n', 'src/b.ts': statements(lines), 'src/c.ts': statements(200) });
  expect(violationsIn(files(110))).toEqual([]);
  expect(violationsIn(files(111))).toEqual(['the median file has 111 lines; the limit is 110']);
});

test('AssemblyScript sources count, decorated functions and all', () => {
  const assembly = `// @ts-ignore: decorator\n@inline\n${block(81, 'export function add(): void {')}`;
  expect(violationsIn({ ...small, 'src/tensor/assembly/add.ts': assembly })).toEqual([
    'src/tensor/assembly/add.ts:3: add has 81 lines; the limit is 80',
  ]);
});

test('an exception holds for what it names, and is a violation itself once nothing needs it', () => {
  const files = { ...small, 'src/cli/run.ts': block(81, 'const work = () => {', '};') };
  expect(violationsIn(files, ['src/cli/run.ts#work'])).toEqual([]);
  expect(violationsIn(files, ['src/cli/run.ts'])).toEqual([
    'src/cli/run.ts:1: work has 81 lines; the limit is 80',
    'src/cli/run.ts: is within the limits; take it out of EXCEPTIONS',
  ]);
});
