import type { Frame, LogLine, OutcomeCounts, ProfileCard } from '../live/frame.js';
import type { Model } from './connection.js';
import { byId, element, setText } from './dom.js';
import { count, error, metricTitle, millis, percent, short, size, span, words } from './format.js';

const STATES: Readonly<Record<Frame['state'], string>> = {
  starting: 'starting',
  running: 'running',
  completed: 'completed',
  'early-stopped': 'stopped early',
  'budget-spent': 'privacy budget spent',
  interrupted: 'interrupted',
  failed: 'failed',
};

const isOver = (state: Frame['state']): boolean => state !== 'starting' && state !== 'running';

export const showState = (model: Model | undefined, lost: boolean): void => {
  const pill = byId('state');
  const over = model !== undefined && isOver(model.frame.state);
  const state = lost && !over ? 'lost' : (model?.frame.state ?? 'connecting');
  if (pill.dataset['state'] !== state) pill.dataset['state'] = state;
  setText(pill, state === 'lost' ? 'no connection' : state === 'connecting' ? state : STATES[state]);
  if (model === undefined) return;
  const { run, frame } = model;
  setText(byId('name'), run.name);
  if (document.title !== `${run.name} · metafleet`) document.title = `${run.name} · metafleet`;
  const { algorithm, data, devices, items, parameters, policy } = run;
  const sizes = devices > 0 ? `, ${count(devices)} devices, ${count(items)} items, ${short(parameters)} parameters` : '';
  setText(byId('about'), `${algorithm} on ${data}${sizes}${policy === null ? '' : `, rounds: ${policy}`}`);
  const done = run.rounds > 0 ? Math.min(100, (100 * frame.round) / run.rounds) : 0;
  byId('progress-bar').style.width = `${done}%`;
  byId('progress').setAttribute('aria-valuenow', done.toFixed(0));
};

const privacyFacts = ({ privacy }: Frame): readonly (readonly [string, string, string])[] =>
  privacy === null
    ? []
    : [['Privacy ε', privacy.epsilon === null ? 'none' : privacy.epsilon.toPrecision(3), `δ ${privacy.delta}, of ${privacy.protects}`]];

export const showTiles = ({ run, frame, scores }: Model): void => {
  const best = scores.filter((score) => score.best).at(-1);
  const left = frame.roundsPerSecond > 0 ? ((run.rounds - frame.round) * 1000) / frame.roundsPerSecond : 0;
  const facts: readonly (readonly [string, string, string])[] = [
    ['Round', count(frame.round), `${run.rounds > 0 ? `of ${count(run.rounds)}, ` : ''}epoch ${frame.epoch}`],
    ['Speed', `${frame.roundsPerSecond.toFixed(frame.roundsPerSecond < 10 ? 1 : 0)}/s`, `${millis(frame.roundMillis)} a round`],
    ['Time', span(frame.elapsed), isOver(frame.state) ? 'ended' : left > 0 ? `${span(left)} left at most` : ''],
    ['Train loss', error(frame.loss), `gradient norm ${frame.gradientNorm === null ? '–' : frame.gradientNorm.toPrecision(3)}`],
    [
      `Test ${metricTitle(run.stopOn)}`,
      error(best?.test[run.stopOn] ?? null),
      best === undefined ? 'not measured yet' : `at the best epoch, ${best.epoch}`,
    ],
    ['Sent down', size(frame.bytes.down), `${size(frame.bytes.down / Math.max(1, run.devices))} a device`],
    ['Sent up', size(frame.bytes.up), `${size(frame.bytes.up / Math.max(1, run.devices))} a device`],
    ...privacyFacts(frame),
    ['Models held', count(frame.residentModels), size(frame.residentBytes)],
  ];
  const box = byId('tiles');
  if (box.childElementCount !== facts.length) {
    box.replaceChildren(
      ...facts.map(([name]) => element('div', {}, element('dt', {}, name), element('dd', {}, element('span'), element('small')))),
    );
  }
  facts.forEach(([name, value, note], index) => {
    setText(box.children[index]!.querySelector('dt')!, name);
    const [text, small] = box.children[index]!.querySelector('dd')!.children;
    setText(text!, value);
    setText(small!, note);
  });
};

const MARKS = ['--c1', '--c2', '--c3', '--c4', '--c5'];

export const showPhases = ({ phases, roundMillis }: Frame): void => {
  const names = Object.keys(phases);
  const [stack, legend] = [byId('phases'), byId('phases-legend')];
  if (stack.childElementCount !== names.length) {
    stack.replaceChildren(...names.map(() => element('div')));
    legend.replaceChildren(...names.map((name) => element('div', {}, element('dt', {}, name), element('dd'))));
    names.forEach((_, index) => {
      (stack.children[index] as HTMLElement).style.background = `var(${MARKS[index % MARKS.length]})`;
      (legend.children[index] as HTMLElement).style.setProperty('--mark', `var(${MARKS[index % MARKS.length]})`);
    });
  }
  const total = Object.values(phases).reduce((sum, time) => sum + time, 0);
  names.forEach((name, index) => {
    const share = total > 0 ? phases[name]! / total : 0;
    (stack.children[index] as HTMLElement).style.flexGrow = String(Math.max(0, share));
    setText(legend.children[index]!.lastElementChild!, `${millis(phases[name]!)}\n${percent(share)}`);
  });
  stack.setAttribute(
    'aria-label',
    `A round takes ${millis(roundMillis)}: ${names.map((name) => `${name} ${millis(phases[name]!)}`).join(', ')}`,
  );
};

