import type { RoundFinished } from '../../events/round.js';
import type { History } from './frame.js';

/** The most points of a curve: more than a screen can show at once. */
export const MOST_POINTS = 600;

export type Point = { round: number; rounds: number; loss: number; millis: number; down: number; up: number };

export type HistoryBuilder = {
  add(event: RoundFinished, bytes: { readonly down: number; readonly up: number }): void;
  /** The points since the last call. `whole`: all points, because the curve was thinned. */
  takeAdded(): { readonly history: History; readonly whole: boolean };
  all(): History;
};

/**
 * A curve over any number of rounds, in bounded memory. A point is the mean of `stride` neighbouring rounds.
 * When there are too many points, each two become one, and the stride doubles.
 */
export const createHistory = (most = MOST_POINTS): HistoryBuilder => {
  let points: Point[] = [];
  let stride = 1;
  let open: Point | undefined;
  let sent = 0;
  let thinned = false;

  const join = (a: Point, b: Point): Point => {
    const mean = (field: 'loss' | 'millis' | 'down' | 'up'): number => (a[field] * a.rounds + b[field] * b.rounds) / (a.rounds + b.rounds);
    return { round: b.round, rounds: a.rounds + b.rounds, loss: mean('loss'), millis: mean('millis'), down: mean('down'), up: mean('up') };
  };
  const thin = (): void => {
    points = Array.from({ length: points.length / 2 }, (_, index) => join(points[2 * index]!, points[2 * index + 1]!));
    stride *= 2;
    thinned = true;
  };

  return {
    add: ({ round, loss, millis }, { down, up }) => {
      // A round without a loss has none to show.
      const point = { round, rounds: 1, loss: loss ?? Number.NaN, millis, down, up };
      open = open === undefined ? point : join(open, point);
      if (open.rounds < stride) return;
      points.push(open);
      open = undefined;
      if (points.length >= most) thin();
    },
    takeAdded: () => {
      const whole = thinned;
      const history = columns(whole ? points : points.slice(sent));
      sent = points.length;
      thinned = false;
      return { history, whole };
    },
    all: () => columns(points),
  };
};

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

const columns = (points: readonly Point[]): History => ({
  round: points.map(({ round }) => round),
  loss: points.map(({ loss }) => finite(loss)),
  millis: points.map(({ millis }) => millis),
  down: points.map(({ down }) => down),
  up: points.map(({ up }) => up),
});
