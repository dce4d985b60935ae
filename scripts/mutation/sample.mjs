// A Stryker plugin: tests a seeded sample of the mutants, and says what that tells of all of them.
//   MUTATION_SHARE  of the mutants (default 0.1)       MUTATION_SEED  default 1
// A mutant that is not drawn counts as one that does not compile, which Stryker leaves out of every score.
import { createHash } from 'node:crypto';
import { relative } from 'node:path';

const share = Number(process.env.MUTATION_SHARE ?? 0.1);
const seed = process.env.MUTATION_SEED ?? '1';

/** Whether a mutant is drawn depends on itself alone: a change elsewhere in the file moves it, no other mutant does. */
const isDrawn = ({ fileName, mutatorName, location: { start, end }, replacement }) => {
  const name = [seed, relative(process.cwd(), fileName), mutatorName, start.line, start.column, end.line, end.column, replacement];
  return createHash('sha256').update(name.join(' ')).digest().readUInt32LE(0) / 2 ** 32 < share;
};

const check = async (mutants) =>
  Object.fromEntries(
    mutants.map((mutant) => [mutant.id, isDrawn(mutant) ? { status: 'passed' } : { status: 'compileError', reason: 'not drawn' }]),
  );

/** Wilson's 95 % interval of a share of `killed` among `tested`. */
const intervalOf = (killed, tested) => {
  const z = 1.96;
  const middle = (killed + z ** 2 / 2) / (tested + z ** 2);
  const half = (z / (tested + z ** 2)) * Math.sqrt((killed * (tested - killed)) / tested + z ** 2 / 4);
  return [middle - half, middle + half];
};

const percent = (value) => `${(100 * value).toFixed(1)} %`;

const onMutationTestReportReady = ({ files }) => {
  const rows = new Map();
  for (const [name, { mutants }] of Object.entries(files)) {
    const folder = name.split('/').slice(0, 2).join('/');
    for (const key of [folder, 'all']) {
      const row = rows.get(key) ?? { mutants: 0, tested: 0, killed: 0 };
      rows.set(key, row);
      for (const { status } of mutants) {
        row.mutants += 1;
        row.tested += ['Killed', 'Timeout', 'Survived', 'NoCoverage'].includes(status) ? 1 : 0;
        row.killed += ['Killed', 'Timeout'].includes(status) ? 1 : 0;
      }
    }
  }
  console.log(`\nsample: share ${share}, seed ${seed}`);
  for (const [key, { mutants, tested, killed }] of [...rows].sort(([a], [b]) => (a < b ? 1 : -1))) {
    if (tested === 0) continue;
    const [low, high] = intervalOf(killed, tested);
    const text = `${killed} of ${tested} killed, ${percent(killed / tested)} (95 %: ${percent(low)} to ${percent(high)})`;
    console.log(`${key.padEnd(16)} ${mutants} mutants; ${text}`);
  }
};

/** As they come: a run takes long. */
const onMutantTested = ({ status, fileName, location: { start }, mutatorName, replacement }) => {
  if (status !== 'Survived' && status !== 'NoCoverage') return;
  console.log(
    `${status} ${relative(process.cwd(), fileName)}:${start.line}:${start.column} ${mutatorName} ${replacement.replace(/\s+/g, ' ')}`,
  );
};

const declare = (kind, make) => ({ kind, name: 'sample', factory: Object.assign(make, { inject: [] }) });

export const strykerPlugins = [
  declare('Checker', () => ({ init: async () => {}, check, group: async (mutants) => [mutants.map(({ id }) => id)] })),
  declare('Reporter', () => ({ onMutantTested, onMutationTestReportReady })),
];
