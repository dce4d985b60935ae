#!/usr/bin/env node
// Makes a checkout ready to run: installs the packages the lock file names, then builds dist/. Both are skipped when
// nothing they depend on has changed. Plain Node without dependencies, since it runs before there are any.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const main = 'dist/src/cli/main.js';
const stampFile = 'dist/.setup.json';
/** Independent builds. Each is a Node script, the files it reads and a file it leaves. */
const builds = [
  {
    name: 'TypeScript',
    script: ['node_modules/typescript/bin/tsc', '--incremental', '--tsBuildInfoFile', 'dist/.tsbuildinfo'],
    inputs: ['package.json', 'package-lock.json', 'tsconfig.json', 'vitest.config.ts', 'src', 'workers', 'scripts', 'dashboards', 'test'],
    isInput: (file) =>
      !isAssembly(file) && !isPage(file) && !file.endsWith('.mjs') && (!file.startsWith('dashboards/') || file.endsWith('.ts')),
    output: main,
  },
  {
    name: 'kernels',
    script: ['scripts/build-kernels.mjs'],
    inputs: ['package-lock.json', 'scripts/build-kernels.mjs', 'src'],
    isInput: (file) => !file.startsWith('src/') || isAssembly(file) || isStruct(file),
    output: 'dist/src/tensor/kernels.wasm',
  },
  {
    name: 'page',
    script: ['scripts/build-page.mjs'],
    inputs: ['package-lock.json', 'tsconfig.json', 'scripts/build-page.mjs', 'src/telemetry/page', 'src/telemetry/live/frame.ts'],
    isInput: () => true,
    output: 'dist/src/telemetry/page/main.js',
  },
];

const say = (line) => console.log(`setup: ${line}`);

try {
  requireNode();
  const installed = await install();
  const built = await build();
  linkCommand();
  if (!installed && !built) say('packages and build are up to date');
} catch (error) {
  console.error(`setup: ${error.message}`);
  process.exitCode = 1;
}

function requireNode() {
  const range = readJson('package.json').engines.node;
  const [needed, found] = [range.replace('>=', ''), process.versions.node].map((version) => version.split('.').map(Number));
  const older = found[0] < needed[0] || (found[0] === needed[0] && found[1] < needed[1]);
  if (older) throw new Error(`Node ${range} is needed, this is ${process.versions.node}`);
}

async function install() {
  if (isInstalled()) return false;
  say('installing packages: npm ci');
  // The npm that started this script, so that its configuration applies; the build needs development packages whatever NODE_ENV says.
  const cli = process.env.npm_execpath ?? '';
  const [command, first] = path.basename(cli) === 'npm-cli.js' ? [process.execPath, [cli]] : ['npm', []];
  await run('npm ci', command, [...first, 'ci', '--include=dev'], process.platform === 'win32' && command === 'npm');
  return true;
}

/**
 * npm records what it put into node_modules in a lock file of its own. Whatever the project's lock file names must be there in
 * that version; optional packages may be missing, and packages added by hand may stay.
 */
function isInstalled() {
  const record = 'node_modules/.package-lock.json';
  if (!existsSync(record)) return false;
  const present = readJson(record).packages;
  return Object.entries(readJson('package-lock.json').packages).every(([place, wanted]) => {
    const found = present[place];
    if (found === undefined) return place === '' || wanted.optional === true;
    return found.version === wanted.version && existsSync(place);
  });
}

async function build() {
  const before = existsSync(stampFile) ? readJson(stampFile) : {};
  const after = Object.fromEntries(builds.map((one) => [one.name, fingerprint(one)]));
  const stale = builds.filter(({ name, output }) => !existsSync(output) || JSON.stringify(before[name]) !== JSON.stringify(after[name]));
  if (stale.length === 0) return false;
  say(`building ${stale.map(({ name }) => name).join(', ')}`);
  removeOutputsOf(Object.keys(before.TypeScript ?? {}).filter((file) => after.TypeScript[file] === undefined));
  rmSync(stampFile, { force: true });
  const results = await Promise.allSettled(stale.map(({ name, script }) => run(`building ${name}`, process.execPath, script)));
  const finished = builds.filter((one) => !stale.includes(one) || results[stale.indexOf(one)].status === 'fulfilled');
  mkdirSync('dist', { recursive: true });
  writeFileSync(stampFile, JSON.stringify(Object.fromEntries(finished.map(({ name }) => [name, after[name]]))));
  const failure = results.find(({ status }) => status === 'rejected');
  if (failure) throw failure.reason;
  for (const { name, output } of stale) if (!existsSync(output)) throw new Error(`building ${name} left no ${output}`);
  return true;
}

/** Content hash of every input file, by path. */
function fingerprint({ inputs, isInput }) {
  const files = inputs.flatMap(filesUnder).filter(isInput).sort();
  return Object.fromEntries(files.map((file) => [file, createHash('sha256').update(readFileSync(file)).digest('base64')]));
}

function filesUnder(place) {
  if (!existsSync(place)) return [];
  try {
    return readdirSync(place, { withFileTypes: true }).flatMap((entry) => filesUnder(`${place}/${entry.name}`));
  } catch (error) {
    if (error.code === 'ENOTDIR') return [place];
    throw error;
  }
}

function isPage(file) {
  return file.startsWith('src/telemetry/page/');
}

function isAssembly(file) {
  return file.startsWith('src/') && file.includes('/assembly/');
}

/** Layouts of structs in kernel memory, which both compilers read. */
function isStruct(file) {
  return file.startsWith('src/') && file.includes('/structs/');
}

/** A deleted source must not live on in dist. */
function removeOutputsOf(sources) {
  for (const source of sources.filter((file) => file.endsWith('.ts'))) {
    for (const extension of ['.js', '.js.map', '.d.ts']) rmSync(`dist/${source.slice(0, -3)}${extension}`, { force: true });
  }
}

/** npx looks for a project's own command in node_modules/.bin, where npm links only the commands of dependencies. */
function linkCommand() {
  chmodSync(main, 0o755);
  const link = 'node_modules/.bin/metafleet';
  if (process.platform === 'win32' || existsSync(link)) return;
  rmSync(link, { force: true });
  symlinkSync(path.relative(path.dirname(link), main), link);
}

function run(what, command, args, shell = false) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'], shell });
    child.on('error', (error) => reject(new Error(`${what} could not start: ${error.message}`)));
    child.on('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${what} failed (${signal ?? `exit code ${code}`}); the reason is printed above`));
    });
  });
}

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}
