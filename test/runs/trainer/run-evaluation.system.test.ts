import { expect, it } from 'vitest';
import type { RunEvent } from '../../../src/events/run-event.js';
import { finish } from '../../support/transport/small-run.js';

const epochsOf = (events: readonly RunEvent[]): number[] => events.flatMap((event) => (event.type === 'epoch' ? [event.epoch] : []));

it('a run is measured every so many epochs and at its end, or never, and trains the same Θ', async () => {
  const [each, second, never] = await Promise.all([1, 2, 0].map((every) => finish({ config: { evaluation: { every } } })));
  expect([each, second, never].map((run) => epochsOf(run!.events))).toEqual([[1, 2, 3], [2, 3], []]);
  expect(never!.outcome).toEqual(each!.outcome);
  expect(second!.outcome).toEqual(each!.outcome);
});
