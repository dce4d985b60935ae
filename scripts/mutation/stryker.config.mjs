// MUTATION_FOLDER: the folder of src/ whose mutants the tests of the same folder are to kill.
const folder = process.env.MUTATION_FOLDER ?? 'messages';

export default {
  mutate: [`src/${folder}/**/*.ts`],
  plugins: ['@stryker-mutator/vitest-runner', './scripts/mutation/sample.mjs'],
  checkers: ['sample'],
  testRunner: 'vitest',
  vitest: { configFile: 'scripts/mutation/vitest.config.ts', related: false },
  // Stryker wants an interface of TypeScript that version 7 lacks, should it find a configuration of it.
  tsconfigFile: 'none.json',
  coverageAnalysis: 'perTest',
  concurrency: 1,
  // What never ends hits a bound on loops long before; this is for machines with much else to do.
  timeoutMS: 60_000,
  dryRunTimeoutMinutes: 60,
  reporters: ['progress-append-only', 'clear-text', 'json', 'sample'],
  clearTextReporter: { reportTests: false, reportScoreTable: false, allowEmojis: false },
  jsonReporter: { fileName: `results/mutation/${folder}.json` },
  tempDirName: `results/mutation/sandbox-${folder}`,
  cleanTempDir: 'always',
  disableTypeChecks: false,
  ignorePatterns: ['results'],
  allowConsoleColors: false,
};
