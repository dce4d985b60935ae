// A vitest reporter for CI: names every skipped test and why, and writes the totals to the file that METAFLEET_TOTALS names.
// A skipped test fails the run: what CI does not run, nobody runs.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Reporter, TestModule } from 'vitest/node';

export default class CiReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    // A module that fails to load has an error and no tests; it counts as one failure.
    const broken = modules.filter((module) => module.state() === 'failed' && [...module.children.allTests('failed')].length === 0).length;
    const count = (state: string): number => tests.filter((test) => test.result().state === state).length;
    const [passed, failed, skipped] = [count('passed'), count('failed') + broken, tests.length - count('passed') - count('failed')];
    for (const test of tests) {
      const result = test.result();
      if (result.state === 'passed' || result.state === 'failed') continue;
      const reason = (result.state === 'skipped' && result.note) || 'no reason given';
      console.log(`skipped: ${path.relative(process.cwd(), test.module.moduleId)} > ${test.fullName}: ${reason}`);
    }
    if (skipped > 0) process.exitCode = 1;
    const file = process.env['METAFLEET_TOTALS'];
    if (file !== undefined) writeFileSync(file, `${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  }
}
