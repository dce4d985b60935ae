import { PHASES } from '../events/round.js';
import type { Summary } from '../runs/folder/summary.js';
import { formatBytes, formatCount, formatMillis, formatPercent, formatRate, formatSpan, plural } from './format.js';
import { metricTable } from './metric-table.js';
import { clip, WIDTH, wrap } from './text-layout.js';

const RULE = '-'.repeat(WIDTH);
const LABEL = 18;

/**
 * The end of a run, for people: its metrics next to those of the baselines, and its cost. Plain ASCII, at most 100 columns.
 * `folder` is where the results lie.
 */
export const renderTable = (summary: Summary, { folder }: { readonly folder?: string } = {}): string =>
  [RULE, ...heading(summary), RULE, ...metricTable(summary), RULE, ...costs(summary), RULE, ...closing(summary, folder)].join('\n');

/** Nothing was sent, and no device took part: the run trained a central model. */
const isCentral = ({ messages, updates }: Pick<Summary, 'messages' | 'updates'>): boolean => messages === 0 && updates === 0;

const heading = ({ run, algorithm, dataset, devices, parameters, messages, updates }: Summary): string[] => [
  clip(
    `${algorithm} on ${dataset.name}: ${formatCount(devices)} ${isCentral({ messages, updates }) ? 'users' : 'devices'}, ${formatCount(dataset.items)} items, ${formatCount(parameters)} parameters`,
  ),
  clip(
    `ratings: ${formatCount(dataset.ratings.train)} train, ${formatCount(dataset.ratings.valid)} valid, ${formatCount(dataset.ratings.test)} test; run ${run}`,
  ),
];

/** Nothing where every device that was asked trained, and time was the wall's. */
const askedRows = ({ assigned, refused, dropped, rejected, late, virtualSeconds, energy }: Summary['asked']): string[] => {
  const lost = { refused, dropped, rejected, late };
  const causes = Object.entries(lost).flatMap(([name, count]) => (count === 0 ? [] : [`${formatPercent(count / assigned)} ${name}`]));
  const asked = causes.length === 0 ? [] : [row('devices asked', [formatCount(assigned), ...causes].join(', '))];
  if (virtualSeconds === null) return asked;
  const spent = energy === null ? '' : `, ${formatCount(Math.round(energy))} J on the devices`;
  return [...asked, row('virtual time', `${formatSpan(virtualSeconds * 1000)}${spent}`)];
};

const centralCosts = ({ latency: { roundMillis }, memory, rounds, ratings, wallMillis, coordinators }: Summary): string[] => {
  const seconds = (roundMillis.mean * rounds.measured) / 1000;
  const lost = coordinators.lost > 0 ? `, thread lost ${plural(coordinators.lost, 'time')}` : '';
  return [
    row('training', `${plural(rounds.total, 'epoch')} in one thread, ${formatMillis(wallMillis)} in all${lost}`),
    row('ratings', `${formatCount(ratings)} (${formatRate(ratings / seconds)}/s); nothing was sent`),
    row(
      'epoch',
      `mean ${formatMillis(roundMillis.mean)}, p50 ${formatMillis(roundMillis.p50)}, p95 ${formatMillis(roundMillis.p95)}, max ${formatMillis(roundMillis.max)}`,
    ),
    row('memory', `${formatBytes(memory.rssPeakBytes)} at most`),
  ];
};

const costs = (summary: Summary): string[] => {
  if (isCentral(summary)) return centralCosts(summary);
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
