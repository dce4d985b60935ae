import type { Chart, Series } from '../../report/charts/chart.js';
import { formatBytes, formatCount, formatError, formatSpan } from '../../report/format.js';
import { type Html, html } from '../../report/page/html.js';
import { type Column, downloads, figure, renderPage, type Section, table } from '../../report/page/page.js';
import { PAPER, REPRODUCTION } from './published.js';
import type { LineResult, RunFigures, TableResult } from './table-result.js';
import { additionsNote, costsOf, formatP, plusMinus, publishedText, QUICK_NOTE, SIGNIFICANT, UNTUNED_NOTE } from './table-text.js';

const numeric = (...titles: readonly string[]): Column[] => titles.map((title) => ({ title, numeric: true }));

const errorsTable = ({ title, lines, baselines, others }: TableResult): Html =>
  table({
    caption: `${title}: errors on the test ratings, mean ± deviation over seeds`,
    columns: [
      { title: 'model' },
      ...numeric('MAE at best validation', 'MSE at best validation', 'MAE at last epoch', 'MSE at last epoch'),
      { title: 'published, MAE / MSE' },
      ...numeric('seeds'),
    ],
    rows: [
      ...lines.map(({ label, published, runs }) => [
        label,
        ...[
          plusMinus(runs.map(({ best }) => best.mae)),
          plusMinus(runs.map(({ best }) => best.mse)),
          plusMinus(runs.map(({ last }) => last.mae)),
          plusMinus(runs.map(({ last }) => last.mse)),
        ],
        published
          .filter(({ group }) => group === undefined)
          .map(({ source, mae, mse }) => `${publishedText(mae, mse)} (${shortSource(source)})`)
          .join('; ') || '-',
        runs.length,
      ]),
      ...baselines.map(({ label, seeds }) => [
        `${label} (central)`,
        plusMinus(seeds.map(({ mae }) => mae)),
        plusMinus(seeds.map(({ mse }) => mse)),
        ...['-', '-', '-', seeds.length],
      ]),
      ...others.map(({ label, figure: { source, mae, mse } }) => [
        label,
        ...['-', '-', '-', '-', `${publishedText(mae, mse)} (${shortSource(source)})`, '-'],
      ]),
    ],
  });

const shortSource = (source: string): string => (source === PAPER ? 'paper' : source === REPRODUCTION ? 'reproduction' : source);

const costsTable = ({ lines }: TableResult): Html =>
  table({
    caption: 'What it took, means over seeds; bytes of training as encoded, over the whole fleet',
    columns: [{ title: 'model' }, ...numeric('parameters', 'rounds', 'down per device', 'up per device', 'wall time', 'processor time')],
    rows: lines
      .filter(({ runs }) => runs.length > 0)
      .map(({ label, runs }) => {
        const { rounds, down, up, wall, cpu } = costsOf(runs);
        return [label, formatCount(runs[0]!.parameters), rounds, down, up, wall, cpu];
      }),
  });

const groupsTable = ({ lines }: TableResult): Html =>
  table({
    caption: 'Test errors by activity, at the best validation MSE: 5 % of the users each',
    columns: [{ title: 'users' }, ...numeric('users in the group', 'MAE', 'MSE'), { title: 'published, MAE / MSE' }],
    rows: lines.flatMap(({ published, runs }) =>
      (runs[0]?.groups ?? []).map(({ group, devices }) => {
        const of = runs.flatMap((run) => run.groups.filter((each) => each.group === group));
        const theirs = published.find((each) => each.group === group);
        return [
          `${group} activity`,
          devices,
          plusMinus(of.map(({ mae }) => mae)),
          plusMinus(of.map(({ mse }) => mse)),
          theirs === undefined ? '-' : `${publishedText(theirs.mae, theirs.mse)} (${shortSource(theirs.source)})`,
        ];
      }),
    ),
  });

const comparisonsTable = ({ comparisons }: TableResult): Html =>
  table({
    caption: `Two-sided paired t-tests over users; significant at p < ${SIGNIFICANT}`,
    columns: [{ title: 'models' }, ...numeric('users', 'difference of MAE', 'p (MAE)', 'difference of MSE', 'p (MSE)'), { title: 'MSE' }],
    rows: comparisons.map(({ first, second, mae, mse }) => [
      `${first} against ${second}`,
      ...[formatCount(mse.pairs), formatError(mae.difference), formatP(mae.p), formatError(mse.difference), formatP(mse.p)],
      mse.p < SIGNIFICANT ? `${mse.difference < 0 ? first : second} is better` : 'no significant difference',
    ]),
  });

