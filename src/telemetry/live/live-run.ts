import type { EpochFinished, Score } from '../../events/evaluation.js';
import { BUDGET_BOUNDS, type Outcomes } from '../../events/outcomes.js';
import { PHASES, type RoundFinished } from '../../events/round.js';
import type { RunEvent, RunStarted } from '../../events/run-event.js';
import { bytesOf } from '../../events/traffic.js';
import { PREFERRED_METRIC } from '../../runs/config/config.js';
import { createFleetMap, type FleetMapBuilder } from './fleet-map.js';
import type { Frame, LogLine, OutcomeCounts, ProfileCard, RunCard, ScorePoint, Snapshot } from './frame.js';
import { createHistory, type HistoryBuilder, MOST_POINTS } from './history.js';

/** What is known of a run before it says so itself. */
export type RunName = Pick<RunCard, 'name' | 'algorithm' | 'data'>;

/** A run's events folded into what the live page shows. Memory is bounded, whatever the run's length and the fleet's size. */
export type LiveRun = {
  observe(event: RunEvent): void;
  /** What happened since the last call. */
  takeFrame(): Frame;
  /** Everything so far, up to the last frame that was taken. */
  snapshot(): Snapshot;
  fail(reason: string): void;
};

export type LiveRunOptions = {
  /** Devices whose flights are recorded, of a fleet of this size. */
  readonly recorded: (devices: number) => readonly number[];
  /** Milliseconds on any clock. */
  readonly now?: () => number;
};

const MOST_LINES = 200;
const MOST_EXAMPLES = 5;
/** The round rate is taken over this long. */
const RATE_MILLIS = 3000;

type Counts = {
  assigned: number;
  trained: number;
  late: number;
  refused: Record<string, number>;
  dropped: Record<string, number>;
  rejected: Record<string, number>;
};
const noCounts = (): Counts => ({ assigned: 0, trained: 0, late: 0, refused: {}, dropped: {}, rejected: {} });
const count = (into: Counts, from: Outcomes): void => {
  into.assigned += from.assigned;
  into.trained += from.trained;
  into.late += from.late;
  for (const fate of ['refused', 'dropped', 'rejected'] as const) {
    for (const [cause, devices] of Object.entries(from[fate])) into[fate][cause] = (into[fate][cause] ?? 0) + devices;
  }
};

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

const finiteIn = ({ metrics }: Score): Record<string, number | null> =>
  Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, value === null ? null : finite(value)]));

const UNKNOWN = { stopOn: '', isLoss: false };

/** Sums over the rounds of one frame. */
const newWindow = () => ({
  rounds: 0,
  clipped: 0,
  millis: 0,
  phases: Object.fromEntries(PHASES.map((phase) => [phase, 0])),
  outcomes: noCounts(),
});