const sum = (causes: Readonly<Record<string, number>>): number => Object.values(causes).reduce((total, devices) => total + devices, 0);
const causes = (of: Readonly<Record<string, number>>): string =>
  Object.entries(of)
    .sort(([, a], [, b]) => b - a)
    .map(([cause, devices]) => `${cause} ${short(devices)}`)
    .join(', ');

/** Bars of the whole run: the devices that were asked, and their outcomes. */
export const showOutcomes = ({ totals }: Frame): void => {
  const { assigned, trained, refused, dropped, rejected, late } = totals satisfies OutcomeCounts;
  const rows: readonly (readonly [string, number, string, string])[] = [
    ['asked', assigned, '', '--c6'],
    ['trained', trained, '', '--c3'],
    ['refused', sum(refused), causes(refused), '--c2'],
    ['dropped', sum(dropped), causes(dropped), '--c2'],
    ['rejected', sum(rejected), causes(rejected), '--c2'],
    ['late', late, '', '--c5'],
  ];
  const box = byId('outcomes');
  if (box.childElementCount === 0) {
    const bars = element('div', { class: 'bars' });
    for (const [name, , , mark] of rows) {
      const fill = element('div', { class: 'fill' });
      fill.style.setProperty('--mark', `var(${mark})`);
      bars.append(element('span', {}, name), element('div', { class: 'track' }, fill), element('span', { class: 'number' }));
    }
    box.append(bars);
  }
  const cells = box.firstElementChild!.children;
  rows.forEach(([, devices, why], index) => {
    const [track, number] = [cells[3 * index + 1]!, cells[3 * index + 2]!];
    (track.firstElementChild as HTMLElement).style.width = assigned > 0 ? `${(100 * devices) / assigned}%` : '0';
    setText(number, `${short(devices)}${assigned > 0 && index > 0 ? ` · ${percent(devices / assigned)}` : ''}`);
    if (track.getAttribute('title') !== why) track.setAttribute('title', why);
  });
};

const SHARE = (bounds: readonly number[], index: number): string => (index < bounds.length ? `up to ${percent(bounds[index]!)}` : 'more');

const bins = (name: string, values: readonly number[], bounds: readonly number[]): HTMLElement => {
  const most = Math.max(1, ...values);
  const text = values.map((devices, index) => `${SHARE(bounds, index)}: ${short(devices)}`).join('; ');
  const chart = element('div', { class: 'bins', role: 'img', 'aria-label': `${name} used, by share of the budget: ${text}`, title: text });
  for (const devices of values) {
    const bar = element('div');
    bar.style.height = `${(100 * devices) / most}%`;
    chart.append(bar);
  }
  return chart;
};

let shownClasses = '';
export const showClasses = (profiles: readonly ProfileCard[]): void => {
  if (profiles.length === 0) return;
  const now = JSON.stringify(profiles);
  if (now === shownClasses) return;
  shownClasses = now;
  const resources = Object.keys(profiles.find(({ budgets }) => Object.keys(budgets).length > 0)?.budgets ?? {});
  const header = [
    'Class',
    'Devices',
    'Asked',
    'Trained',
    'Lost',
    'Energy',
    'Bytes',
    ...resources.map((name) => `${words(name)[0]!.toUpperCase()}${words(name).slice(1)} used`),
  ];
  const rows = profiles.map((profile) =>
    element(
      'tr',
      {},
      element('th', { scope: 'row' }, profile.name),
      ...[
        count(profile.devices),
        short(profile.assigned),
        profile.assigned > 0 ? percent(profile.trained / profile.assigned) : '–',
        profile.assigned > 0 ? percent(profile.lost / profile.assigned) : '–',
        `${short(profile.energy)} J`,
        size(profile.bytes),
      ].map((text) => element('td', { class: 'number' }, text)),
      ...resources.map((name) => element('td', {}, bins(name, profile.budgets[name] ?? [], profile.bounds))),
    ),
  );
  const table = element(
    'table',
    { class: 'data' },
    element(
      'thead',
      {},
      element(
        'tr',
        {},
        ...header.map((title, index) => element('th', { scope: 'col', ...(index > 0 && index < 7 ? { class: 'number' } : {}) }, title)),
      ),
    ),
    element('tbody', {}, ...rows),
  );
  const { bounds } = profiles[0]!;
  const steps = `${bounds
    .slice(0, -1)
    .map((bound) => Math.round(100 * bound))
    .join(', ')} and ${Math.round(100 * bounds.at(-1)!)} %`;
  byId('classes').replaceChildren(
    element('p', { class: 'faint' }, `Bars count devices by how much of a budget they had used when asked: up to ${steps}, and more.`),
    element('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Device classes' }, table),
  );
};

let shownLine: LogLine | undefined;
export const showLog = (lines: readonly LogLine[]): void => {
  const latest = lines.at(-1);
  if (latest === shownLine) return;
  shownLine = latest;
  // It scrolls: by keyboard, too.
  byId('log').tabIndex = 0;
  byId('log').replaceChildren(
    ...lines
      .toReversed()
      .map(({ elapsed, level, text }) =>
        element('li', { 'data-level': level }, element('time', {}, span(elapsed)), element('span', {}, text)),
      ),
  );
};
