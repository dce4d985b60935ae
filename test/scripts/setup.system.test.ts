import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const setupScript = path.resolve('scripts/setup.mjs');
const project = { name: 'metafleet', engines: { node: '>=20.19' } };
const lock = {
  packages: {
    '': {},
    'node_modules/typescript': { version: '7.0.2' },
    'node_modules/tfjs-node': { version: '4.22.0', optional: true },
  },
};
/** Stands in for npm: installs a "TypeScript" that compiles every source to an empty file, unless one says `broken`. */
const npm = `
  import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
  rmSync('node_modules', { recursive: true, force: true });
  mkdirSync('node_modules/.bin', { recursive: true });
  mkdirSync('node_modules/typescript/bin', { recursive: true });
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  delete lock.packages[''];
  delete lock.packages['node_modules/tfjs-node'];
  writeFileSync('node_modules/.package-lock.json', JSON.stringify(lock));
  writeFileSync('node_modules/typescript/package.json', '{"type":"module"}');
  writeFileSync('node_modules/typescript/bin/tsc', ${JSON.stringify(`
    import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
    mkdirSync('dist/src/cli', { recursive: true });
    for (const name of readdirSync('src/cli')) {
      if (readFileSync('src/cli/' + name, 'utf8').includes('broken')) process.exit(2);
      writeFileSync('dist/src/cli/' + name.replace('.ts', '.js'), '');
    }
  `)});
`;
const kernels = `
  import { mkdirSync, writeFileSync } from 'node:fs';
  mkdirSync('dist/src/tensor', { recursive: true });
  writeFileSync('dist/src/tensor/kernels.wasm', '');
`;
const page = kernels.replaceAll('src/tensor', 'src/telemetry/page').replace('kernels.wasm', 'main.js');

let root = '';

beforeEach(() => {
  root = realpathSync(mkdtempSync(path.join(tmpdir(), 'setup-')));
  write('package.json', JSON.stringify(project));
  write('package-lock.json', JSON.stringify(lock));
  write('npm/package.json', '{"type":"module"}');
  write('npm/npm-cli.js', npm);
  write('src/cli/main.ts', 'export {};');
  write('scripts/build-kernels.mjs', kernels);
  write('scripts/build-page.mjs', page);
  copyFileSync(setupScript, path.join(root, 'scripts/setup.mjs'));
});

afterEach(() => rmSync(root, { recursive: true }));

const write = (name: string, text: string): void => {
  const file = path.join(root, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
};

const setup = (): { readonly status: number | null; readonly lines: readonly string[]; readonly errors: readonly string[] } => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/setup.mjs'], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, npm_execpath: path.join(root, 'npm/npm-cli.js') },
  });
  const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');
  return { status, lines: lines(stdout), errors: lines(stderr) };
};

const UP_TO_DATE = { status: 0, lines: ['setup: packages and build are up to date'], errors: [] };

test('a fresh checkout is installed and built, and the command linked where npx finds it; then nothing is left to do', () => {
  expect(setup()).toEqual({
    status: 0,
    lines: ['setup: installing packages: npm ci', 'setup: building TypeScript, kernels, page'],
    errors: [],
  });
  expect(realpathSync(path.join(root, 'node_modules/.bin/metafleet'))).toBe(path.join(root, 'dist/src/cli/main.js'));
  expect(setup()).toEqual(UP_TO_DATE);
});

test('packages are installed again when the lock file asks for another version', () => {
  setup();
  write('package-lock.json', JSON.stringify(lock).replace('7.0.2', '7.0.3'));
  expect(setup().lines).toContain('setup: installing packages: npm ci');
  expect(setup()).toEqual(UP_TO_DATE);
});

test('an optional package added by hand stays', () => {
  setup();
  const record = JSON.parse(readFileSync(path.join(root, 'node_modules/.package-lock.json'), 'utf8')) as typeof lock;
  write(
    'node_modules/.package-lock.json',
    JSON.stringify({ packages: { ...record.packages, 'node_modules/tfjs-node': { version: '4.22.0' } } }),
  );
  write('node_modules/tfjs-node/package.json', '{}');
  expect(setup()).toEqual(UP_TO_DATE);
});

test('only what changed is built again, and a deleted source leaves no output behind', () => {
  write('src/cli/old.ts', '');
  setup();
  expect(existsSync(path.join(root, 'dist/src/cli/old.js'))).toBe(true);
  rmSync(path.join(root, 'src/cli/old.ts'));
  expect(setup().lines).toEqual(['setup: building TypeScript']);
  expect(existsSync(path.join(root, 'dist/src/cli/old.js'))).toBe(false);
  write('src/tensor/assembly/index.ts', '');
  expect(setup().lines).toEqual(['setup: building kernels']);
  write('src/telemetry/page/style.css', '');
  expect(setup().lines).toEqual(['setup: building page']);
  expect(setup()).toEqual(UP_TO_DATE);
});

test('a failed build ends in one line and is tried again', () => {
  write('src/cli/main.ts', 'broken');
  const failure = { status: 1, errors: ['setup: building TypeScript failed (exit code 2); the reason is printed above'] };
  expect(setup()).toMatchObject(failure);
  expect(setup()).toMatchObject({ ...failure, lines: ['setup: building TypeScript'] });
  write('src/cli/main.ts', 'export {};');
  expect(setup()).toMatchObject({ status: 0, lines: ['setup: building TypeScript'] });
});

test('a failed install ends in one line', () => {
  write('npm/npm-cli.js', 'process.exit(7)');
  expect(setup()).toMatchObject({ status: 1, errors: ['setup: npm ci failed (exit code 7); the reason is printed above'] });
});

test('a Node older than the project needs is refused before anything is installed', () => {
  write('package.json', JSON.stringify({ ...project, engines: { node: '>=999.1' } }));
  expect(setup()).toEqual({ status: 1, lines: [], errors: [`setup: Node >=999.1 is needed, this is ${process.versions.node}`] });
  expect(existsSync(path.join(root, 'node_modules'))).toBe(false);
});
