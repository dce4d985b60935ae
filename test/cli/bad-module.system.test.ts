import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { metafleet } from '../support/cli/command.js';
import { clientText, moduleFolder, moduleText, serverText, TINY, writeModule } from '../support/cli/module-folder.js';

/** Ways in which a user's module can be wrong: one line that names the module, and the hook and the device where there is one. */
let cwd = '';

beforeAll(() => {
  cwd = moduleFolder();
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

/** Begins to fail in a later round, when there is something to keep. */
const LATER = 'if (++calls > 12)';

type Case = readonly [name: string, text: string | null, line: RegExp, begun?: 'begun'];

const CASES: readonly Case[] = [
  ['a file that is missing', null, /^key algorithm: expected a module that can be read, found .*mine\.js: ENOENT/],
  ['text that is no JavaScript', 'export const algorithm = {', /^MODULE: expected a module that loads, found .*Unexpected/],
  ['an import that throws', "throw new Error('no licence')", /^MODULE: expected a module that loads, found no licence$/],
  ['no algorithm among its exports', 'export const one = 1;', /^MODULE: expected one export that is an algorithm, found 0$/],
  [
    'the name of what is built in',
    moduleText("name: 'fedavg'"),
    /^MODULE, name: expected a name that is neither built in .* found fedavg$/,
  ],
  ['a hook that is missing', moduleText('client: undefined'), /^MODULE is not an algorithm: client: expected a function, found undefined$/],
  [
    'tensors without a shape',
    moduleText("wire: () => ({ ...wire, down: [{ name: 'biases', perRow: true }] })"),
    /^MODULE, hook wire: expected down: a shape of one to three whole numbers for biases, found nothing$/,
  ],
  [
    'a server half that throws',
    moduleText("server: () => { throw new Error('no memory'); }"),
    /^MODULE, hook server: it threw: no memory$/,
  ],
  ['a server half without a hook', serverText('apply: undefined'), /^MODULE, hook server: expected apply: a function, found undefined$/],
  [
    'an update that throws',
    clientText(`update: (...given) => { ${LATER} throw new Error('too hot'); return good.update(...given); }`),
    /^MODULE, hook update, device \d+: it threw: too hot$/,
    'begun',
  ],
  [
    'an update that is no number',
    clientText(`update: (...given) => { const update = good.update(...given); ${LATER} update.tensors[0][0] = NaN; return update; }`),
    /^MODULE, hook update, device \d+: expected tensor biases: finite numbers, found NaN at 0$/,
    'begun',
  ],
  [
    'scores of another number',
    clientText('score: () => new Float32Array(1)'),
    /^MODULE, hook score, device \d+: expected scores: \d+ numbers, found 1$/,
    'begun',
  ],
  [
    'an update that never returns',
    clientText(`update: (...given) => { ${LATER} for (;;); return good.update(...given); }`),
    /^MODULE, hook update, device \d+: expected to return within 1 s$/,
    'begun',
  ],
  ['a step that never returns', serverText('step: () => { for (;;); }'), /^MODULE, hook step: expected to return within 1 s$/],
  [
    'a step that leaves no number',
    serverText('step: (rate) => { new Float32Array(good.tensors[0].bytes().buffer)[0] = NaN; return good.step(rate); }'),
    /^MODULE, hook step: expected tensor biases: finite numbers, found NaN at 0$/,
  ],
];

describe.concurrent('a run ends with one line on stderr and exit code 1 for a module with', () => {
  for (const [index, [name, text, line, begun]] of CASES.entries()) {
    it(name, async ({ expect: check }) => {
      const module = `./mine${index}${text === null ? '/mine' : ''}.js`;
      if (text !== null) writeModule(cwd, module, text);
      const words = ['run', ...TINY, '--quiet', '--name', `r${index}`, '--algorithm', module, '--moduleTimeout', '1'];
      const { code, err } = await metafleet(words, { cwd });
      check(err.trimEnd().split('\n')).toHaveLength(1);
      check(err).toContain(text === null ? 'mine.js' : module);
      check(err.trimEnd().replace('metafleet: ', '').replace(module, 'MODULE')).toMatch(line);
      check(code).toBe(1);
      // What was learned before is kept. A step that failed may have left half of its work.
      check(existsSync(join(cwd, 'results', `r${index}`, 'last.checkpoint'))).toBe(begun !== undefined);
    });
  }
});

it('a run of a module that fails has its summary', () => {
  const failed = CASES.findIndex(([name]) => name === 'an update that never returns');
  expect(existsSync(join(cwd, 'results', `r${failed}`, 'summary.json'))).toBe(true);
});
