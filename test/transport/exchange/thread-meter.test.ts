import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createThreadMeter, LOOK_MILLIS } from '../../../src/transport/exchange/thread-meter.js';

describe('the thread meter', () => {
  const metered = () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    let time = 1000;
    const meter = createThreadMeter(() => time);
    onTestFinished(() => {
      meter.close();
      vi.useRealTimers();
    });
    const look = (after: number): void => {
      time += after;
      vi.advanceTimersByTime(LOOK_MILLIS);
    };
    const hold = (millis: number): void => {
      time += millis;
    };
    return { meter, look, hold };
  };
  it('reports the longest delay of the event loop since the last call', () => {
    const { meter, look } = metered();
    for (const delay of [0, 30, 200, 5]) look(LOOK_MILLIS + delay);
    expect(meter.take().lagMillis).toBe(200);
    look(LOOK_MILLIS + 1);
    expect(meter.take().lagMillis).toBe(1);
    expect(meter.take().lagMillis).toBe(0);
  });
  it('sees a delay that lasts while it is asked, and the whole of it later', () => {
    const { meter, look, hold } = metered();
    hold(LOOK_MILLIS + 70);
    expect(meter.take().lagMillis).toBe(70);
    look(10);
    expect(meter.take().lagMillis).toBe(80);
  });
  it('reports the heap of its thread', () => {
    expect(metered().meter.take().heapBytes).toBeGreaterThan(1e6);
  });
});
