import { defineConfig } from 'vitest/config';
import { BaseSequencer, type Reporter, type TestSpecification } from 'vitest/node';

/** What computes for seconds runs after what answers at once: a mutant dies of the first test that fails. */
const SLOW = [
  'frame',
  'initialize',
  'delivery',
  'round',
  'fleet-round',
  'coordinator',
  'saved-coordinator',
  'checkpoint',
  'server-gradient',
];
const rank = ({ moduleId }: TestSpecification): number => SLOW.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));

class QuickFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((a, b) => rank(a) - rank(b) || (a.moduleId < b.moduleId ? -1 : 1));
  }
}

/**
 * Stryker's runner sees tests alone. A file whose import throws has none, and one whose `beforeAll` throws has skipped ones. The
 * mutant would then pass for a survivor. Such a file gets a test that failed.
 */
const failedFiles: Reporter = {
  onTestRunEnd: (modules) => {
    for (const module of modules) {
      if (module.state() !== 'failed' || !module.children.allTests('failed').next().done) continue;
      const { task: file } = module as unknown as { readonly task: { readonly tasks: object[]; readonly result?: object } };
      file.tasks.push({ type: 'test', name: 'the file itself', mode: 'run', file, result: file.result });
    }
  },
};

const folder = process.env['MUTATION_FOLDER'] ?? 'messages';
/** Conformance tests of what a folder implements stand apart from its own. */
const CONFORMANCE: Readonly<Record<string, string>> = { tensor: 'kernels', transport: 'transport' };
const folders = [folder, ...(folder in CONFORMANCE ? [`conformance/${CONFORMANCE[folder]}`] : [])];

export default defineConfig({
  test: {
    reporters: [failedFiles],
    include: folders.map((name) => `test/${name}/**/*.test.ts`),
    // These tests share no state, and a thread for each file would take most of a mutant's time.
    isolate: false,
    setupFiles: ['scripts/mutation/patience.ts'],
    // By the clock, a test that is stopped while others measure would fail. So would one that loops over numbers and asks each time which mutant is on.
    testTimeout: 3_600_000,
    hookTimeout: 3_600_000,
    sequence: { sequencer: QuickFirst },
  },
});
