import type { MetricValues } from '../../events/evaluation.js';
import type { StoredRun } from '../../runs/folder/stored-run.js';
import type { Summary } from '../../runs/folder/summary.js';
import { formatBytes, formatCount, formatMetric, formatMillis, metricTitle, plural } from '../format.js';
import { html } from '../page/html.js';
import { type Page, type Section, table, tiles } from '../page/page.js';
import { bytesSection, latencySection } from './cost-sections.js';
import { fleetSections } from './fleet-sections.js';
import { configurationSection, dataSection, environmentSection } from './origin-sections.js';
import { costFigure, learningFigures, leftOutFigure } from './run-figures.js';

/** How two runs differ on the same test ratings: a paired test over the devices that have any. */
export type RunDifference = {
  readonly first: string;
  readonly second: string;
  /** By metric, of those that both runs were measured by: mean over devices of the first's value less the second's; p two-sided. */
  readonly metrics: Readonly<Record<string, { readonly devices: number; readonly difference: number; readonly p: number }>>;
};

export type RunComparison = {
  readonly differences: readonly RunDifference[];
  /** Why pairs of runs could not be compared, a sentence each. */
  readonly notes: readonly string[];
};

/** The report of one run, or of several side by side; with no comparison, it says nothing of significance. */
export const runReport = (runs: readonly StoredRun[], comparison?: RunComparison): Page => {
  const [only] = runs;
  const title = runs.length === 1 ? `Run ${only!.name}` : `${runs.length} runs compared`;
  const metrics = metricsOf(runs);
  const first = metricTitle(metrics[0]!);
  return {
    title,
    lead: runs.length === 1 ? leadOf(only!.summary) : runs.map(({ name }) => name).join(' · '),
    sections: [
      runs.length === 1 ? glance(only!.summary, metrics) : sideBySide(runs, metrics),
      ...(comparison === undefined ? [] : [significance(comparison)]),
      {
        title: 'Learning',
        lead: 'Metrics of held-out ratings after each epoch, and the loss on the devices’ own batches before each step.',
        body: learningFigures(runs, metrics),
      },
      {
        title: `${first} against bytes`,
        lead: `What it costs: ${first} on test ratings over the bytes that training had sent until then, both ways, as encoded.`,
        body: [costFigure(runs, metrics[0]!)],
      },
      latencySection(runs),
      bytesSection(runs),
      ...leftOut(runs, metrics[0]!),
      ...fleetSections(runs),
      environmentSection(runs),
      configurationSection(runs),
      dataSection(runs),
    ],
    footer: `Made by metafleet ${only!.summary.environment.metafleet}. Everything on this page is in this file; it asks nothing of any server.`,
  };
};

const leadOf = ({ algorithm, dataset, devices, reason }: Summary): string =>
  `${algorithm} on ${dataset.name}: ${formatCount(devices)} devices, ${formatCount(dataset.items)} items, ${formatCount(dataset.ratings.train)} training ratings; ${reason}.`;

/** What the runs were measured by: what the first stopped on, then the rest, in order of first sight. */
const metricsOf = (runs: readonly StoredRun[]): readonly string[] => [
  ...new Set([runs[0]!.summary.stopOn, ...runs.flatMap(({ summary }) => summary.metrics)]),
];

const shownValue = (values: MetricValues | null, metric: string): string => {
  const value = values?.[metric] ?? null;
  return value === null ? '–' : formatMetric(value);
};

/** `ε 3.21`, and what it is the ε of. */
const privacyText = ({ epsilon, delta, protects }: NonNullable<Summary['privacy']>): { value: string; note: string } => ({
  value: epsilon === null ? 'no guarantee' : `ε ${epsilon.toPrecision(3)}`,
  note: `δ ${delta}, of ${protects}, by user`,
});

