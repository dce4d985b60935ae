// Do the dashboards and rules show something? Needs Prometheus (Debian: apt-get install prometheus).
import { type Answer, checkDashboards } from './check.js';
import { prometheusIsInstalled } from './prometheus.js';

const rowsOf = (answers: readonly Answer[]): string[][] =>
  answers.map(({ place, title, legend, series, last, fault }) => [
    place,
    title,
    legend,
    String(series),
    fault ?? Number(last?.toPrecision(4)).toString(),
  ]);

const print = (answers: readonly Answer[]): void => {
  const table = [['dashboard', 'panel', 'legend', 'series', 'last value'], ...rowsOf(answers)];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  for (const row of table)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    );
};

if (prometheusIsInstalled()) {
  const { answers, faults } = await checkDashboards();
  print(answers);
  for (const fault of faults) console.error(fault);
  console.log(faults.length === 0 ? `${answers.length} queries, all of them answered` : `${faults.length} faults`);
  if (faults.length > 0) process.exitCode = 1;
} else {
  console.error('dashboards:check needs prometheus and promtool on the path (Debian: apt-get install prometheus)');
  process.exitCode = 1;
}
