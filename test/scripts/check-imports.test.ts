import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { checkImports } from '../../scripts/check-imports.js';
import { floorTable } from '../../scripts/tree/floors.js';
import { checkTypeNames } from '../../scripts/tree/type-names.js';

const trees: string[] = [];

const treeOf = (files: Readonly<Record<string, string>>): string => {
  const root = mkdtempSync(path.join(tmpdir(), 'check-imports-'));
  trees.push(root);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), text);
  }
  return root;
};

const violationsIn = (files: Readonly<Record<string, string>>): string[] => checkImports(treeOf(files));

afterEach(() => {
  for (const root of trees.splice(0)) rmSync(root, { recursive: true });
});

test('imports that point down, packages and a folder of its own pass', () => {
  expect(
    violationsIn({
      'src/base/units.ts': `import { readFileSync } from 'node:fs';\nimport { pack } from 'msgpackr';\n`,
      'src/messages/frame.ts': `import { bytes } from '../base/units.js';\nimport { code } from './code.js';\n`,
      'src/messages/code.ts': 'export const code = 1;\n',
      'src/algorithms/metamf/server.ts': `import type { Algorithm } from '../algorithm.js';\n`,
      'src/index.ts': `export { run } from './runs/trainer/run.js';\nexport type { Bytes } from './base/units.js';\n`,
      'workers/kernel.ts': `import { serve } from '../src/tensor/serve.js';\n`,
      'test/base/units.test.ts': `import { bytes } from '../../src/base/units.js';\nimport '../../workers/kernel.js';\n`,
    }),
  ).toEqual([]);
});

test('an upward import is named with its file, line and floors', () => {
  expect(violationsIn({ 'src/tensor/pool.ts': `// a pool\n\nimport { send } from '../messages/frame.js';\n` })).toEqual([
    'src/tensor/pool.ts:3: imports src/messages/frame.ts: floor 2 is above floor 1; imports point down',
  ]);
});

test.each([
  ['import type', `import type { Run } from '../cli/run.js';`],
  ['inline type import', `import { type Run } from '../cli/run.js';`],
  ['export from', `export { run } from '../cli/run.js';`],
  ['export type from', `export type { Run } from '../cli/run.js';`],
  ['export star', `export * from '../cli/run.js';`],
  ['side effect', `import '../cli/run.js';`],
  ['dynamic import', `const { run } = await import('../cli/run.js');`],
  ['import in a type', `type Run = import('../cli/run.js').Run;`],
  ['many lines', `import {\n  run,\n  type Run,\n} from '../cli/run.js';`],
  ['built file', `import { run } from '#built/src/cli/run.js';`],
])('an upward import is seen in the form: %s', (_form, statement) => {
  expect(violationsIn({ 'src/base/clock.ts': `${statement}\n` })).toEqual([
    expect.stringMatching(/^src\/base\/clock\.ts:\d: imports src\/cli\/run\.ts: floor \d+ is above floor 0/),
  ]);
});

test('an import in a comment or a string is none', () => {
  expect(
    violationsIn({ 'src/base/a.ts': `// import { run } from '../cli/run.js';\nexport const text = "import '../cli/run.js'";\n` }),
  ).toEqual([]);
});

test('folders on one floor do not import each other', () => {
  expect(violationsIn({ 'src/data/split.ts': `import type { Kernels } from '../tensor/kernels.js';\n` })).toEqual([
    'src/data/split.ts:1: imports src/tensor/kernels.ts: both are on floor 1; folders on one floor do not import each other',
  ]);
});

test('device and coordinator import neither each other', () => {
  expect(
    violationsIn({
      'src/coordinator/round.ts': `import { step } from '../device/step.js';\n`,
      'src/device/step.ts': `import { round } from '../coordinator/round.js';\n`,
    }),
  ).toEqual([
    'src/coordinator/round.ts:1: imports src/device/step.ts: coordinator and device share messages, not code',
    'src/device/step.ts:1: imports src/coordinator/round.ts: floor 5 is above floor 4; imports point down',
  ]);
});

test('a cycle of files is reported once, at the import that closes it, types included', () => {
  expect(
    violationsIn({
      'src/data/a.ts': `import { b } from './b.js';\n`,
      'src/data/b.ts': `import { c } from './c.js';\n`,
      'src/data/c.ts': `\nimport type { A } from './a.js';\n`,
      'src/data/d.ts': `import { a } from './a.js';\n`,
    }),
  ).toEqual(['src/data/c.ts:2: cyclic import: src/data/a.ts → src/data/b.ts → src/data/c.ts → src/data/a.ts']);
});

