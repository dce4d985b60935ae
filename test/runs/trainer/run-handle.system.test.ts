import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deviceId } from '../../../src/base/units.js';
import type { Run } from '../../../src/runs/trainer/run.js';
import { allThreadsGone, failureOf, finish, start, temporaryFolder } from '../../support/transport/small-run.js';

/** Everything that a handle can be asked for. */
const askAll = async (run: Run): Promise<unknown> => {
  run.interrupt();
  run.killThread(0);
  run.killCoordinator();
  const { queued } = run.sample();
  await run.close();
  await run.abandon();
  return { queued, predicted: await run.predict(deviceId(0), Uint32Array.of(0)) };
};

const NOTHING = { queued: 0, predicted: null };

describe('the handle of a run', () => {
  it('does nothing, and throws nothing, after the run has ended', async () => {
    const { run, outcome } = await finish();
    expect(outcome.reason).toBe('completed');
    expect(await askAll(run)).toEqual(NOTHING);
    expect(await run.finished).toEqual(outcome);
  });

  it('does nothing, and throws nothing, after it was closed', async () => {
    const { run } = await start({ config: { epochs: 100_000 } });
    await run.close();
    expect(await askAll(run)).toEqual(NOTHING);
    expect(await failureOf(run.finished)).toBeInstanceOf(Error);
  });

  it('can be asked for everything at once, at any event', async () => {
    const asked: Promise<unknown>[] = [];
    let handle: Run | undefined;
    const { run } = await start({
      config: { epochs: 100_000 },
      onEvent: (event) => {
        if (event.type === 'round' && event.round > 2 && handle !== undefined) asked.push(askAll(handle));
      },
    });
    handle = run;
    await failureOf(run.finished);
    expect((await Promise.all(asked)).length).toBeGreaterThan(0);
    await allThreadsGone();
  });

  it('abandons a run at once, and leaves no half-written checkpoint', async () => {
    const folder = await temporaryFolder();
    const checkpoints = { last: join(folder, 'last.checkpoint'), best: join(folder, 'best.checkpoint') };
    let handle: Run | undefined;
    let abandoned: Promise<void> | undefined;
    const { run } = await start({
      config: { epochs: 100_000, checkpoint: { every: 1e-9 } },
      checkpoints,
      onEvent: (event) => {
        // The save that follows the measurement has begun.
        if (event.type === 'round' && event.round > 8) abandoned ??= handle?.abandon();
      },
    });
    handle = run;
    await failureOf(run.finished);
    await abandoned;
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    await allThreadsGone();
  });
});
