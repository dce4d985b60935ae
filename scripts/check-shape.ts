// Fails on a function, file or folder that is larger than a reader takes in at once. The limits are those of CONTRIBUTING.md.
import { fileURLToPath } from 'node:url';
import { type ArrowFunctionExpression, type CallExpression, type Expression, type Function as FunctionNode, Visitor } from 'oxc-parser';
import { median } from '../src/base/median.js';
import { filesUnder, ROOTS, readSource, reportViolations } from './sources.js';

const FUNCTION_LINES = 80;
const FILE_LINES = 300;
const FOLDER_FILES = 16;
const MEDIAN_LINES = 110;

/** How a longer file says why, in its first line. */
const REASON = /^\/\/ (Long because|Above 300 lines:) \S/;

/** What is larger for now: `file`, `file#function` or `folder/`, and why. An entry that nothing needs is a violation, too. */
const EXCEPTIONS: ReadonlyMap<string, string> = new Map();

type Size = { readonly place: string; readonly line: number; readonly key: string; readonly found: string };
type AnyFunction = ArrowFunctionExpression | FunctionNode;

/** One line per violation, `file:line: what is too large`, for the project at `root`. */
export const checkShape = (root: string, exceptions = EXCEPTIONS): string[] => {
  const files = ROOTS.flatMap((folder) => filesUnder(root, folder)).filter((name) => !name.split('/').at(-1)!.startsWith('.'));
  const sources = files.filter((name) => /\.[cm]?[jt]s$/.test(name));
  const lengths: number[] = [];
  const large: Size[] = foldersAbove(files);
  for (const name of sources) {
    const source = readSource(root, name);
    const lines = linesIn(source.text);
    lengths.push(lines);
    if (lines > FILE_LINES && !REASON.test(source.text)) {
      const found = `the file has ${lines} lines; above ${FILE_LINES} its first line says "// Long because …"`;
      large.push({ place: name, line: 1, key: name, found });
    }
    large.push(...longFunctions(name, source));
  }
  const violations = large.filter(({ key }) => !exceptions.has(key)).map(({ place, line, found }) => `${place}:${line}: ${found}`);
  const keys = new Set(large.map(({ key }) => key));
  for (const key of exceptions.keys()) if (!keys.has(key)) violations.push(`${key}: is within the limits; take it out of EXCEPTIONS`);
  const middle = median(lengths);
  if (middle > MEDIAN_LINES) violations.push(`the median file has ${middle} lines; the limit is ${MEDIAN_LINES}`);
  return violations;
};

const linesIn = (text: string): number => text.split('\n').length - (text.endsWith('\n') ? 1 : 0);

const foldersAbove = (files: readonly string[]): Size[] => {
  const counts = new Map<string, number>();
  for (const name of files) {
    const folder = name.slice(0, name.lastIndexOf('/') + 1);
    // Examples of data are found by the table or test that names them.
    if (folder.endsWith('/fixtures/')) continue;
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  return [...counts].flatMap(([folder, count]) =>
    count > FOLDER_FILES
      ? [{ place: folder, line: 1, key: folder, found: `the folder has ${count} files; the limit is ${FOLDER_FILES}` }]
      : [],
  );
};

/** Callbacks of describe and test hold tests, as a file does: the tests in them count, and functions that are no such callback. */
const longFunctions = (name: string, { text, program }: ReturnType<typeof readSource>): Size[] => {
  const found: Size[] = [];
  const names = new Map<unknown, string>();
  const callbacks = new Set<unknown>();
  const nameIt = (value: unknown, key: { readonly type: string; readonly name?: unknown }): void => {
    if (typeof key.name === 'string') names.set(value, key.name);
  };
  const measure = (node: AnyFunction): void => {
    if (callbacks.has(node)) return;
    const lines = linesIn(text.slice(node.start, node.end));
    if (lines <= FUNCTION_LINES) return;
    const called = ('id' in node && node.id !== null ? node.id.name : names.get(node)) ?? 'a function';
    const size = `${called} has ${lines} lines; the limit is ${FUNCTION_LINES}`;
    found.push({ place: name, line: linesIn(text.slice(0, node.start + 1)), key: `${name}#${called}`, found: size });
  };
  new Visitor({
    VariableDeclarator: ({ id, init }) => nameIt(init, id),
    Property: ({ key, value }) => nameIt(value, key),
    CallExpression: (call) => {
      if (/\.test\.ts$/.test(name) && isTestCall(call)) for (const argument of call.arguments) callbacks.add(argument);
    },
    FunctionDeclaration: measure,
    FunctionExpression: measure,
    ArrowFunctionExpression: measure,
  }).visit(program);
  return found;
};

/** A call of describe, it or test, or of what they make: `test.each(rows)('…', callback)`. */
const isTestCall = ({ callee }: CallExpression): boolean => {
  let at: Expression = callee as Expression;
  while (at.type === 'CallExpression' || at.type === 'MemberExpression')
    at = (at.type === 'CallExpression' ? at.callee : at.object) as Expression;
  return at.type === 'Identifier' && ['describe', 'it', 'test'].includes(at.name);
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  reportViolations(checkShape(process.cwd()), (count) => `check-shape: ${count} ${count === 1 ? 'part is' : 'parts are'} too large`);
}
