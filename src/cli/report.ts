import { join } from 'node:path';
import { Command } from 'commander';
import { badInput } from '../base/errors.js';
import { renderPage } from '../report/page/page.js';
import { runReport } from '../report/run/run-report.js';
import { writeAtomically } from '../runs/folder/atomic-write.js';
import { readStoredRun } from '../runs/folder/stored-run.js';
import { compareRuns } from '../studies/compare-runs.js';
import { addJson, answer, type JsonFlag } from './json-output.js';

/** `metafleet report results/<run> [more…]`: one self-contained HTML file. */
export const reportCommand = (): Command =>
  addJson(
    new Command('report')
      .argument('<runs...>', 'folders of runs that have ended')
      .option('--out <file>', 'where to write it (default: report.html in the folder of the first run)')
      .option('--no-significance', 'do not measure again, device by device, whether runs differ'),
  ).action(async (folders: string[], { out, significance, json }: JsonFlag & { out?: string; significance: boolean }) => {
    const runs = folders.map(readStoredRun);
    const names = new Set(runs.map(({ name }) => name));
    if (names.size < runs.length) throw badInput('CONFIG', 'runs', 'each run once', folders.join(', '));
    const note = (text: string): void => void process.stderr.write(`${text}\n`);
    const comparison = runs.length > 1 && significance ? await compareRuns(runs, note) : undefined;
    const file = out ?? join(folders[0]!, 'report.html');
    const page = renderPage(runReport(runs, comparison));
    await writeAtomically(file, page).catch((error: NodeJS.ErrnoException) => {
      throw badInput('CONFIG', file, 'a file that can be written', error.code ?? error.message);
    });
    answer(
      { json },
      {
        document: () => ({ file, runs: runs.map(({ name, folder }) => ({ name, folder })), comparison: comparison ?? null }),
        text: () => `${file}\n`,
      },
    );
  });
