import type { Score } from '../../events/evaluation.js';
import type { RoundFinished } from '../../events/round.js';
import type { RunEvent, RunStarted } from '../../events/run-event.js';
import { PREFERRED_METRIC } from '../../runs/config/config.js';
import { createFleetMap, type FleetMapBuilder } from './fleet-map.js';
import type { Frame, LogLine, RunCard, ScorePoint, Snapshot } from './frame.js';
import { createHistory, type HistoryBuilder, MOST_POINTS } from './history.js';
import { createLiveSums } from './live-sums.js';

/** The facts of a run that are known before its first event. */
export type RunName = Pick<RunCard, 'name' | 'algorithm' | 'data'>;

/** A run's events, folded into the data of the live page. Memory is bounded for any length of the run and any size of the fleet. */
export type LiveRun = {
  observe(event: RunEvent): void;
  /** The changes since the last call. */
  takeFrame(): Frame;
  /** All data so far, up to the last frame that was taken. */
  snapshot(): Snapshot;
  fail(reason: string): void;
};

export type LiveRunOptions = {
  /** The devices whose flights are recorded, in a fleet of this size. */
  readonly recorded: (devices: number) => readonly number[];
  /** Milliseconds on any clock. */
  readonly now?: () => number;
};

const MOST_LINES = 200;
const MOST_EXAMPLES = 5;
/** The round rate is that of the last so many milliseconds. */
const RATE_MILLIS = 3000;

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

const finiteIn = ({ metrics }: Score): Record<string, number | null> =>
  Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, value === null ? null : finite(value)]));

/** The latest lines, and those since the last frame. */
const createLog = (elapsed: () => number) => {
  let all: LogLine[] = [];
  let added: LogLine[] = [];
  return {
    all: (): readonly LogLine[] => all,
    say: (level: LogLine['level'], text: string): void => {
      const line = { elapsed: elapsed(), level, text };
      all = [...all, line].slice(-MOST_LINES);
      added = [...added, line].slice(-MOST_LINES);
    },
    take: (): readonly LogLine[] => {
      const taken = added;
      added = [];
      return taken;
    },
  };
};

/** The measurements, thinned, and those since the last frame. */
const createScores = () => {
  let all: ScorePoint[] = [];
  let added: ScorePoint[] = [];
  return {
    all: (): readonly ScorePoint[] => all,
    add: (point: ScorePoint): void => {
      all = thinScores([...all, point]);
      added = [...added, point].slice(-MOST_POINTS);
    },
    take: (): readonly ScorePoint[] => {
      const taken = added;
      added = [];
      return taken;
    },
  };
};

/** Rounds a second over the last RATE_MILLIS. */
const createRate = (now: () => number) => {
  const seen: { at: number; round: number }[] = [];
  return (round: number): number => {
    const time = now();
    seen.push({ at: time, round });
    while (seen.length > 2 && seen[1]!.at < time - RATE_MILLIS) seen.shift();
    const first = seen[0]!;
    return time > first.at ? ((round - first.round) * 1000) / (time - first.at) : 0;
  };
};

type Line = readonly [level: LogLine['level'], text: string];
const bad = (text: string): Line => ['bad', text];

/** An event's lines of the log. */
const linesOf = (event: RunEvent, stopOn: string): readonly Line[] => {
  switch (event.type) {
    case 'run-started':
      return [['note', event.round === 0 ? 'The run began.' : `The run was taken up after round ${event.round}.`]];
    case 'round':
      return [
        ...(event.retries > 0 ? [bad(`Round ${event.round} was run again after a lost host.`)] : []),
        ...event.rejections.map((reason) => bad(`Round ${event.round}: ${reason}`)),
      ];
    case 'epoch': {
      const value = event.valid.metrics[stopOn] ?? Number.NaN;
      const isNews = event.best && Number.isFinite(value);
      return isNews ? [['good', `Epoch ${event.epoch}: best validation ${stopOn.toUpperCase()} so far, ${value.toFixed(4)}.`]] : [];
    }
    case 'host-lost':
      return [['bad', `Host ${event.host} was lost: ${event.reason}`]];
    case 'host-restored':
      return [['good', `Host ${event.host} is back, with ${event.devices} devices.`]];
    case 'checkpoint':
      return [['note', `A checkpoint was written after round ${event.round}.`]];
    case 'checkpoint-failed':
      return [['bad', `No checkpoint could be written after round ${event.round}: ${event.reason}`]];
    case 'checkpoint-refused':
      return [['bad', `A checkpoint is damaged; the run goes on from one of round ${event.round}: ${event.reason}`]];
    case 'coordinator-lost':
      return [['bad', `The coordinator was lost: ${event.reason}`]];
    case 'coordinator-restored':
      return [['good', `The coordinator is back, after round ${event.round}.`]];
    case 'run-finished':
      return [['note', `The run ended: ${event.reason}.`]];
    default:
      event satisfies never;
      return [];
  }
};

