import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { seconds } from '../../../src/base/units.js';
import { createProgress } from '../../../src/cli/progress/progress.js';
import type { RunEvent } from '../../../src/events/run-event.js';
import { fakeStream } from '../../support/cli/fake-terminal.js';
import { clock, pass, play, round, started, useFakeClock } from '../../support/cli/played-run.js';

useFakeClock();

describe('progress elsewhere', () => {
  it('tells how far a run is that a time ends, and no number of rounds or epochs to come', () => {
    const stream = fakeStream();
    const progress = createProgress({ stream, clock });
    progress.observe({ ...started(), epochs: 1_000_000, rounds: 100_000_000, ends: { unit: 'wall', after: seconds(40) } } as RunEvent);
    for (let number = 1; number <= 10; number++) {
      pass(1000);
      progress.observe(round(number));
    }
    expect(stream.writes).toEqual(['epoch 1, 25.0 %, round 10, loss 0.9000, ETA 30s+\n']);
  });
  it('writes one plain line an epoch, without any control character', () => {
    const stream = fakeStream();
    const progress = createProgress({ stream, clock });
    progress.observe(started());
    play(progress.observe, 1, 200);
    const text = stream.writes.join('');
    expect(text).toBe(stripVTControlCharacters(text));
    expect(text.split('\n')).toEqual([
      expect.stringMatching(
        /^epoch 1\/4: train loss 0\.9000, valid MSE 0\.8100 MAE 0\.7000 \(best\), 6\.40 MB down, 640 kB up, 6\.00 s, ETA \d+s$/,
      ),
      expect.stringMatching(/^epoch 2\/4: train loss 0\.9000, valid MSE 0\.8500 MAE 0\.7000, 12\.8 MB down/),
      '',
    ]);
  });
  it('calls no epoch the best where nothing validated', () => {
    const stream = fakeStream();
    const progress = createProgress({ stream, clock });
    progress.observe(started());
    play(
      (event) => progress.observe(event.type === 'epoch' ? { ...event, valid: { count: 0, metrics: { mse: null, mae: null } } } : event),
      1,
      200,
    );
    expect(stream.writes.join('')).toContain('valid MSE - MAE -, 6.40 MB down');
    expect(stream.writes.join('')).not.toContain('best');
  });
  it('adds a line each ten seconds of a long epoch', () => {
    const stream = fakeStream();
    const progress = createProgress({ stream, clock });
    progress.observe(started());
    for (let number = 1; number <= 25; number++) {
      pass(1000);
      progress.observe(round(number));
    }
    const lines = stream.writes.join('').split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^epoch 1\/4, 2\.5 %, round 10\/400, loss 0\.9000, ETA 6m 30s\+$/);
  });
  it('writes a stage once, not each number in it', () => {
    const stream = fakeStream();
    const progress = createProgress({ stream, clock });
    for (let percent = 0; percent < 100; percent += 10) progress.stage(`fetching ml-small: ${percent} %`);
    progress.stage('splitting');
    expect(stream.writes).toEqual(['fetching ml-small: 0 %\n', 'splitting\n']);
  });
  it('takes a dumb terminal for no terminal', () => {
    vi.stubEnv('TERM', 'dumb');
    const stream = fakeStream(80);
    createProgress({ stream, clock }).stage('reading');
    expect(stream.writes).toEqual(['reading\n']);
  });
  it('writes nothing when quiet', () => {
    for (const columns of [undefined, 80]) {
      const stream = fakeStream(columns);
      const progress = createProgress({ stream, clock, quiet: true });
      progress.stage('reading');
      progress.note('note');
      progress.observe(started());
      play(progress.observe, 1, 100);
      progress.close();
      expect(stream.writes).toEqual([]);
    }
  });
  it('survives a closed pipe', () => {
    const stream = fakeStream();
    createProgress({ stream, clock });
    expect(() => stream.emit('error', new Error('EPIPE'))).not.toThrow();
  });
});
