import { describe, expect, it } from 'vitest';
import { constantRate } from '../../src/coordinator/schedule.js';
import type { RoundFinished } from '../../src/events/round.js';
import {
  createFakeEngine,
  type Engine,
  type Setup,
  type Started,
  shareAmongTests,
  startCoordinator,
} from '../support/coordinator/in-process-coordinator.js';

let engine: Engine;

const start = (setup?: Setup): Started => startCoordinator(engine, setup);

shareAmongTests(createFakeEngine, (shared) => {
  ({ engine } = shared);
});

describe('training', () => {
  it('runs up to the requested round, and on from there', async () => {
    const { coordinator, events } = start();
    expect(await coordinator.train(2)).toMatchObject({ round: 2, ran: 2 });
    expect(await coordinator.train(2)).toMatchObject({ round: 2, ran: 0 });
    expect(await coordinator.train(4)).toMatchObject({ round: 4, ran: 2 });
    expect(events.map(({ round, epoch }) => [round, epoch])).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
      [4, 2],
    ]);
  });

  it('reports the mean loss over the ratings of the epoch so far', async () => {
    const { coordinator, events } = start();
    const mean = (rounds: readonly RoundFinished[]) =>
      rounds.reduce((sum, { loss, ratings }) => sum + loss! * ratings, 0) / rounds.reduce((sum, { ratings }) => sum + ratings, 0);
    expect((await coordinator.train(2)).loss).toBeCloseTo(mean(events.slice(0, 2)), 12);
    expect((await coordinator.train(3)).loss).toBeCloseTo(mean(events.slice(0, 3)), 12);
    expect((await coordinator.train(5)).loss).toBeCloseTo(mean(events.slice(3, 5)), 12);
  });

  it('learns: the loss of the last epoch is below that of the first', async () => {
    const { coordinator, events } = start({ settings: { schedule: constantRate(0.01) } });
    await coordinator.train(90);
    const sum = (from: number) => events.slice(from, from + 3).reduce((total, { loss, ratings }) => total + loss! * ratings, 0);
    expect(sum(87)).toBeLessThan(0.7 * sum(0));
  });

  it('ends after its present round when interrupted', async () => {
    const { coordinator, events } = start({
      answer: (down, honest) => {
        if (down.round === 2) coordinator.interrupt();
        return honest();
      },
    });
    expect(await coordinator.train(5)).toMatchObject({ round: 2, ran: 2 });
    expect(events).toHaveLength(2);
    expect(await coordinator.train(3)).toMatchObject({ round: 3, ran: 1 });
  });
});
