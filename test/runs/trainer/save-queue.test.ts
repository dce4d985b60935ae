import { expect, it } from 'vitest';
import { MetafleetError } from '../../../src/base/errors.js';
import { bytes, millis } from '../../../src/base/units.js';
import type { RunEvent } from '../../../src/events/run-event.js';
import { createSaveQueue } from '../../../src/runs/trainer/save-queue.js';

const SAVED = { round: 3, bytes: bytes(10), millis: millis(1), waited: millis(0) };
const alive = { death: new Promise<never>(() => {}) };

const queueing = () => {
  const events: RunEvent[] = [];
  return { events, queue: createSaveQueue((event) => events.push(event)) };
};

const diskFull = () => Promise.reject(new MetafleetError('CHECKPOINT', 'the disk is full'));

it('a save that is written is an event, after what follows from it', async () => {
  const { queue, events } = queueing();
  let seen = -1;
  queue.begin(
    alive,
    'last',
    3,
    async () => SAVED,
    () => {
      seen = events.length;
    },
  );
  await queue.settled();
  expect(events).toEqual([{ type: 'checkpoint', path: 'last', ...SAVED }]);
  expect(seen).toBe(0);
});

it('a save that is held is no event, and nothing follows from it', async () => {
  const { queue, events } = queueing();
  let followed = false;
  queue.begin(
    alive,
    'best',
    3,
    async () => null,
    () => {
      followed = true;
    },
  );
  await queue.settled();
  expect([events, followed]).toEqual([[], false]);
});

it('a file whose save failed is unsaved until a later save of it is written', async () => {
  const { queue, events } = queueing();
  queue.begin(alive, 'last', 3, diskFull);
  await queue.settled();
  expect(events).toEqual([{ type: 'checkpoint-failed', path: 'last', round: 3, reason: 'the disk is full' }]);
  expect([queue.healthy(), queue.unsaved()]).toEqual([false, ['last']]);
  queue.begin(alive, 'best', 4, async () => SAVED);
  await queue.settled();
  expect([queue.healthy(), queue.unsaved()]).toEqual([true, ['last']]);
  queue.begin(alive, 'last', 5, async () => SAVED);
  await queue.settled();
  expect([queue.healthy(), queue.unsaved()]).toEqual([true, []]);
});

it('a save that ends with its thread is no failure of the disk', async () => {
  const { queue, events } = queueing();
  const death = Promise.reject(new MetafleetError('COORDINATOR_LOST', 'the coordinator thread died'));
  queue.begin({ death }, 'last', 3, () => new Promise(() => {}));
  await queue.settled();
  expect([events, queue.healthy(), queue.unsaved()]).toEqual([[], true, []]);
});

it('is settled when saves that were begun meanwhile are', async () => {
  const { queue, events } = queueing();
  queue.begin(
    alive,
    'best',
    3,
    async () => SAVED,
    () => queue.begin(alive, 'last', 3, async () => SAVED),
  );
  await queue.settled();
  expect(events.map((event) => ('path' in event ? event.path : ''))).toEqual(['best', 'last']);
});
