// Writes what is made from the TypeScript here: dashboards as Grafana reads them, and METRICS.md.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DASHBOARDS } from './all.js';
import { metricsPage } from './metrics-page.js';
import { compile } from './panels.js';
import { readRules } from './rules.js';

/** Every generated file of the project at `root`, by its path there. */
export const outputs = (root = '.'): ReadonlyMap<string, string> =>
  new Map([
    ...DASHBOARDS.map(
      (dashboard) => [`dashboards/grafana/${dashboard.uid}.json`, `${JSON.stringify(compile(dashboard), null, 2)}\n`] as const,
    ),
    ['dashboards/METRICS.md', metricsPage(DASHBOARDS, readRules(root))],
  ]);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [file, content] of outputs()) writeFileSync(file, content);
}
