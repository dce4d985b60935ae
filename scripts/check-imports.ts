// Fails on an import, of values or of types, that points up or sideways in the tree.
// It also fails on a cycle of files, and on a type's name that means two things. `--table` prints the floors for ARCHITECTURE.md.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Visitor } from 'oxc-parser';
import { filesUnder, isAssembly, ROOTS, readSource, reportViolations } from './sources.js';
import { FLOORS, floorTable } from './tree/floors.js';
import { checkTypeNames } from './tree/type-names.js';

const PUBLIC_API = 'src/index.ts';
/** What package.json exports: the public API, what users' modules import, and what their tests do. */
const ENTRIES: readonly string[] = [PUBLIC_API, 'src/algorithm.ts', 'src/testing.ts'];

type Import = { readonly specifier: string; readonly line: number };
type Edge = { readonly from: string; readonly to: string; readonly line: number };

/** One line per violation, `file:line: what is wrong`, for the project at `root`. */
export const checkImports = (root: string): string[] => {
  const files = ROOTS.flatMap((folder) => filesUnder(root, folder)).filter((name) => /\.[cm]?ts$/.test(name));
  const homeless = files
    .filter((file) => zoneOf(file) === undefined)
    .map((file) => `${file}:1: belongs to no floor; add its folder to scripts/tree/floors.ts`);
  const edges = files.flatMap((from) =>
    importsOf(root, from).flatMap(({ specifier, line }) => {
      const to = resolve(from, specifier);
      return to === undefined ? [] : [{ from, to, line }];
    }),
  );
  const misdirected = edges.flatMap(({ from, to, line }) => {
    const reason = objection(from, to);
    return reason === undefined ? [] : [`${from}:${line}: imports ${to}: ${reason}`];
  });
  return [...homeless, ...misdirected, ...cyclesAmong(edges.filter(({ from, to }) => zoneOf(from) === zoneOf(to)))];
};

/** Layouts of structs in kernel memory, which both compilers read: constants that import nothing. */
const isStruct = (file: string): boolean => /^src\/.*\/structs\//.test(file);

const importsOf = (root: string, name: string): Import[] => {
  const { text, program } = readSource(root, name);
  const found: Import[] = [];
  const add = (source: { readonly type: string; readonly start: number; readonly value?: unknown } | null): void => {
    if (source?.type !== 'Literal' || typeof source.value !== 'string') return;
    found.push({ specifier: source.value, line: text.slice(0, source.start).split('\n').length });
  };
  new Visitor({
    ImportDeclaration: (node) => add(node.source),
    ExportNamedDeclaration: (node) => add(node.source),
    ExportAllDeclaration: (node) => add(node.source),
    ImportExpression: (node) => add(node.source),
    TSImportType: (node) => add(node.source),
  }).visit(program);
  return found;
};

/** The project's file a specifier names, or undefined for packages, Node's own modules and JSON. */
const resolve = (from: string, specifier: string): string | undefined => {
  if (specifier === 'metafleet') return PUBLIC_API;
  if (specifier.endsWith('.json')) return undefined;
  const source = (name: string): string => name.replace(/\.([cm]?)js$/, '.$1ts');
  if (specifier.startsWith('#built/')) return source(specifier.slice('#built/'.length));
  return specifier.startsWith('.') ? source(path.posix.join(path.posix.dirname(from), specifier)) : undefined;
};

/** What a file belongs to: a folder of src/, the public API, or another folder of the project. */
const zoneOf = (file: string): string | undefined => {
  if (ENTRIES.includes(file)) return PUBLIC_API;
  const [top = '', folder = ''] = file.split('/');
  if (top !== 'src') return top;
  return FLOORS.has(folder) ? folder : undefined;
};

const objection = (from: string, to: string): string | undefined => {
  const [importer, imported] = [zoneOf(from), zoneOf(to)];
  if (importer === 'test') return undefined;
  if (isStruct(from)) return 'two compilers read structs/, which imports nothing';
  if (isAssembly(from) ? !isAssembly(to) && !isStruct(to) : isAssembly(to))
    return 'the AssemblyScript sources import each other and structs/, and nothing else imports them';
  if (importer === imported) return undefined;
  if (imported === 'workers') return 'workers/ are thread entry points, which nothing imports';
  if (imported === 'test') return 'only tests import test/';
  if (!from.startsWith('src/')) return undefined;
  if (!to.startsWith('src/')) return 'src/ imports nothing outside src/';
  if (ENTRIES.includes(from)) return undefined;
  if (ENTRIES.includes(to)) return 'the public API is above every floor';
  const [above, below] = [FLOORS.get(importer ?? ''), FLOORS.get(imported ?? '')];
  if (above === undefined || below === undefined) return undefined; // reported as belonging to no floor
  if (below > above) return `floor ${below} is above floor ${above}; imports point down`;
  if (below === above) return `both are on floor ${above}; folders on one floor do not import each other`;
  if (importer === 'coordinator' && imported === 'device') return 'coordinator and device share messages, not code';
  return undefined;
};

/** Depth first: every cycle has an edge back into the path that is being walked, and that edge is reported. */
const cyclesAmong = (edges: readonly Edge[]): string[] => {
  const outgoing = new Map<string, Edge[]>();
  for (const edge of edges) outgoing.set(edge.from, [...(outgoing.get(edge.from) ?? []), edge]);
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (file: string, trail: readonly string[]): void => {
    if (done.has(file)) return;
    const here = [...trail, file];
    for (const { to, line } of outgoing.get(file) ?? []) {
      const start = here.indexOf(to);
      if (start >= 0) found.push(`${file}:${line}: cyclic import: ${[...here.slice(start), to].join(' → ')}`);
      else walk(to, here);
    }
    done.add(file);
  };
  for (const file of outgoing.keys()) walk(file, []);
  return found;
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--table')) console.log(floorTable());
  else
    reportViolations(
      [...checkImports(process.cwd()), ...checkTypeNames(process.cwd())],
      (count) => `check-imports: the tree has ${count} ${count === 1 ? 'fault' : 'faults'}`,
    );
}
