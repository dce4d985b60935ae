import type { Clock } from '../../base/clock.js';
import type { EpochFinished, Score } from '../../events/evaluation.js';
import type { RoundFinished } from '../../events/round.js';
import type { RunEvent, RunStarted } from '../../events/run-event.js';
import { bytesOf, type Traffic } from '../../events/traffic.js';
import {
  formatBytes,
  formatCount,
  formatError,
  formatMetric,
  formatPercent,
  formatRate,
  formatSpan,
  metricTitle,
} from '../../report/format.js';
import { createPace } from '../../report/pace.js';

/** The facts of the run from its events so far. */
const createWatch = (clock: Clock) => {
  const watch = {
    plan: undefined as RunStarted | undefined,
    round: 0,
    epoch: 1,
    last: undefined as EpochFinished | undefined,
    best: undefined as EpochFinished | undefined,
    evaluating: false,
    began: 0,
    /** The last epoch's whole time, evaluation included. */
    epochMillis: 0,
    privacy: null as RoundFinished['privacy'],
    virtual: undefined as { readonly seconds: number; readonly share: number } | undefined,
    bytes: { down: 0, up: 0 },
  };
  let epochSince = 0;
  const count = (traffic: Traffic): void => {
    const { down, up } = bytesOf(traffic);
    watch.bytes.down += down;
    watch.bytes.up += up;
  };
  const started = (event: RunStarted): void => {
    const began = clock();
    epochSince = began;
    const epoch = Math.min(Math.floor(event.round / Math.max(1, event.roundsPerEpoch)) + 1, event.epochs);
    Object.assign(watch, { plan: event, last: undefined, best: undefined, round: event.round, epoch, began });
  };
  const round = (event: RoundFinished): void => {
    const { plan } = watch;
    watch.round = event.round;
    watch.epoch = event.epoch;
    watch.evaluating = plan !== undefined && (event.round % plan.roundsPerEpoch === 0 || event.round === plan.rounds);
    count(event.traffic);
    watch.privacy = event.privacy;
    if (event.virtual !== null) watch.virtual = { seconds: event.virtual.end, share: event.outcomes.trained / Math.max(1, event.cohort) };
  };
  const epoch = (event: EpochFinished): void => {
    watch.evaluating = false;
    watch.last = event;
    if (event.best) watch.best = event;
    watch.epochMillis = clock() - epochSince;
    epochSince = clock();
    count(event.traffic);
  };
  const observe = (event: RunEvent): void => {
    switch (event.type) {
      case 'run-started':
        started(event);
        return;
      case 'round':
        round(event);
        return;
      case 'epoch':
        epoch(event);
        return;
      case 'run-finished':
        watch.plan = undefined;
        return;
      case 'host-lost':
      case 'host-restored':
      case 'coordinator-lost':
      case 'coordinator-restored':
      case 'checkpoint-failed':
      case 'checkpoint-refused':
      case 'checkpoint':
        return;
      default:
        event satisfies never;
    }
  };
  return { watch, observe };
};

/** `MSE 0.8300 MAE 0.7000`: all metrics, the stopping one first. */
const allOf = ({ metrics }: Score, stopOn: string): string =>
  [stopOn, ...Object.keys(metrics).filter((name) => name !== stopOn)]
    .map((name) => `${metricTitle(name)} ${formatMetric(metrics[name])}`)
    .join(' ');

/** The numbers to show. All of them come from events. */
export const createStatus = (clock: Clock, context: () => string = () => '') => {
  const pace = createPace();
  const { watch, observe } = createWatch(clock);
  let stage: { text: string; since: number } | undefined;
  let stopOn = '';
  const validFact = (): string | undefined => {
    const { last, best } = watch;
    if (last === undefined) return undefined;
    const now = `valid ${metricTitle(stopOn)} ${formatMetric(last.valid.metrics[stopOn])}`;
    return best === undefined ? now : `${now} (best ${formatMetric(best.valid.metrics[stopOn])}, epoch ${best.epoch})`;
  };
  const bytesText = (): string => `${formatBytes(watch.bytes.down)} down, ${formatBytes(watch.bytes.up)} up`;

  return {
    stage(text: string): void {
      stage = { text, since: clock() };
    },
    observe(event: RunEvent): void {
      pace.observe(event, clock());
      observe(event);
      if (event.type !== 'run-started') return;
      stage = undefined;
      stopOn = event.stopOn;
    },
    epochMillis: (): number => watch.epochMillis,
    stageText: (): string | undefined => stage?.text,
    /** Empty for a run by itself. */
    contextText: context,
    stageMillis: (): number => (stage ? clock() - stage.since : 0),
    isRunning: (): boolean => watch.plan !== undefined,
    /** 0 … 1 of all rounds, or of the time of all stages. */
    share(): number {
      const { plan, round, began, virtual } = watch;
      if (plan === undefined) return 0;
      if (plan.ends === null) return Math.min(1, round / Math.max(1, plan.rounds));
      const passed = plan.ends.unit === 'wall' ? (clock() - began) / 1000 : (virtual?.seconds ?? 0);
      return Math.min(1, passed / plan.ends.after);
    },
    epochText: (): string => (watch.plan?.ends === null ? `epoch ${watch.epoch}/${watch.plan.epochs}` : `epoch ${watch.epoch}`),
    roundText(): string {
      const { evaluating, plan, round } = watch;
      if (evaluating) return 'evaluating';
      return plan?.ends === null ? `round ${formatCount(round)}/${formatCount(plan.rounds)}` : `round ${formatCount(round)}`;
    },
    etaText(): string {
      const left = pace.remaining(clock());
      return left ? `ETA ${formatSpan(left.millis)}${left.atLeast ? '+' : ''}` : 'ETA ...';
    },
    lossText: (): string => {
      const now = pace.recent();
      return now === undefined ? 'loss -' : `loss ${formatError(now.loss)}`;
    },
    /** The metrics of the last measured epoch. */
    validText: (): string => (watch.last === undefined ? '-' : allOf(watch.last.valid, stopOn)),
    bytesText,
    /** Most important first. */
    facts(): string[] {
      const now = pace.recent();
      const { privacy, virtual } = watch;
      return [
        context() || undefined,
        now && `loss ${formatError(now.loss)}`,
        validFact(),
        privacy ? `ε ${privacy.epsilon?.toPrecision(3) ?? 'unbounded'}` : undefined,
        virtual && `virtual ${formatSpan(virtual.seconds * 1000)}, ${formatPercent(virtual.share)} trained`,
        now && `${formatRate(now.devicesPerSecond)} devices/s`,
        bytesText(),
        now && `${formatRate(now.ratingsPerSecond)} ratings/s`,
      ].filter((text) => text !== undefined);
    },
  };
};

export type Status = ReturnType<typeof createStatus>;
