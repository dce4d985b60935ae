import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { DASHBOARDS } from '../../dashboards/all.js';
import { figureOf, RULE_FILES, readRules } from '../../dashboards/rules.js';
import { type Prometheus, promtool, RATE_INTERVAL, startPrometheus } from './prometheus.js';
import { startWatchedRun, WATCHED, type WatchedRun } from './watched-run.js';

/** A question that a panel, an annotation or a rule asks, and what a real Prometheus answered. */
export type Answer = {
  readonly place: string;
  readonly title: string;
  readonly legend: string;
  readonly expr: string;
  readonly series: number;
  /** The last number of the first series that has one. */
  readonly last: number | undefined;
  /** What is wrong: Prometheus' error, or that there is nothing to see. */
  readonly fault?: string;
};

export type Report = { readonly answers: readonly Answer[]; readonly faults: readonly string[] };

/** How long data may take to arrive; a machine that is busy with other things needs some of it. */
const PATIENCE_MILLIS = 300_000;
const POLL_MILLIS = 500;
/** Rules look back five minutes; panels are looked at over all the time the check can take. */
const RANGE_SECONDS = 900;

/** What must have happened before panels are looked at: a 0 would fill them as well. */
const HAPPENS = ['metafleet_device_refusals_total', 'metafleet_devices_dropped_total', 'metafleet_updates_rejected_total'];

type Question = Pick<Answer, 'place' | 'title' | 'legend' | 'expr'>;

/** From the compiled dashboards, since it is them that Grafana reads. */
const questionsOf = (): Question[] => [
  ...DASHBOARDS.flatMap(({ uid }) => {
    const dashboard = JSON.parse(readFileSync(`dashboards/grafana/${uid}.json`, 'utf8')) as Compiled;
    const place = dashboard.title;
    return [
      ...dashboard.annotations.list.flatMap(({ name, expr }) =>
        expr === undefined ? [] : [{ place, title: `annotation: ${name}`, legend: '', expr }],
      ),
      ...dashboard.panels.flatMap(({ title, targets = [] }) =>
        targets.map(({ expr, legendFormat }) => ({ place, title, legend: legendFormat, expr })),
      ),
    ];
  }),
  ...readRules().map((rule) => {
    const expr = rule.kind === 'alert' ? figureOf(rule) : rule.expr;
    return { place: `${rule.kind} rules`, title: rule.name, legend: '', expr };
  }),
];

type Compiled = {
  readonly title: string;
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr?: string }[] };
  readonly panels: readonly {
    readonly title: string;
    readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
};

/** Fills in what Grafana would. */
const filledIn = (expr: string): string =>
  expr
    .replaceAll('$__rate_interval', RATE_INTERVAL)
    .replaceAll('$__interval', RATE_INTERVAL)
    .replaceAll('$run', WATCHED)
    .replaceAll('$metric', '.+');

const ask = async (prometheus: Prometheus, { place, title, legend, expr }: Question): Promise<Answer> => {
  const question = { place, title, legend, expr };
  try {
    const found = await prometheus.range(filledIn(expr), RANGE_SECONDS);
    const numbers = found.map(({ values }) => values.findLast(Number.isFinite)).filter((value) => value !== undefined);
    const last = numbers[0];
    return { ...question, series: found.length, last, ...(last === undefined ? { fault: 'no data' } : {}) };
  } catch (error) {
    return { ...question, series: 0, last: undefined, fault: String(error) };
  }
};

const scrape = async ({ url, token }: WatchedRun): Promise<string> => {
  const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  if (!response.ok) throw new Error(`/metrics answered ${response.status}`);
  return response.text();
};

/** Polls until `done` holds of what `look` sees, or patience ends; returns the last look. */
const until = async <Seen>(look: () => Promise<Seen>, done: (seen: Seen) => boolean): Promise<Seen> => {
  const end = Date.now() + PATIENCE_MILLIS;
  for (;;) {
    const seen = await look();
    if (done(seen) || Date.now() > end) return seen;
    await wait(POLL_MILLIS);
  }
};

const watch = async (run: WatchedRun, prometheus: Prometheus): Promise<Report> => {
  const latest = async (expr: string): Promise<number> => (await ask(prometheus, { place: '', title: '', legend: '', expr })).last ?? 0;
  // The losses are counted from what was scraped before them.
  await until(
    () => latest('max(count_over_time(metafleet_hosts_lost_total[1m]))'),
    (scrapes) => scrapes >= 3,
  );
  run.killHost();
  const restored = await until(
    () => latest('max(metafleet_hosts_restored_total)'),
    (count) => count >= 1,
  );
  const missing: string[] = [];
  for (const counter of HAPPENS) {
    if (
      (await until(
        () => latest(`sum(${counter})`),
        (count) => count >= 1,
      )) < 1
    )
      missing.push(`${counter}: still 0`);
  }
  const linted = promtool(['check', 'metrics'], await scrape(run));
  let answers: readonly Answer[] = questionsOf().map((question) => ({ ...question, series: 0, last: undefined, fault: 'not asked' }));
  await until(
    async () => {
      answers = await Promise.all(answers.map((answer) => (answer.fault === undefined ? answer : ask(prometheus, answer))));
      return answers;
    },
    (all) => all.every(({ fault }) => fault === undefined),
  );
  const firing = await until(
    () => prometheus.firing(),
    (names) => names.includes('MetafleetHostLost'),
  );
  return {
    answers,
    faults: [
      ...(restored >= 1 ? [] : ['the host that was killed did not come back']),
      ...missing,
      ...(linted === undefined ? [] : [linted]),
      ...(firing.includes('MetafleetHostLost')
        ? []
        : [`a host was lost, and MetafleetHostLost does not fire (${firing.join(', ') || 'nothing does'})`]),
      ...answers.flatMap((answer) => (answer.fault === undefined ? [] : [describe(answer)])),
    ],
  };
};

const describe = ({ place, title, legend, expr, fault }: Answer): string =>
  `${[place, title, legend].filter((part) => part !== '').join(', ')}: ${fault}: ${expr.replace(/\s+/g, ' ')}`;

/** Runs a fleet, and a run with noise, under a real Prometheus and asks everything that dashboards and rules ask. Leaves nothing behind. */
export const checkDashboards = async (): Promise<Report> => {
  const rules = [promtool(['check', 'rules', ...RULE_FILES]), promtool(['test', 'rules', 'dashboards/rules/rules.test.yaml'])];
  const wrong = rules.filter((text) => text !== undefined);
  if (wrong.length > 0) return { answers: [], faults: wrong };
  const folder = mkdtempSync(path.join(tmpdir(), 'metafleet-dashboards-'));
  const runs: WatchedRun[] = [];
  let prometheus: Prometheus | undefined;
  try {
    const fleet = await startWatchedRun('fleet', folder);
    runs.push(fleet);
    const noisy = await startWatchedRun('private', folder);
    runs.push(noisy);
    prometheus = await startPrometheus(folder, runs);
    return await Promise.race([watch(fleet, prometheus), fleet.failure, noisy.failure]);
  } finally {
    await Promise.all([prometheus?.close(), ...runs.map((run) => run.close())]);
    rmSync(folder, { recursive: true, force: true });
  }
};
