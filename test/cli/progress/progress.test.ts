import { describe, expect, it, vi } from 'vitest';
import { bytes, millis } from '../../../src/base/units.js';
import { createProgress } from '../../../src/cli/progress/progress.js';
import { clock, epoch, fakeStream, pass, play, round, started, useFakeTime } from '../../support/cli/progress-events.js';

/** The screen of a terminal of this width after the writes: carriage return, line feed, cursor up, erase below. Long lines wrap. */
const screen = (writes: readonly string[], columns: number): string[] => {
  const rows: string[] = [''];
  let row = 0;
  let column = 0;
  for (const [token, count, command] of writes.join('').matchAll(/\p{Cc}\[(\d*)([A-Za-z])|./gsu)) {
    if (command !== undefined) {
      if (command === 'A') row = Math.max(0, row - Number(count || 1));
      else if (command === 'J') {
        rows.length = row + 1;
        rows[row] = rows[row]!.slice(0, column);
      }
    } else if (token === '\r') column = 0;
    else if (token === '\n') {
      row++;
      column = 0;
    } else {
      if (column === columns) {
        row++;
        column = 0;
      }
      const line = (rows[row] ?? '').padEnd(column);
      rows[row] = line.slice(0, column) + token + line.slice(column + 1);
      column++;
    }
    while (rows.length <= row) rows.push('');
  }
  return rows;
};

useFakeTime();

describe('progress on a terminal', () => {
  it('rewrites two lines in place with epoch, bar, round, ETA, loss, best error, rates and bytes', () => {
    const stream = fakeStream(120);
    const progress = createProgress({ stream, clock });
    progress.observe(started());
    play(progress.observe, 1, 250);
    pass(100);
    const [first, second, ...rest] = screen(stream.writes, 120);
    expect(rest).toEqual([]);
    expect(first).toMatch(/^epoch 3\/4 \[=+-+\] +62\.5 % {2}round 250\/400 {2}ETA \d+s$/);
    expect(second).toMatch(
      /^loss 0\.9000 \| valid MSE 0\.8500 \(best 0\.8100, epoch 1\) \| 1,2\d\d devices\/s \| 16\.0 MB down, 1\.60 MB up/,
    );
    expect(stream.writes.join('')).not.toMatch(/0\.456|0\.123/);
    const eta = Number(/ETA (\d+)s/.exec(first!)![1]);
    expect(Math.abs(eta - 9.4)).toBeLessThan(2);
  });
  it('draws at most ten times a second, for any number of rounds, and not at all when nothing changes', () => {
    const stream = fakeStream(100);
    const progress = createProgress({ stream, clock });
    progress.observe(started());
    for (let number = 1; number <= 99; number++) {
      for (let i = 0; i < 10; i++) progress.observe(round(number));
      pass(10);
    }
    expect(stream.writes.length).toBeLessThanOrEqual(10);
    expect(stream.writes.length).toBeGreaterThan(5);
    pass(100);
    const before = stream.writes.length;
    for (let i = 0; i < 9; i++) vi.advanceTimersByTime(100);
    expect(stream.writes.length).toBe(before);
  });
  it('prints lost hosts, checkpoints and notes above the bar, and leaves them there', () => {
    const stream = fakeStream(100);
    const progress = createProgress({ stream, clock });
    progress.observe(started());
    play(progress.observe, 1, 10);
    progress.observe({ type: 'host-lost', host: 1, reason: 'killed\nby \x1b[31mtest' });
    pass(200);
    progress.observe({ type: 'host-restored', host: 1, devices: 335 });
    progress.observe({
      type: 'checkpoint',
      path: 'results/one/last.checkpoint',
      round: 10,
      bytes: bytes(120e6),
      millis: millis(300),
      waited: millis(0),
    });
    progress.note('metrics at http://127.0.0.1:9464');
    pass(200);
    const shown = screen(stream.writes, 100);
    expect(shown.slice(0, 4)).toEqual([
      'host 1 lost: killed by test',
      'host 1 restored with 335 devices',
      'last.checkpoint of round 10: 120 MB in 300 ms',
      'metrics at http://127.0.0.1:9464',
    ]);
    expect(shown).toHaveLength(6);
    expect(shown[4]).toMatch(/^epoch 1\/4 \[/);
  });
  it('notes each checkpoint file once a minute at most', () => {
    const stream = fakeStream();
    const progress = createProgress({ stream, clock });
    for (let second = 0; second < 120; second++) {
      const written = { type: 'checkpoint', round: second, bytes: bytes(1), millis: millis(1), waited: millis(0) } as const;
      progress.observe({ ...written, path: 'a/best.checkpoint' });
      if (second === 30) progress.observe({ ...written, path: 'a/last.checkpoint' });
      pass(1000);
    }
    expect(stream.writes.map((line) => line.split(':')[0])).toEqual([
      'best.checkpoint of round 0',
      'last.checkpoint of round 30',
      'best.checkpoint of round 60',
    ]);
  });
  it.each([20, 40, 60, 80, 200])('never wraps a live line at %i columns', (columns) => {
    const stream = fakeStream(columns);
    const progress = createProgress({ stream, clock });
    progress.stage(`reading ${'x'.repeat(300)}`);
    pass(100);
    expect(screen(stream.writes, columns)).toHaveLength(1);
    progress.observe(started());
    play(progress.observe, 1, 110);
    pass(100);
    const shown = screen(stream.writes, columns);
    expect(shown).toHaveLength(2);
    for (const line of shown) expect(line.length).toBeLessThan(columns);
    expect(shown[0]).toContain('ETA');
  });
  it('leaves no rest of the old lines when the terminal shrinks', () => {
    const stream = fakeStream(120);
    const progress = createProgress({ stream, clock });
    progress.observe(started());
    play(progress.observe, 1, 10);
    pass(100);
    // A terminal rewraps what it shows: replay the last drawing at the new width, then what came after.
    const last = stream.writes.at(-1)!.split('\x1b[J').at(-1)!;
    const before = stream.writes.length;
    stream.columns = 50;
    stream.emit('resize');
    const shown = screen([last, ...stream.writes.slice(before)], 50);
    expect(shown).toHaveLength(2);
    expect(shown[0]).toMatch(/^(epoch|ETA)/);
  });
  it('says evaluating between the last round of an epoch and its scores', () => {
    const stream = fakeStream(100);
    const progress = createProgress({ stream, clock });
    progress.observe(started());
    for (let number = 1; number <= 100; number++) progress.observe(round(number));
    pass(100);
    expect(screen(stream.writes, 100)[0]).toContain('evaluating');
    progress.observe(epoch(1, 0.8, true));
    pass(100);
    expect(screen(stream.writes, 100)[0]).toContain('round 100/400');
  });
  it('shows stages before training, with their time, each in place of the one before', () => {
    const stream = fakeStream(100);
    const progress = createProgress({ stream, clock });
    progress.stage('fetching ml-small');
    pass(3000);
    expect(screen(stream.writes, 100)).toEqual([expect.stringMatching(/^[|/\\-] fetching ml-small \(3s\)$/)]);
    progress.stage('training baselines');
    pass(100);
    expect(screen(stream.writes, 100)).toEqual([expect.stringMatching(/^[|/\\-] training baselines$/)]);
  });
  it('colours the bar if the stream has colours, and nothing under NO_COLOR', () => {
    const written = (): string => {
      const stream = fakeStream(100, true);
      const progress = createProgress({ stream, clock });
      progress.observe(started());
      play(progress.observe, 1, 50);
      progress.close();
      return stream.writes.join('');
    };
    expect(written()).toContain('\x1b[32m');
    vi.stubEnv('NO_COLOR', '1');
    expect(written()).not.toContain('\x1b[32m');
  });
  it('shows how the run ended, removes the bar on close, and then writes nothing', () => {
    const stream = fakeStream(100);
    const progress = createProgress({ stream, clock });
    progress.observe(started());
    play(progress.observe, 1, 400);
    progress.observe({ type: 'run-finished', reason: 'early-stopped', round: 400, epoch: 4, digest: '', millis: millis(125_000) });
    progress.close();
    progress.close();
    expect(screen(stream.writes, 100)).toEqual(['early-stopped at epoch 4, round 400, after 2m 05s', '']);
    const before = stream.writes.length;
    pass(5000);
    progress.note('late');
    expect(stream.writes.length).toBe(before);
    expect(vi.getTimerCount()).toBe(0);
    expect(stream.listenerCount('resize')).toBe(0);
  });
  it('starts the bar where a resumed run starts', () => {
    const stream = fakeStream(100);
    const progress = createProgress({ stream, clock });
    progress.observe(started(300));
    pass(100);
    const shown = screen(stream.writes, 100);
    expect(shown[0]).toBe('resumed after round 300');
    expect(shown[1]).toMatch(/^epoch 4\/4 \[.* 75\.0 % {2}round 300\/400 {2}ETA \.\.\.$/);
  });
});
