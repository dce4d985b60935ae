import { Registry } from 'prom-client';
import { type Description, describeMetrics } from '../src/telemetry/prometheus/instruments.js';
import { createMetrics, LABELS, RUN_LABELS } from '../src/telemetry/prometheus/metrics.js';
import type { Dashboard } from './panels.js';
import type { Rule } from './rules.js';

/** METRICS.md, from the code: the metrics of the registry, and the panels and rules that ask for them. */
export const metricsPage = (dashboards: readonly Dashboard[], rules: readonly Rule[]): string => {
  const metrics = describeMetrics(
    createMetrics({ registry: new Registry(), pool: () => ({ queued: 0, utilization: 0, threads: 0 }) }).registry,
  );
  const uses = usesOf(dashboards, rules);
  const row = (metric: Description): string => {
    const { name, type, help, labels } = metric;
    const used = uses(metric);
    const cells = [`\`${name}\``, type, unitOf(name), labels.map((label) => `\`${label}\``).join(' '), help, used.join('; ')];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  };
  const table = (rows: readonly Description[]): string[] => [
    '| name | type | unit | labels | meaning | used by |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(row),
  ];
  const own = metrics.filter(({ name }) => name.startsWith('metafleet_'));
  // Which of them exist depends on the operating system.
  const others = metrics.filter((metric) => !own.includes(metric) && uses(metric).length > 0);
  return [
    '# Metrics',
    '',
    '<!-- Made by `npm run dashboards` from src/telemetry and the dashboards; a test fails when it is not up to date. -->',
    '',
    'A run serves these metrics at `/metrics` while it lasts. Units are base units: seconds, bytes, ratios of 1.',
    'The number of series depends on message kinds, phases, reasons and device classes, never on the number of devices.',
    'A gauge has no series until it has a value. Device classes and virtual time have series only with a simulated fleet.',
    '',
    'Histograms add the series `_bucket` (label `le`), `_sum` and `_count`; below they are one metric.',
    '',
    '## Labels',
    '',
    '| label | values |',
    '| --- | --- |',
    ...Object.entries(LABELS).map(([label, values]) => `| \`${label}\` | ${values} |`),
    `| ${RUN_LABELS.slice(1)
      .map((label) => `\`${label}\``)
      .join(' ')} | on \`metafleet_run_info\` alone: facts of the run |`,
    '',
    "## metafleet's own",
    '',
    ...table(own),
    '',
    '## Of the process and its main thread',
    '',
    'These are the ones that panels and rules ask for. prom-client serves more, under `process_` and `nodejs_`.',
    'The main thread supervises and observes. Heaps and garbage collection of the working threads are above.',
    '',
    ...table(others),
    '',
    '## Recording rules',
    '',
    '| name | used by |',
    '| --- | --- |',
    ...rules.filter(({ kind }) => kind === 'recording').map(({ name }) => `| \`${name}\` | ${uses({ name, type: 'gauge' }).join('; ')} |`),
    '',
  ].join('\n');
};

const UNITS = ['seconds', 'bytes', 'ratio', 'joules', 'rounds'];

const unitOf = (name: string): string => UNITS.find((unit) => name.replace(/_total$/, '').endsWith(`_${unit}`)) ?? '1';

/** The panels (as "dashboard: panel") and the rules (by name) that ask for a metric directly. */
const usesOf = (dashboards: readonly Dashboard[], rules: readonly Rule[]) => {
  const panels = dashboards.flatMap(({ title, rows }) =>
    rows.flatMap(({ panels }) =>
      panels.map((panel) => ({
        user: `${title.replace('metafleet: ', '')}: ${panel.title}`,
        text: Object.values(panel.queries).join('\n'),
      })),
    ),
  );
  const users = [...panels, ...rules.map(({ name, expr }) => ({ user: `rule ${name}`, text: expr }))];
  return ({ name, type }: Pick<Description, 'name' | 'type'>): string[] => {
    const suffix = type === 'histogram' ? '_(bucket|sum|count)' : '';
    const mention = new RegExp(`(?<![\\w:])${name}${suffix}(?![\\w:])`);
    return users.filter(({ text }) => mention.test(text)).map(({ user }) => user);
  };
};
