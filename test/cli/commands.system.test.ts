import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.js';
import { createWholeProgram } from '../../src/cli/program.js';
import { temporaryFolder } from '../support/cli/command.js';

const MAIN = createRequire(import.meta.url).resolve('#built/src/cli/main.js');

/** Writes down which modules are loaded. `node:` modules come with Node. */
const RECORDER = `import { register } from 'node:module';
register('data:text/javascript,' + encodeURIComponent(\`
  import { appendFileSync } from 'node:fs';
  export const load = (url, context, next) => {
    if (!url.startsWith('node:')) appendFileSync(process.env.LOADED, url + '\\\\n');
    return next(url, context);
  };
\`));`;

/** The project's own modules, and the names of packages, that a command line loads. */
const loadedBy = async (...words: string[]) => {
  const cwd = await temporaryFolder();
  const file = join(cwd, 'loaded');
  const recorder = `data:text/javascript,${encodeURIComponent(RECORDER)}`;
  await promisify(execFile)(process.execPath, ['--import', recorder, MAIN, ...words], { cwd, env: { ...process.env, LOADED: file } });
  const urls = (await readFile(file, 'utf8')).trim().split('\n');
  const packages = urls.flatMap((url) => url.split('/node_modules/').slice(1).slice(-1)).map((path) => /^(@[^/]+\/)?[^/]+/.exec(path)![0]);
  const own = urls.flatMap((url) => (url.includes('/node_modules/') ? [] : (/\/dist\/src\/(.+)\.js$/.exec(url)?.slice(1) ?? [])));
  return { own: own.sort(), packages: [...new Set(packages)].sort() };
};

/** Hundreds of milliseconds each. */
const HEAVY = [
  '@tensorflow/tfjs',
  '@tensorflow/tfjs-core',
  '@tensorflow/tfjs-backend-wasm',
  'echarts',
  'umap-js',
  'jstat',
  'prom-client',
  'piscina',
];

describe('the program', () => {
  it('loads for --version and --help what reads a command line, and nothing else', async () => {
    const frame = [
      'base/errors',
      'base/leaving',
      'cli/commands',
      'cli/main',
      'cli/program',
      'cli/signals/hangup',
      'cli/signals/signals',
      'cli/version',
    ];
    for (const flag of ['--version', '--help']) expect(await loadedBy(flag)).toEqual({ own: frame, packages: ['commander'] });
  });

  it.each(['new', 'device', 'data'])('loads for %s no chart, no server and no tensor library', async (name) => {
    const { own, packages } = await loadedBy(name, '--help');
    expect(own).toContain(name === 'data' ? 'cli/data/data' : `cli/${name}`);
    expect(packages.filter((known) => HEAVY.includes(known))).toEqual([]);
    const others = COMMANDS.map((command) => command.name).filter((other) => other !== name);
    expect(own.filter((module) => others.some((other) => module === `cli/${other}` || module === `cli/studies/${other}`))).toEqual([]);
  });

  it.each(['run', 'load', 'sweep', 'tune'])('loads for %s no chart library', async (name) => {
    const { packages } = await loadedBy(name, '--help');
    expect(packages.filter((known) => ['echarts', 'umap-js'].includes(known))).toEqual([]);
  });

  it('lists each command under the name that its code gives it', async () => {
    const program = await createWholeProgram();
    expect(program.commands.map((command) => command.name())).toEqual(COMMANDS.map(({ name }) => name));
    for (const command of program.commands) expect(command.description()).not.toBe('');
  });
});