const cardOf = (name: RunName, event: RunStarted, known: readonly number[]): RunCard => {
  const { devices, items, parameters, rounds, ends, epochs, fleet, stopOn } = event;
  const sizes = { devices, items, parameters, rounds: ends === null ? rounds : 0, epochs };
  const measured = { stopOn, isLoss: stopOn === PREFERRED_METRIC };
  const recording = { recorded: known.length, examples: known.slice(0, MOST_EXAMPLES) };
  return { ...name, ...sizes, policy: fleet?.policy ?? null, ...measured, ...recording };
};

const UNKNOWN = {
  devices: 0,
  items: 0,
  parameters: 0,
  rounds: 0,
  epochs: 0,
  policy: null,
  stopOn: '',
  isLoss: false,
  recorded: 0,
  examples: [],
};

export const createLiveRun = (name: RunName, { recorded, now = () => performance.now() }: LiveRunOptions): LiveRun => {
  const begun = now();
  const elapsed = (): number => now() - begun;
  let run: RunCard = { ...name, ...UNKNOWN };
  let newRun = false;
  let state: Frame['state'] = 'starting';
  let last: RoundFinished | undefined;
  let reached = { round: 0, epoch: 0 };
  const sums = createLiveSums();
  const history: HistoryBuilder = createHistory();
  const scores = createScores();
  const log = createLog(elapsed);
  const rate = createRate(now);
  let map: FleetMapBuilder | undefined;
  let shown: Frame | undefined;

  const onStart = (event: RunStarted): void => {
    run = cardOf(name, event, recorded(event.devices));
    newRun = true;
    reached = { round: event.round, epoch: 0 };
    state = 'running';
    map = createFleetMap(event.devices);
    sums.start(event);
  };
  const onRound = (event: RoundFinished): void => {
    last = event;
    reached = event;
    history.add(event, sums.add(event));
    map?.add(event.map);
  };
  const takeFrame = (): Frame => {
    const frame: Frame = {
      state,
      elapsed: elapsed(),
      round: reached.round,
      epoch: reached.epoch,
      roundsPerSecond: rate(reached.round),
      ...sums.ofWindow(shown),
      loss: last === undefined || last.loss === null ? null : finite(last.loss),
      privacy: last?.privacy ?? null,
      gradientNorm: last === undefined ? null : finite(last.gradientNorm),
      ...sums.ofRun(),
      residentModels: last?.residentModels ?? 0,
      residentBytes: last?.residentBytes ?? 0,
      map: map?.take() ?? null,
      added: { run: newRun ? run : null, ...history.takeAdded(), scores: scores.take(), log: log.take() },
    };
    newRun = false;
    shown = frame;
    sums.nextWindow();
    return frame;
  };

  return {
    observe: (event) => {
      if (event.type === 'run-started') onStart(event);
      else if (event.type === 'round') onRound(event);
      else if (event.type === 'epoch') {
        const { epoch, round, valid, test, best } = event;
        scores.add({ round, epoch, valid: finiteIn(valid), test: finiteIn(test), best });
      } else if (event.type === 'run-finished') state = event.reason;
      for (const [level, text] of linesOf(event, run.stopOn)) log.say(level, text);
    },
    takeFrame,
    snapshot: () => {
      const frame = shown ?? takeFrame();
      const nothing = { run: null, history: createHistory().all(), whole: false, scores: [], log: [] };
      return { run, frame: { ...frame, added: nothing }, history: history.all(), scores: scores.all(), log: log.all() };
    },
    fail: (reason) => {
      state = 'failed';
      log.say('bad', `The run failed: ${reason}`);
    },
  };
};

/** When there are too many, every other one goes. The best ones of the later half stay. */
const thinScores = (scores: ScorePoint[]): ScorePoint[] =>
  scores.length < MOST_POINTS
    ? scores
    : scores.filter(({ best }, index) => index % 2 === 1 || (best && index > scores.length - MOST_POINTS / 2));