test('nothing but tests imports workers/ or test/, and src/ imports nothing outside src/ nor its own public API', () => {
  expect(
    violationsIn({
      'src/cli/run.ts': `import '../../workers/kernel.js';\nimport '../../scripts/load.js';\nimport '../index.js';\nimport 'metafleet';\n`,
      'scripts/load.ts': `import '../workers/kernel.js';\nimport '../test/workbench.js';\nimport '../src/index.js';\n`,
    }).map((violation) => violation.split(': imports ').join(' → ')),
  ).toEqual([
    'src/cli/run.ts:1 → workers/kernel.ts: workers/ are thread entry points, which nothing imports',
    'src/cli/run.ts:2 → scripts/load.ts: src/ imports nothing outside src/',
    'src/cli/run.ts:3 → src/index.ts: the public API is above every floor',
    'src/cli/run.ts:4 → src/index.ts: the public API is above every floor',
    'scripts/load.ts:1 → workers/kernel.ts: workers/ are thread entry points, which nothing imports',
    'scripts/load.ts:2 → test/workbench.ts: only tests import test/',
  ]);
});

test('AssemblyScript sources, decorated functions and all, import only each other and the layouts of structs, which import nothing', () => {
  expect(
    violationsIn({
      'src/tensor/assembly/index.ts': `export { add } from './add';\n`,
      'src/tensor/assembly/add.ts': `// @ts-ignore: decorator\n@inline\nexport function add(a: u32): u32 { return a; }\nimport '../../base/units.js';\nimport * as Form from '../structs/form';\n`,
      'src/tensor/structs/form.ts': `import { one } from './one.js';\nexport const aRow = one;\n`,
      'src/tensor/structs/one.ts': 'export const one = 1;\n',
      'src/tensor/reference.ts': `import * as Form from './structs/form.js';\n`,
      'src/tensor/simd.ts': `import { add } from './assembly/add.js';\n`,
      'src/algorithms/mf/kernels/assembly/index.ts': `import '../../../../tensor/assembly/add';\nimport '../structs/row';\nimport '../../mf.js';\n`,
      'src/tensor/assembly/low.ts': `import '../../algorithms/mf/kernels/assembly/index';\n`,
    }).map((violation) => violation.slice(0, violation.indexOf(': imports '))),
  ).toEqual([
    'src/algorithms/mf/kernels/assembly/index.ts:3',
    'src/tensor/assembly/add.ts:4',
    'src/tensor/assembly/low.ts:1',
    'src/tensor/simd.ts:1',
    'src/tensor/structs/form.ts:1',
  ]);
});

test('a folder without a floor is reported', () => {
  expect(violationsIn({ 'src/utils/misc.ts': 'export {};\n' })).toEqual([
    'src/utils/misc.ts:1: belongs to no floor; add its folder to scripts/tree/floors.ts',
  ]);
});

describe('a type’s name', () => {
  const faults = (files: Readonly<Record<string, string>>, allowed: readonly string[] = []): string[] =>
    checkTypeNames(treeOf(files), new Set(allowed));

  test('means one thing: two definitions are reported with their places', () => {
    expect(
      faults({
        'src/base/a.ts': 'export type Run = { readonly id: number };\n',
        'src/cli/b.ts': '\nexport interface Run { readonly name: string }\n',
        'src/data/c.ts': 'type Run = string;\nexport const run: Run = "";\n',
      }),
    ).toEqual(['src/base/a.ts:1: type Run means something else in src/cli/b.ts:2; one name means one thing']);
  });

  test('may be exported twice with the same meaning, whatever its comments say', () => {
    const fields = 'readonly id: number;';
    expect(
      faults({
        'src/base/a.ts': `export type Run = { ${fields.slice(0, -1)} };\n`,
        'src/cli/b.ts': `export type Run = {\n  /** Its number. */\n  ${fields}\n};\n`,
      }),
    ).toEqual([]);
  });

  test('is each algorithm’s own', () => {
    const [one, other] = ['export type Layout = 1;\n', 'export type Layout = 2;\n'];
    expect(faults({ 'src/algorithms/metamf/a.ts': one, 'src/algorithms/fedavg/a.ts': other })).toEqual([]);
    expect(faults({ 'src/algorithms/metamf/a.ts': one, 'src/algorithms/port/a.ts': other, 'src/data/a.ts': one })).toHaveLength(1);
  });

  test('that is listed as ambiguous passes until it is no more', () => {
    const [one, other] = ['export type Run = 1;\n', 'export type Run = 2;\n'];
    expect(faults({ 'src/base/a.ts': one, 'src/cli/b.ts': other }, ['Run'])).toEqual([]);
    expect(faults({ 'src/base/a.ts': one }, ['Run'])).toEqual([
      'scripts/tree/type-names.ts:1: type Run means one thing now; take it off the list',
    ]);
  });
});

test('ARCHITECTURE.md shows the floors as the checker has them', () => {
  const page = readFileSync(path.resolve(import.meta.dirname, '../../ARCHITECTURE.md'), 'utf8');
  const shown = /<!-- floors: node dist\/scripts\/check-imports.js --table -->\n([\s\S]*?)\n<!-- end of floors -->/.exec(page)?.[1];
  expect(shown?.trim()).toBe(floorTable());
});
