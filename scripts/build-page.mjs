// Compiles src/telemetry/page, the live page's browser half, to dist and adds the files that a browser needs as they are.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const out = 'dist/src/telemetry/page';
mkdirSync(out, { recursive: true });
for (const name of ['index.html', 'style.css']) copyFileSync(`src/telemetry/page/${name}`, `${out}/${name}`);
copyFileSync('node_modules/uplot/dist/uPlot.esm.js', `${out}/uplot.js`);
copyFileSync('node_modules/uplot/dist/uPlot.min.css', `${out}/uplot.css`);
try {
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'src/telemetry/page'], { stdio: 'inherit' });
} catch {
  // What is wrong has been printed.
  process.exit(1);
}
