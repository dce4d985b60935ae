import type { ActivityGroup } from '../events/evaluation.js';
import { PHASES } from '../events/round.js';
import type { ErrorPair, Summary } from '../runs/folder/summary.js';
import { formatBytes, formatCount, formatError, formatMillis, formatPercent, formatRate, formatSpan, plural } from './format.js';

const WIDTH = 88;
const RULE = '-'.repeat(WIDTH);
const LABEL = 18;

/**
 * What a run ends with, for people: its error next to those of the baselines, and what it cost. Plain ASCII, at most 100 columns.
 * `folder` is where the results lie.
 */
export const renderTable = (summary: Summary, { folder }: { readonly folder?: string } = {}): string =>
  [RULE, ...heading(summary), RULE, ...errorTable(summary), RULE, ...costs(summary), RULE, ...closing(summary, folder)].join('\n');

const heading = ({ run, algorithm, dataset, devices, parameters }: Summary): string[] => [
  clip(
    `${algorithm} on ${dataset.name}: ${formatCount(devices)} devices, ${formatCount(dataset.items)} items, ${formatCount(parameters)} parameters`,
  ),
  clip(
    `ratings: ${formatCount(dataset.ratings.train)} train, ${formatCount(dataset.ratings.valid)} valid, ${formatCount(dataset.ratings.test)} test; run ${run}`,
  ),
];

/** A row of the error table. `best` is the run's own error at its best-validation epoch, which the others are held against. */
type ErrorRow = { readonly name: string; readonly score: ErrorPair | null; readonly verdict: string };

const errorTable = (summary: Summary): string[] => {
  const { best, last } = summary.test;
  const rows: ErrorRow[] = [
    {
      name: `${summary.algorithm}, best-validation epoch${summary.bestEpoch === null ? '' : ` (${summary.bestEpoch})`}`,
      score: best,
      verdict: '',
    },
    { name: `${summary.algorithm}, last epoch${summary.lastEpoch === null ? '' : ` (${summary.lastEpoch})`}`, score: last, verdict: '' },
    ...Object.entries(summary.baselines).map(([name, score]) => ({ name, score, verdict: verdict(best, score) })),
  ];
  const lowest = { mse: lowestOf(rows, 'mse'), mae: lowestOf(rows, 'mae') };
  const cell = (score: ErrorPair | null, measure: 'mse' | 'mae'): string => {
    const value = score?.[measure] ?? Number.NaN;
    return `${formatError(value)}${isSame(value, lowest[measure]) ? '*' : ' '}`.padStart(11);
  };
  const line = ({ name, score, verdict: text }: ErrorRow): string =>
    `${clip(name, 42).padEnd(42)}${cell(score, 'mse')}${cell(score, 'mae')}  ${text}`.trimEnd();
  return [
    `${'test error (* lowest)'.padEnd(42)}${'MSE '.padStart(11)}${'MAE '.padStart(11)}  MSE against the run's`,
    ...rows.map(line),
    ...groupRows(summary).map(line),
    ...conclusion(summary),
  ];
};

const GROUPS: Readonly<Record<ActivityGroup, string>> = {
  low: 'least active 5 %',
  medium: 'middling 5 %',
  high: 'most active 5 %',
};

/** The run's own error at its best-validation epoch, by activity: not for comparison with the rows above, nor starred. */
const groupRows = ({ algorithm, groups }: Summary): ErrorRow[] =>
  groups.map(({ group, devices, test }) => ({
    name: `${algorithm}, ${GROUPS[group]} (${plural(devices, 'device')})`,
    score: test.best,
    verdict: '',
  }));

/** Errors that print alike count as alike: a difference in the fifth decimal is no finding. */
const isSame = (a: number, b: number): boolean => Number.isFinite(a) && formatError(a) === formatError(b);

const lowestOf = (rows: readonly ErrorRow[], measure: 'mse' | 'mae'): number =>
  rows.reduce((lowest, { score }) => (score && score[measure] < lowest ? score[measure] : lowest), Number.POSITIVE_INFINITY);

const verdict = (own: ErrorPair | null, other: ErrorPair): string => {
  if (!own || !Number.isFinite(own.mse) || !Number.isFinite(other.mse)) return '';
  if (isSame(own.mse, other.mse)) return 'the same';
  const share = Math.abs(other.mse - own.mse) / own.mse;
  return other.mse < own.mse ? `lower by ${formatPercent(share)} (better)` : `higher by ${formatPercent(share)}`;
};

const conclusion = ({ algorithm, test, baselines }: Summary): string[] => {
  const own = test.best;
  if (!own) return ['No epoch has been evaluated.'];
  if (!Number.isFinite(own.mse)) return [`${algorithm} diverged: its error is not a number.`];
  const others = Object.entries(baselines).filter(([, score]) => Number.isFinite(score.mse));
  if (others.length === 0) return [];
  const better = others.filter(([, score]) => score.mse < own.mse && !isSame(score.mse, own.mse)).map(([name]) => clip(name, 42));
  const beaten = others.filter(([, score]) => own.mse < score.mse && !isSame(score.mse, own.mse)).length;
  const first = `${algorithm} has a lower MSE than ${beaten} of ${plural(others.length, 'baseline')}`;
  return wrap(better.length === 0 ? `${first}.` : `${first}; better than it: ${better.join(', ')}.`);
};