/** One row a run: what reproduces its figures. */
const runsTable = ({ lines }: TableResult): Html =>
  table({
    caption: 'Every run: its figures, and what reproduces them',
    columns: [
      { title: 'run' },
      ...numeric('seed', 'best epoch', 'MAE', 'MSE', 'last epoch', 'MAE', 'MSE', 'rounds', 'down', 'up', 'wall time', 'processor time'),
      { title: 'digest of Θ' },
      { title: 'command' },
    ],
    rows: lines.flatMap(({ label, runs }) =>
      runs.map((run) => [
        label,
        run.seed,
        ...[run.best, run.last].flatMap(({ epoch, mae, mse }) => [epoch, formatError(mae ?? Number.NaN), formatError(mse ?? Number.NaN)]),
        ...[
          formatCount(run.rounds),
          formatBytes(run.bytes.down),
          formatBytes(run.bytes.up),
          formatSpan(run.wallMillis),
          formatSpan(run.cpuMillis),
        ],
        html`<code>${run.digest ?? 'unfinished'}</code>`,
        html`<code>${run.command}</code>`,
      ]),
    ),
  });

const curve = (label: string, { seed, curve: points }: RunFigures, many: boolean): Series => ({
  kind: 'line',
  name: many ? `${label}, seed ${seed}` : label,
  points: points.map(({ epoch, test }) => [epoch, test.mse ?? Number.NaN]),
});

const curvesChart = ({ lines }: TableResult): Chart => ({
  title: 'Test error by epoch',
  description: 'Mean squared error on the test ratings after each epoch, one line a run.',
  x: { name: 'epoch' },
  y: { name: 'test MSE' },
  series: lines.flatMap(({ label, runs }) => runs.map((run) => curve(label, run, runs.length > 1))),
});

const meanMse = ({ runs }: LineResult): number => runs.reduce((sum, { best }) => sum + (best.mse ?? Number.NaN), 0) / runs.length;
const meanMae = ({ runs }: LineResult): number => runs.reduce((sum, { best }) => sum + (best.mae ?? Number.NaN), 0) / runs.length;

const barsChart = ({ lines }: TableResult): Chart => {
  const measured = lines.filter(({ runs }) => runs.length > 0);
  const published = measured.map((line) => line.published.find(({ group }) => group === undefined)?.mae ?? Number.NaN);
  return {
    title: 'Test MAE at the best validation MSE, next to the published one',
    description: 'Bars of the mean absolute error over seeds, and of the figure that was published for the same configuration.',
    x: { name: '', categories: measured.map(({ label }) => label) },
    y: { name: 'test MAE' },
    series: [
      { kind: 'bar', name: 'measured', values: measured.map(meanMae) },
      ...(published.some(Number.isFinite) ? [{ kind: 'bar' as const, name: 'published', values: published }] : []),
    ],
  };
};

const METHOD_NOTE = html`A pair of the t-test is a user with test ratings. Its value is the mean error over the user's test ratings,
averaged over the seeds that both models were trained with. The paper does not say what it paired. Differences are first minus
second, as means over users. The figures above are means over ratings, so that their difference can be another.`;

/** The page of a table, whole in itself. */
export const tablePage = (result: TableResult): string => {
  const { title, question, data, lines, missing } = result;
  const trained = lines.filter(({ runs }) => runs.length > 0);
  const warnings = [
    ...(result.quick ? [QUICK_NOTE] : []),
    ...(data.measured ? [] : [UNTUNED_NOTE]),
    ...additionsNote(lines.flatMap(({ runs }) => runs)),
    ...(missing.length === 0 ? [] : [`Not trained yet: ${missing.join('; ')}.`]),
  ];
  const sections: Section[] = [
    {
      title: 'Errors',
      body: [errorsTable(result)],
      ...(warnings.length === 0 ? {} : { lead: html`<strong>${warnings.join(' ')}</strong>` }),
    },
    ...(result.groups ? [{ title: 'By activity', body: [groupsTable(result)] }] : []),
    ...(trained.some((line) => Number.isFinite(meanMse(line)))
      ? [{ title: 'Plots', body: [figure(curvesChart(result)), figure(barsChart(result))] }]
      : []),
    ...(result.comparisons.length === 0 ? [] : [{ title: 'Significance', lead: METHOD_NOTE, body: [comparisonsTable(result)] }]),
    { title: 'Costs', body: [costsTable(result)] },
    {
      title: 'How to reproduce it',
      lead: html`All of it: <code>${result.command}</code>. One run alone, to the same digest: the command next to it.${
        result.baselines.length > 0 &&
        html` The baselines are those of <code>npx metafleet run --data ${data.place} --seed N</code>, which prints them; they have no Θ.`
      }`,
      body: [runsTable(result), downloads([{ file: `${result.study}-${data.name}.json`, text: JSON.stringify(result, null, 1) }])],
    },
  ];
  const { metafleet, node, platform, cpu, cpus } = result.environment;
  return renderPage({
    title: `${title}, on ${data.title ?? data.name}`,
    lead: `${question} ${formatCount(data.users)} users, ${formatCount(data.items)} items, ${formatCount(data.ratings.train)} training ratings.`,
    sections,
    footer: html`metafleet ${metafleet}, Node ${node}, ${platform}, ${cpu}, ${cpus} processors. Published figures: ${PAPER}; ${REPRODUCTION}.`,
  });
};
