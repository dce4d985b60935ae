import { describe, expect, it } from 'vitest';
import { finish, roundsOf } from '../../support/transport/small-run.js';

describe('a run on threads', () => {
  it('reports how long frames waited, the memory of its threads, and the sizes of its messages', async () => {
    const { events } = await finish();
    const rounds = roundsOf(events);
    for (const { queueMillis, threads, kernelBytes, traffic } of rounds) {
      // Each host answers each frame with one.
      expect(queueMillis.up.length).toBe(queueMillis.down.length);
      expect(queueMillis.up.length).toBeGreaterThan(0);
      for (const time of [...queueMillis.down, ...queueMillis.up]) expect(time).toBeGreaterThanOrEqual(0);
      expect(threads.coordinator.heapBytes).toBeGreaterThan(1e6);
      expect(threads.host.heapBytes).toBeGreaterThan(1e6);
      expect(kernelBytes).toBeGreaterThanOrEqual(65_536);
      for (const line of traffic) {
        expect(line.sizes.reduce((sum, count) => sum + count)).toBe(line.messages);
        expect([line.kind, line.dtype]).toEqual([line.kind, line.kind === 'assign' || line.kind === 'want' ? 'none' : 'f32']);
      }
    }
  });
});