/** Nothing where every device that was asked trained, and time was the wall's. */
const askedRows = ({ assigned, refused, dropped, rejected, late, virtualSeconds, energy }: Summary['asked']): string[] => {
  const lost = { refused, dropped, rejected, late };
  const causes = Object.entries(lost).flatMap(([name, count]) => (count === 0 ? [] : [`${formatPercent(count / assigned)} ${name}`]));
  const asked = causes.length === 0 ? [] : [row('devices asked', [formatCount(assigned), ...causes].join(', '))];
  if (virtualSeconds === null) return asked;
  const spent = energy === null ? '' : `, ${formatCount(Math.round(energy))} J on the devices`;
  return [...asked, row('virtual time', `${formatSpan(virtualSeconds * 1000)}${spent}`)];
};

const costs = (summary: Summary): string[] => {
  const { bytes, latency, memory, rounds, updates, ratings } = summary;
  const { roundMillis, deviceMillis, phases } = latency;
  const seconds = (roundMillis.mean * rounds.measured) / 1000;
  const both = ({ down, up }: { readonly down: number; readonly up: number }): string =>
    `${formatBytes(down).padStart(8)} down ${formatBytes(up).padStart(8)} up`;
  const extras = [
    rounds.clipped > 0 && `${formatPercent(rounds.clipped / rounds.measured)} clipped`,
    rounds.retries > 0 && `retried ${formatCount(rounds.retries)}x`,
    summary.coordinators.lost > 0 && `coordinator lost ${plural(summary.coordinators.lost, 'time')}`,
    summary.hosts.lost > 0 && `${plural(summary.hosts.lost, 'host')} lost, ${formatCount(summary.hosts.restored)} restored`,
  ].filter((text) => text !== false);
  return [
    row(
      'rounds',
      [`${formatCount(rounds.total)} in ${plural(summary.epochs, 'epoch')}`, `${formatMillis(summary.wallMillis)} in all`, ...extras].join(
        ', ',
      ),
    ),
    ...(rounds.measured < rounds.total
      ? [row('', `costs cover ${formatCount(rounds.measured)} rounds: the counts of earlier ones are lost`)]
      : []),
    row(
      'updates',
      `${formatCount(updates)} by devices (${formatRate(updates / seconds)}/s), ${formatCount(ratings)} ratings (${formatRate(ratings / seconds)}/s)`,
    ),
    ...askedRows(summary.asked),
    row('bytes, training', both(bytes.training)),
    row('  per round', both(bytes.perRound)),
    row('  per device', both(bytes.perDevice)),
    row('bytes, evaluation', both(bytes.evaluation)),
    row('messages', formatCount(summary.messages)),
    row(
      'round',
      `mean ${formatMillis(roundMillis.mean)}, p50 ${formatMillis(roundMillis.p50)}, p95 ${formatMillis(roundMillis.p95)}, max ${formatMillis(roundMillis.max)}`,
    ),
    row('  spent on', PHASES.map((phase) => `${phase} ${formatPercent(phases[phase].share)}`).join(', ')),
    row(
      'device update',
      `p50 ${formatMillis(deviceMillis.p50)}, p95 ${formatMillis(deviceMillis.p95)}, p99 ${formatMillis(deviceMillis.p99)}`,
    ),
    row(
      'memory',
      `${formatBytes(memory.rssPeakBytes)} at most; generated models ${formatBytes(memory.residentModelBytesMax)} (${formatCount(memory.residentModelsMax)} at once)`,
    ),
  ];
};

const closing = ({ reason, resumedFrom, digest }: Summary, folder: string | undefined): string[] => {
  const resumed = resumedFrom.length === 0 ? '' : `, resumed after round ${resumedFrom.map(formatCount).join(', ')}`;
  return [
    row('end', `${reason}${resumed}`),
    ...(digest ? [row('digest', digest)] : []),
    ...(folder === undefined ? [] : [`${'results'.padEnd(LABEL)}${folder}`]),
  ];
};

const row = (label: string, text: string): string =>
  wrap(text, WIDTH - LABEL)
    .map((line, index) => `${(index === 0 ? label : '').padEnd(LABEL)}${line}`)
    .join('\n');

const clip = (text: string, width: number = WIDTH): string => (text.length <= width ? text : `${text.slice(0, width - 3)}...`);

/** Breaks after commas, semicolons and colons, so that a number stays with its name; a longer piece keeps its line to itself. */
const wrap = (text: string, width: number = WIDTH): string[] => {
  const lines: string[] = [];
  let line = '';
  for (const piece of text.split(/(?<=[,;:]) /)) {
    if (line !== '' && line.length + 1 + piece.length > width) {
      lines.push(line);
      line = piece;
    } else line = line === '' ? piece : `${line} ${piece}`;
  }
  return [...lines, line];
};