const glance = (
  { test, bestEpoch, bytes, rounds, epochs, latency, memory, wallMillis, devices, parameters, baselines, privacy = null }: Summary,
  metrics: readonly string[],
): Section => ({
  title: 'At a glance',
  body: [
    tiles([
      ...metrics.map((metric, index) => ({
        name: `Test ${metricTitle(metric)}`,
        value: shownValue(test.best, metric),
        ...(index > 0 ? {} : { note: bestEpoch === null ? 'not measured' : `at the best epoch, ${bestEpoch}` }),
      })),
      { name: 'Rounds', value: formatCount(rounds.total), note: plural(epochs, 'epoch') },
      { name: 'Sent down', value: formatBytes(bytes.training.down), note: `${formatBytes(bytes.perDevice.down)} a device` },
      { name: 'Sent up', value: formatBytes(bytes.training.up), note: `${formatBytes(bytes.perDevice.up)} a device` },
      { name: 'Round, median', value: formatMillis(latency.roundMillis.p50), note: `95 % within ${formatMillis(latency.roundMillis.p95)}` },
      { name: 'Wall time', value: formatMillis(wallMillis) },
      { name: 'Memory', value: formatBytes(memory.rssPeakBytes), note: 'highest of the process' },
      ...(privacy === null ? [] : [{ name: 'Privacy', ...privacyText(privacy) }]),
      { name: 'Devices', value: formatCount(devices), note: `${formatCount(parameters)} parameters` },
    ]),
    ...(Object.keys(baselines).length === 0
      ? []
      : [
          table({
            caption: 'On the same test ratings',
            columns: [{ title: 'model' }, ...metrics.map(metricTitle).map(numeric)],
            rows: [['this run', test.best] as const, ...Object.entries(baselines)].map(([name, values]) => [
              name,
              ...metrics.map((metric) => shownValue(values, metric)),
            ]),
          }),
        ]),
  ],
});

const numeric = (title: string) => ({ title, numeric: true });

const sideBySide = (runs: readonly StoredRun[], metrics: readonly string[]): Section => ({
  title: 'Side by side',
  lead: 'Metrics at the best epoch by validation; bytes of training as encoded.',
  body: [
    table({
      caption: 'Runs',
      columns: [
        { title: 'run' },
        { title: 'seed', numeric: true },
        ...metrics.map((metric) => numeric(`test ${metricTitle(metric)}`)),
        ...['best epoch', 'rounds', 'down', 'up', 'round, median', 'wall time'].map(numeric),
      ],
      rows: runs.map(({ name, summary: { seed, test, bestEpoch, rounds, bytes, latency, wallMillis } }) => [
        name,
        String(seed),
        ...metrics.map((metric) => shownValue(test.best, metric)),
        bestEpoch === null ? '–' : formatCount(bestEpoch),
        formatCount(rounds.total),
        formatBytes(bytes.training.down),
        formatBytes(bytes.training.up),
        formatMillis(latency.roundMillis.p50),
        formatMillis(wallMillis),
      ]),
    }),
  ],
});

const pText = (p: number): string => (Number.isNaN(p) ? '–' : p < 0.001 ? p.toExponential(1) : p.toFixed(3));
const signed = (value: number): string => `${value > 0 ? '+' : ''}${value.toFixed(4)}`;

const significance = ({ differences, notes }: RunComparison): Section => ({
  title: 'Significance',
  lead: 'Whether two of these trained models differ on this fleet: Student’s two-sided paired t-test, a pair being a device with test ratings and what is compared its own value of a metric. It says nothing of other seeds: for that, run each configuration with several.',
  body: [
    ...(differences.length === 0
      ? []
      : [
          table({
            caption: 'Differences, first less second, as a mean over devices',
            columns: [{ title: 'first' }, { title: 'second' }, { title: 'metric' }, ...['devices', 'difference', 'p'].map(numeric)],
            rows: differences.flatMap(({ first, second, metrics }) =>
              Object.entries(metrics).map(([metric, { devices, difference, p }]) => [
                first,
                second,
                metricTitle(metric),
                formatCount(devices),
                signed(difference),
                pText(p),
              ]),
            ),
          }),
        ]),
    ...notes.map((note) => html`<p>${note}</p>`),
  ],
});

const leftOut = (runs: readonly StoredRun[], metric: string): readonly Section[] => {
  const chart = leftOutFigure(runs, metric);
  return chart === undefined
    ? []
    : [
        {
          title: 'Who is left out',
          lead: 'A mean hides whom the model serves badly: here it is by how much a device has to learn from.',
          body: [chart],
        },
      ];
};
