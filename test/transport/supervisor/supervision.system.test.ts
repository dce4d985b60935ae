import { describe, expect, it } from 'vitest';
import {
  MOST_DEATHS,
  type Supervision,
  type SupervisionEvent,
  startSupervision,
  supervise,
} from '../../../src/transport/supervisor/supervision.js';

const error = new Error('killed');
const ended = (host: number): SupervisionEvent => ({ type: 'host-ended', host, error });
const known = (host: number): SupervisionEvent => ({ type: 'loss-known', host, error });
const failed = (host: number): SupervisionEvent => ({ type: 'restart-failed', host, error });

/** The state after these events, and what the last one has done. */
const following = (events: readonly SupervisionEvent[], start: Supervision = startSupervision(2)) =>
  events.reduce((before, event) => supervise(before.state, event), { state: start, effects: [] } as ReturnType<typeof supervise>);

const serving = following([{ type: 'all-started' }]).state;
const closing = following([{ type: 'closing' }], serving).state;

describe('a host that ends', () => {
  it('before all are there fails the start', () => {
    expect(following([ended(1)]).effects).toEqual([{ type: 'fail-start', host: 1, error }]);
  });

  it('while the run goes on is reported, restarted once that is known, and reported again', () => {
    expect(following([ended(1)], serving).effects).toEqual([{ type: 'report-loss', host: 1, error }]);
    expect(following([ended(1), known(1)], serving).effects).toEqual([{ type: 'restart', host: 1 }]);
    expect(following([ended(1), known(1), { type: 'host-restarted', host: 1 }], serving).effects).toEqual([
      { type: 'report-restart', host: 1 },
    ]);
  });

  it('while the run is closed does nothing, however far its restart had come', () => {
    for (const event of [ended(0), known(0), failed(0)]) expect(following([event], closing)).toEqual({ state: closing, effects: [] });
  });
});

describe('a host that dies again and again', () => {
  const deaths = (count: number, host = 0): SupervisionEvent[] => Array.from({ length: count }, () => [ended(host), known(host)]).flat();

  it(`is given up after ${MOST_DEATHS} deaths`, () => {
    expect(following(deaths(MOST_DEATHS), serving).effects).toEqual([{ type: 'restart', host: 0 }]);
    expect(following(deaths(MOST_DEATHS + 1), serving).effects).toEqual([{ type: 'give-up', host: 0, error }]);
  });

  it('with a finished round in between is restarted for ever', () => {
    const round: SupervisionEvent = { type: 'rounds-finished' };
    expect(following([...deaths(MOST_DEATHS), round, ...deaths(MOST_DEATHS)], serving).effects).toEqual([{ type: 'restart', host: 0 }]);
    // A round that finished before the death, and is counted only when the coordinator knows of it, counts as well.
    expect(following([...deaths(MOST_DEATHS), ended(0), round, known(0)], serving).effects).toEqual([{ type: 'restart', host: 0 }]);
  });

  it('does not count against another host', () => {
    expect(following([...deaths(MOST_DEATHS), ended(1), known(1)], serving).effects).toEqual([{ type: 'restart', host: 1 }]);
  });
});

it('a host that cannot be restarted is given up', () => {
  expect(following([ended(0), known(0), failed(0)], serving).effects).toEqual([{ type: 'give-up', host: 0, error }]);
});

it('a run that is closed while it starts stays closed', () => {
  expect(following([{ type: 'closing' }, { type: 'all-started' }]).state.phase).toBe('closing');
});
