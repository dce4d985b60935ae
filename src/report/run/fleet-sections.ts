import { RESOURCES, type Resource } from '../../messages/device-cost.js';
import type { StoredLine, StoredRun } from '../../runs/folder/stored-run.js';
import type { FleetSummary, ProfileSums } from '../../runs/folder/summary.js';
import type { Chart } from '../charts/chart.js';
import { formatBytes, formatCount, formatMillis } from '../format.js';
import { html } from '../page/html.js';
import { figure, figures, type Section, table } from '../page/page.js';

const numeric = (title: string) => ({ title, numeric: true });

const OUTCOMES = ['assigned', 'trained', 'refused', 'dropped', 'rejected', 'late'] as const;
const TITLES = ['asked', ...OUTCOMES.slice(1)];

const sumOf = (lines: readonly StoredLine[], column: string): number =>
  lines.reduce((sum, line) => sum + (typeof line[column] === 'number' ? line[column] : 0), 0);

/** What became of the devices; with a fleet, by class, in virtual time and against their budgets. None for runs that did not note it. */
export const fleetSections = (runs: readonly StoredRun[]): readonly Section[] => {
  const known = runs.filter(({ rounds }) => rounds.some((line) => OUTCOMES.some((column) => typeof line[column] === 'number')));
  const fleets = runs.flatMap(({ name, summary }) => (summary.fleet ? [{ name, fleet: summary.fleet }] : []));
  return [
    ...(known.length === 0 ? [] : [outcomes(known)]),
    ...(fleets.length === 0 ? [] : [virtualTime(fleets, runs.length), byClass(fleets, runs.length), budgets(fleets, runs.length)]),
  ];
};

const outcomes = (runs: readonly StoredRun[]): Section => ({
  title: 'Outcomes of devices',
  lead: 'Sums over the rounds: devices that were asked, and their outcomes.',
  body: [
    table({
      caption: 'Outcomes',
      columns: [{ title: 'run' }, ...TITLES.map(numeric)],
      rows: runs.map(({ name, rounds }) => [name, ...OUTCOMES.map((column) => formatCount(sumOf(rounds, column)))]),
    }),
  ],
});

type Fleet = { readonly name: string; readonly fleet: FleetSummary };

const span = (seconds: number): string => formatMillis(seconds * 1000);

const virtualTime = (fleets: readonly Fleet[], runs: number): Section => ({
  title: 'Virtual time',
  lead: 'What it would have taken on the simulated devices, from being asked to the answer’s arrival.',
  body: [
    figure({
      title: 'Latency of answers',
      description: 'Virtual time of the answers that arrived, the slowest devices at the right.',
      x: { name: 'virtual time', scale: 'log', format: span },
      y: { name: 'share of answers (%)' },
      series: fleets.map(({ name, fleet: { latencySeconds } }) => ({
        kind: 'histogram',
        name: runs === 1 ? 'answers' : name,
        bins: latencySeconds.bins.map(({ from, to, count }) => ({ from, to, height: (100 * count) / latencySeconds.answers })),
      })),
    }),
    table({
      caption: 'Virtual latency',
      columns: [{ title: 'run' }, { title: 'rounds end by' }, ...['answers', 'mean', 'p50', 'p95', 'p99', 'max'].map(numeric)],
      rows: fleets.map(({ name, fleet: { policy, latencySeconds: l } }) => [
        name,
        policy,
        formatCount(l.answers),
        ...[l.mean, l.p50, l.p95, l.p99, l.max].map(span),
      ]),
    }),
  ],
});

const classRow = (sums: ProfileSums): string[] => [
  sums.name,
  formatCount(sums.devices),
  ...OUTCOMES.map((outcome) => formatCount(sums[outcome])),
  `${formatCount(Math.round(sums.energy))} J`,
  formatBytes(sums.bytesDown),
  formatBytes(sums.bytesUp),
];

const byClass = (fleets: readonly Fleet[], runs: number): Section => ({
  title: 'By device class',
  lead: 'How often devices of a class were asked, what became of it, and what it cost them. A device is counted each time it is asked.',
  body: fleets.map(({ name, fleet }) =>
    table({
      caption: runs === 1 ? 'Device classes' : `${name}: device classes`,
      columns: [{ title: 'class' }, ...['devices', ...TITLES, 'energy', 'down', 'up'].map(numeric)],
      rows: fleet.profiles.map(classRow),
    }),
  ),
});

const BUDGETS: Readonly<Record<Resource, readonly [title: string, description: string]>> = {
  memory: ['Memory', 'The model and the ratings of a device while it trains, against its limit.'],
  storage: ['Storage', 'The ratings of a device and its state between rounds, against its limit.'],
  dataPlan: ['Data plan', 'Bytes since the period began, against its allowance.'],
  battery: ['Battery', 'What was missing from a full battery.'],
  compute: ['Compute', 'The part of a device’s time that went into computing, not into sending and receiving.'],
};

/** How far up a budget's bin reaches; those of more than all of it are the last. */
const binNames = (bounds: readonly number[]): string[] => [...bounds.map((bound) => `≤ ${Math.round(100 * bound)}`), 'more'];

const shares = (counts: readonly number[]): number[] => {
  const all = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => (100 * count) / Math.max(1, all));
};

const added = (profiles: readonly ProfileSums[], resource: Resource): readonly number[] => {
  const all = profiles.map((profile) => profile.budgets[resource]);
  return all.reduce((sum, counts) => sum.map((count, bin) => count + counts[bin]!));
};

/** One run: a bar for each class. Several: one for each run, all classes together. */
const budgetChart = (fleets: readonly Fleet[], runs: number, resource: Resource): Chart => {
  const [title, description] = BUDGETS[resource];
  const bars =
    runs === 1
      ? fleets[0]!.fleet.profiles.map(({ name, budgets: { [resource]: counts } }) => ({ name, counts }))
      : fleets.map(({ name, fleet }) => ({ name, counts: added(fleet.profiles, resource) }));
  return {
    title,
    description,
    x: { name: 'share of the budget that was used (%)', categories: binNames(fleets[0]!.fleet.budgetBounds) },
    y: { name: 'share of devices asked (%)' },
    series: bars.map(({ name, counts }) => ({ kind: 'bar', name, values: shares(counts) })),
  };
};

/** Whether anybody has used more of it than the first bin holds. */
const isUsed = (fleets: readonly Fleet[], resource: Resource): boolean =>
  fleets.some(({ fleet }) =>
    added(fleet.profiles, resource)
      .slice(1)
      .some((devices) => devices > 0),
  );

const inWords = (names: readonly string[]): string =>
  [names.slice(0, -1).join(', '), names.at(-1)!].filter((part) => part !== '').join(' and ');

/** Charts of the budgets that somebody used, and a sentence on the others. */
const budgets = (fleets: readonly Fleet[], runs: number): Section => {
  const used = RESOURCES.filter((resource) => isUsed(fleets, resource));
  const idle = RESOURCES.filter((resource) => !used.includes(resource)).map((resource) => BUDGETS[resource][0].toLowerCase());
  const [least] = fleets[0]!.fleet.budgetBounds;
  return {
    title: 'Budgets',
    lead: `Used against budget, after each time a device was asked${runs === 1 ? ', by class' : ', all classes of a run together'}.`,
    body: [
      ...(used.length === 0 ? [] : [figures(used.map((resource) => budgetChart(fleets, runs, resource)))]),
      ...(idle.length === 0 ? [] : [html`<p>No device used more than ${Math.round(100 * least!)} % of its ${inWords(idle)}.</p>`]),
    ],
  };
};
