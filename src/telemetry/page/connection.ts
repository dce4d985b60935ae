import type { Frame, History, Snapshot } from '../live/frame.js';

/** What the page knows: the server's last snapshot and the frames since, bounded as the server's is. */
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

/** The browser tries again by itself when a stream breaks, but not when it is refused: before the run begins, or when there are too many readers. */
const AGAIN_MILLIS = 1000;

/** Reads the run's stream, and comes back to it when it breaks, for a new snapshot; after the run's end it stays away. */
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
