import type { ActivityGroup, MetricValues } from '../events/evaluation.js';
import { isBetter, type Metric } from '../metrics/metric.js';
import { metricOf } from '../metrics/registry.js';
import type { Summary } from '../runs/folder/summary.js';
import { formatMetric, formatPercent, metricTitle, plural } from './format.js';
import { clip, wrap } from './text-layout.js';

/** A row of the table. `best` is the run's own score at its best-validation epoch, which the others are held against. */
type Row = { readonly name: string; readonly values: MetricValues | null; readonly verdict: string };

const NAME = 42;
/** Metrics next to the verdict, and in each block below it. */
const FIRST = 2;
const MORE = 4;

/** A run's test metrics at the best and the last epoch, its baselines', and its activity groups', the stopping metric first. */
export const metricTable = (summary: Summary): string[] => {
  const { metrics, stopOn } = summary;
  const [first, ...others] = [stopOn, ...metrics.filter((name) => name !== stopOn)].map((name) => metricOf(name));
  const compared = rowsOf(summary, first!);
  const groups = groupRows(summary);
  const block = (shown: readonly Metric[], title: string, aside: string): string[] => {
    const heads = shown.map(({ name }) => `${metricTitle(name)} `);
    const widths = heads.map((head) => Math.max(11, head.length + 1));
    const bests = shown.map((metric) => bestOf(compared, metric));
    const line = ({ name, values, verdict }: Row): string => {
      const cells = shown.map((metric, index) => {
        const value = values?.[metric.name] ?? null;
        return `${formatMetric(value)}${isSame(value, bests[index]!) ? '*' : ' '}`.padStart(widths[index]!);
      });
      return `${clip(name, NAME).padEnd(NAME)}${cells.join('')}${aside === '' ? '' : `  ${verdict}`}`.trimEnd();
    };
    const head = `${title.padEnd(NAME)}${heads.map((text, index) => text.padStart(widths[index]!)).join('')}  ${aside}`.trimEnd();
    return [head, ...compared.map(line), ...groups.map(line)];
  };
  const blocks = [
    block([first!, ...others.slice(0, FIRST - 1)], 'on test ratings (* best)', `${metricTitle(first!.name)} against the run's`),
  ];
  for (let at = FIRST - 1; at < others.length; at += MORE) blocks.push(block(others.slice(at, at + MORE), '', ''));
  return [
    ...blocks.flatMap((lines, index) => (index === 0 ? lines : ['', ...lines])),
    ...conclusion(summary, first!),
    ...privacyLine(summary),
  ];
};

const rowsOf = ({ algorithm, valid, test: { best, last }, bestEpoch, lastEpoch, baselines }: Summary, metric: Metric): Row[] => [
  // Without a validation value, the best epoch is the last one, and chosen by nothing.
  ...(valid.best !== null && Object.values(valid.best).every((value) => value === null)
    ? []
    : [{ name: `${algorithm}, best-validation epoch${bestEpoch === null ? '' : ` (${bestEpoch})`}`, values: best, verdict: '' }]),
  { name: `${algorithm}, last epoch${lastEpoch === null ? '' : ` (${lastEpoch})`}`, values: last, verdict: '' },
  ...Object.entries(baselines).map(([name, values]) => ({
    name,
    values,
    verdict: verdictOf(metric, best?.[metric.name] ?? null, values[metric.name] ?? null),
  })),
];

const GROUPS: Readonly<Record<ActivityGroup, string>> = {
  low: 'least active 5 %',
  medium: 'middling 5 %',
  high: 'most active 5 %',
};

/** The run's own score at its best-validation epoch, by activity: not for comparison with the rows above, nor starred. */
const groupRows = ({ algorithm, groups }: Summary): Row[] =>
  groups.map(({ group, devices, test }) => ({
    name: `${algorithm}, ${GROUPS[group]} (${plural(devices, 'device')})`,
    values: test.best,
    verdict: '',
  }));

const isNumber = (value: number | null): value is number => value !== null && Number.isFinite(value);

/** Values that print alike count as alike: a difference in the fifth decimal is no finding. */
const isSame = (a: number | null, b: number | null): boolean => isNumber(a) && formatMetric(a) === formatMetric(b);

const bestOf = (rows: readonly Row[], metric: Metric): number | null =>
  rows.reduce<number | null>((best, { values }) => {
    const value = values?.[metric.name] ?? null;
    return isBetter(metric, value, best) ? value : best;
  }, null);

const verdictOf = (metric: Metric, own: number | null, other: number | null): string => {
  if (!isNumber(own) || !isNumber(other)) return '';
  if (isSame(own, other)) return 'the same';
  const share = own === 0 ? '' : ` by ${formatPercent(Math.abs((other - own) / own))}`;
  return `${other < own ? 'lower' : 'higher'}${share}${isBetter(metric, other, own) ? ' (better)' : ''}`;
};

/** One line of what noise has spent, where there is any. */
const privacyLine = ({ privacy = null }: Summary): string[] => {
  if (privacy === null) return [];
  const { epsilon, delta, protects } = privacy;
  return [
    `Privacy of ${protects}: ${epsilon === null ? 'no guarantee' : `ε ${epsilon.toPrecision(3)} at δ ${delta}`}, with the user as the unit.`,
  ];
};

const conclusion = ({ algorithm, test, baselines }: Summary, metric: Metric): string[] => {
  if (test.best === null) return ['No epoch has been evaluated.'];
  const own = test.best[metric.name] ?? null;
  const title = metricTitle(metric.name);
  if (own === null) return [`${algorithm} has no ${title}: nothing was measured on the test part.`];
  if (!isNumber(own)) return [`${algorithm} diverged: its ${title} is not a number.`];
  const others = Object.entries(baselines).flatMap(([name, values]) => {
    const value = values[metric.name] ?? null;
    return isNumber(value) ? [{ name, value }] : [];
  });
  if (others.length === 0) return [];
  const differing = others.filter(({ value }) => !isSame(value, own));
  const better = differing.filter(({ value }) => isBetter(metric, value, own)).map(({ name }) => clip(name, NAME));
  const beaten = differing.length - better.length;
  const first = `${algorithm} has a ${metric.better} ${title} than ${beaten} of ${plural(others.length, 'baseline')}`;
  return wrap(better.length === 0 ? `${first}.` : `${first}; better than it: ${better.join(', ')}.`);
};
