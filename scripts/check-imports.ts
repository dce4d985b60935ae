// Fails on an import, of values or of types, that points up or sideways in the tree, and on a cycle of files.
// FLOORS is the architecture: a folder of src/ imports its own files and folders on lower floors.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync, Visitor } from 'oxc-parser';

const FLOORS: ReadonlyMap<string, number> = new Map([
  ['base', 0],
  ['tensor', 1],
  ['data', 1],
  ['metrics', 1],
  ['messages', 2],
  ['algorithms', 3],
  ['models', 3],
  ['events', 3],
  ['device', 4],
  ['coordinator', 5],
  ['transport', 6],
  ['runs', 7],
  ['telemetry', 8],
  ['report', 8],
  ['studies', 9],
  ['cli', 10],
]);
const PUBLIC_API = 'src/index.ts';
const ROOTS = ['src', 'workers', 'scripts', 'test', 'dashboards'];

type Import = { readonly specifier: string; readonly line: number };
type Edge = { readonly from: string; readonly to: string; readonly line: number };

/** One line per violation, `file:line: what is wrong`, for the project at `root`. */
export const checkImports = (root: string): string[] => {
  const files = ROOTS.flatMap((folder) => sourcesUnder(root, folder));
  const homeless = files
    .filter((file) => zoneOf(file) === undefined)
    .map((file) => `${file}:1: belongs to no floor; add its folder to FLOORS`);
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

const sourcesUnder = (root: string, folder: string): string[] => {
  try {
    return readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.[cm]?ts$/.test(name))
      .map((name) => path.posix.join(folder, name.split(path.sep).join('/')))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
};

const isAssembly = (file: string): boolean => /^src\/.*\/assembly\//.test(file);
/** Layouts of structs in kernel memory, which both compilers read: constants that import nothing. */
const isStruct = (file: string): boolean => /^src\/.*\/structs\//.test(file);

/** AssemblyScript decorates functions, which no TypeScript parser accepts; blanked, its sources parse. */
const DECORATOR = /^\s*@\w+(\([^)]*\))?/gm;

const importsOf = (root: string, name: string): Import[] => {
  const file = path.join(root, name);
  const source = readFileSync(file, 'utf8');
  const text = isAssembly(name) ? source.replace(DECORATOR, (match) => match.replace(/\S/g, ' ')) : source;
  const { program, errors } = parseSync(file, text);
  if (errors[0]) throw new Error(`${name}: ${errors[0].message}`);
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

/** What a file belongs to: a folder of src/, the public API, or a folder beside src/. */
const zoneOf = (file: string): string | undefined => {
  if (file === PUBLIC_API) return PUBLIC_API;
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
  if (from === PUBLIC_API) return undefined;
  if (to === PUBLIC_API) return 'the public API is above every floor';
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
  const violations = checkImports(process.cwd());
  for (const violation of violations) console.error(violation);
  if (violations.length > 0) {
    console.error(
      `check-imports: ${violations.length} ${violations.length === 1 ? 'import breaks' : 'imports break'} the direction of the tree`,
    );
    process.exitCode = 1;
  }
}
