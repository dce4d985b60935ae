import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createPresses, type Press } from '../../../src/cli/signals/signals.js';

describe('presses', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const pressed = () => {
    const presses: Press[] = [];
    return { presses, signal: createPresses((press) => presses.push(press)) };
  };

  it('are one where a terminal and npm both deliver the signal', () => {
    const { presses, signal } = pressed();
    signal('SIGINT');
    signal('SIGINT');
    vi.advanceTimersByTime(300);
    signal('SIGTERM');
    expect(presses).toEqual(['first']);
  });

  it('are two when the user presses again', () => {
    const { presses, signal } = pressed();
    signal('SIGINT');
    vi.advanceTimersByTime(1000);
    signal('SIGINT');
    signal('SIGTERM');
    expect(presses).toEqual(['first', 'again', 'again']);
  });

  it('are one where the thread was too busy to read the second signal in time', () => {
    const { presses, signal } = pressed();
    signal('SIGINT');
    // Its time is over, but the signals that waited meanwhile are read only now.
    vi.advanceTimersToNextTimer();
    signal('SIGINT');
    expect(presses).toEqual(['first']);
    vi.runAllTimers();
    signal('SIGINT');
    expect(presses).toEqual(['first', 'again']);
  });

  it('are one however often a closing terminal hangs up', () => {
    const { presses, signal } = pressed();
    signal('SIGHUP');
    vi.advanceTimersByTime(10_000);
    signal('SIGHUP');
    expect(presses).toEqual(['first']);
    signal('SIGINT');
    expect(presses).toEqual(['first', 'again']);
  });
});