export const createLiveRun = (name: RunName, { recorded, now = () => performance.now() }: LiveRunOptions): LiveRun => {
  const begun = now();
  const elapsed = (): number => now() - begun;
  let run: RunCard = {
    ...name,
    devices: 0,
    items: 0,
    parameters: 0,
    rounds: 0,
    epochs: 0,
    policy: null,
    ...UNKNOWN,
    recorded: 0,
    examples: [],
  };
  let newRun = false;
  let state: Frame['state'] = 'starting';
  let last: RoundFinished | undefined;
  let reached = { round: 0, epoch: 0 };
  let window = newWindow();
  const totals = noCounts();
  const bytes = { down: 0, up: 0 };
  const rates: { at: number; round: number }[] = [];
  const history: HistoryBuilder = createHistory();
  let scores: ScorePoint[] = [];
  let newScores: ScorePoint[] = [];
  let log: LogLine[] = [];
  let newLog: LogLine[] = [];
  let map: FleetMapBuilder | undefined;
  const profiles = new Map<string, ProfileCard>();
  let shown: Frame | undefined;

  const say = (level: LogLine['level'], text: string): void => {
    const line = { elapsed: elapsed(), level, text };
    log = [...log, line].slice(-MOST_LINES);
    newLog = [...newLog, line].slice(-MOST_LINES);
  };
  const onStart = (event: RunStarted): void => {
    const { devices, items, parameters, rounds, ends, epochs, round, fleet, stopOn } = event;
    const known = recorded(devices);
    run = {
      ...name,
      devices,
      items,
      parameters,
      rounds: ends === null ? rounds : 0,
      epochs,
      policy: fleet?.policy ?? null,
      stopOn,
      isLoss: stopOn === PREFERRED_METRIC,
      recorded: known.length,
      examples: known.slice(0, MOST_EXAMPLES),
    };
    newRun = true;
    reached = { round, epoch: 0 };
    state = 'running';
    map = createFleetMap(devices);
    for (const profile of fleet?.profiles ?? []) {
      profiles.set(profile.name, { ...profile, assigned: 0, trained: 0, lost: 0, energy: 0, bytes: 0, budgets: {}, bounds: BUDGET_BOUNDS });
    }
    say('note', round === 0 ? 'The run began.' : `The run was taken up after round ${round}.`);
  };
  const onRound = (event: RoundFinished): void => {
    last = event;
    reached = event;
    window.rounds++;
    window.clipped += event.clipped ? 1 : 0;
    window.millis += event.millis;
    for (const phase of PHASES) window.phases[phase]! += event.phases[phase];
    count(window.outcomes, event.outcomes);
    count(totals, event.outcomes);
    const spent = bytesOf(event.traffic);
    bytes.down += spent.down;
    bytes.up += spent.up;
    history.add(event, spent);
    map?.add(event.map);
    for (const profile of event.virtual?.profiles ?? []) {
      const before = profiles.get(profile.name);
      if (!before) continue;
      const { assigned, trained, refused, dropped, rejected, late, energy, bytesDown, bytesUp, budgets } = profile;
      profiles.set(profile.name, {
        ...before,
        assigned: before.assigned + assigned,
        trained: before.trained + trained,
        lost: before.lost + refused + dropped + rejected + late,
        energy: before.energy + energy,
        bytes: before.bytes + bytesDown + bytesUp,
        budgets: assigned === 0 ? before.budgets : budgets,
      });
    }
    if (event.retries > 0) say('bad', `Round ${event.round} was run again after a lost host.`);
    for (const reason of event.rejections) say('bad', `Round ${event.round}: ${reason}`);
  };
  const onEpoch = ({ epoch, round, valid, test, best }: EpochFinished): void => {
    const point = { round, epoch, valid: finiteIn(valid), test: finiteIn(test), best };
    scores = thinScores([...scores, point]);
    newScores = [...newScores, point].slice(-MOST_POINTS);
    const value = point.valid[run.stopOn] ?? null;
    if (best && value !== null) say('good', `Epoch ${epoch}: best validation ${run.stopOn.toUpperCase()} so far, ${value.toFixed(4)}.`);
  };
  const roundsPerSecond = (): number => {
    const time = now();
    rates.push({ at: time, round: reached.round });
    while (rates.length > 2 && rates[1]!.at < time - RATE_MILLIS) rates.shift();
    const first = rates[0]!;
    return time > first.at ? ((reached.round - first.round) * 1000) / (time - first.at) : 0;
  };

  const frameNow = (added: Frame['added']): Frame => {
    const rounds = Math.max(1, window.rounds);
    const same = window.rounds === 0 ? shown : undefined;
    return {
      state,
      elapsed: elapsed(),
      round: reached.round,
      epoch: reached.epoch,
      roundsPerSecond: roundsPerSecond(),
      roundMillis: same?.roundMillis ?? window.millis / rounds,
      phases: same?.phases ?? Object.fromEntries(PHASES.map((phase) => [phase, window.phases[phase]! / rounds])),
      loss: last === undefined ? null : finite(last.loss),
      gradientNorm: last === undefined ? null : finite(last.gradientNorm),
      bytes: { ...bytes },
      outcomes: same?.outcomes ?? window.outcomes,
      totals: structuredClone(totals) satisfies OutcomeCounts,
      residentModels: last?.residentModels ?? 0,
      residentBytes: last?.residentBytes ?? 0,
      clippedShare: same?.clippedShare ?? window.clipped / rounds,
      map: map?.take() ?? null,
      profiles: [...profiles.values()],
      added,
    };
  };
  const takeFrame = (): Frame => {
    const frame = frameNow({ run: newRun ? run : null, ...history.takeAdded(), scores: newScores, log: newLog });
    newRun = false;
    newScores = [];
    newLog = [];
    shown = frame;
    window = newWindow();
    return frame;
  };

  return {
    observe: (event) => {
      switch (event.type) {
        case 'run-started':
          return onStart(event);
        case 'round':
          return onRound(event);
        case 'epoch':
          return onEpoch(event);
        case 'host-lost':
          return say('bad', `Host ${event.host} was lost: ${event.reason}`);
        case 'host-restored':
          return say('good', `Host ${event.host} is back, with ${event.devices} devices.`);
        case 'checkpoint':
          return say('note', `A checkpoint was written after round ${event.round}.`);
        case 'checkpoint-failed':
          return say('bad', `No checkpoint could be written after round ${event.round}: ${event.reason}`);
        case 'checkpoint-refused':
          return say('bad', `A checkpoint is damaged; the run goes on from one of round ${event.round}: ${event.reason}`);
        case 'coordinator-lost':
          return say('bad', `The coordinator was lost: ${event.reason}`);
        case 'coordinator-restored':
          return say('good', `The coordinator is back, after round ${event.round}.`);
        case 'run-finished':
          state = event.reason;
          return say('note', `The run ended: ${event.reason}.`);
        default:
          event satisfies never;
      }
    },
    takeFrame,
    snapshot: () => {
      const frame = shown ?? takeFrame();
      const nothing = { run: null, history: createHistory().all(), whole: false, scores: [], log: [] };
      return { run, frame: { ...frame, added: nothing }, history: history.all(), scores, log };
    },
    fail: (reason) => {
      state = 'failed';
      say('bad', `The run failed: ${reason}`);
    },
  };
};

/** Every other one goes when there are too many, the best ones last. */
const thinScores = (scores: ScorePoint[]): ScorePoint[] =>
  scores.length < MOST_POINTS
    ? scores
    : scores.filter(({ best }, index) => index % 2 === 1 || (best && index > scores.length - MOST_POINTS / 2));
