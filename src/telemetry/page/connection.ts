import type { Frame, History, Snapshot } from '../live/frame.js';

/** The data of the page: the server's last snapshot and the frames since, bounded as on the server. */
export type Model = { -readonly [Key in keyof Snapshot]: Snapshot[Key] };

export type Connection = { readonly model: () => Model | undefined; readonly lost: () => boolean };

const MOST_LINES = 200;

const append = (old: History, more: History): History => ({
  round: [...old.round, ...more.round],
  loss: [...old.loss, ...more.loss],
  millis: [...old.millis, ...more.millis],
  down: [...old.down, ...more.down],
  up: [...old.up, ...more.up],
});

const merge = (model: Model, frame: Frame): void => {
  const { added } = frame;
  model.frame = frame;
  if (added.run) model.run = added.run;
  model.history = added.whole ? added.history : added.history.round.length > 0 ? append(model.history, added.history) : model.history;
  if (added.scores.length > 0) model.scores = [...model.scores, ...added.scores];
  if (added.log.length > 0) model.log = [...model.log, ...added.log].slice(-MOST_LINES);
};

/**
 * When a stream breaks, the browser tries again by itself. It does not when a stream is refused.
 * A stream is refused before the run begins, and when there are too many readers.
 */
const AGAIN_MILLIS = 1000;

/** Reads the run's stream. When it breaks, a new connection gets a new snapshot. After the run's end there is no new one. */
export const connect = (onChange: () => void): Connection => {
  let model: Model | undefined;
  let lost = false;
  const open = (): void => {
    const source = new EventSource('events');
    source.addEventListener('snapshot', (event) => {
      model = JSON.parse((event as MessageEvent<string>).data) as Model;
      lost = false;
      onChange();
    });
    source.addEventListener('frame', (event) => {
      if (model) merge(model, JSON.parse((event as MessageEvent<string>).data) as Frame);
      onChange();
    });
    source.addEventListener('end', () => source.close());
    source.addEventListener('error', () => {
      lost = true;
      if (source.readyState === EventSource.CLOSED) setTimeout(open, AGAIN_MILLIS);
      onChange();
    });
  };
  open();
  return { model: () => model, lost: () => lost };
};
