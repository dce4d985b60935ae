import { Worker } from 'node:worker_threads';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { isMetafleetError } from '../../../src/base/errors.js';
import { deviceId } from '../../../src/base/units.js';
import type { RunEvent } from '../../../src/events/run-event.js';
import { count, disturb, LONG, undisturbedRun } from '../../support/transport/disturbed-run.js';
import { deafCoordinator, tamperingHost } from '../../support/transport/host-entry.js';
import { allThreadsGone, failureOf, finish, roundsOf, start } from '../../support/transport/small-run.js';

describe('the fleet', () => {
  it('leaves no thread or port behind, however often it is closed', async () => {
    const posted = vi.spyOn(Worker.prototype, 'postMessage');
    onTestFinished(() => posted.mockRestore());
    const { run } = await finish();
    const threads = new Set(posted.mock.contexts as Worker[]);
    expect(threads.size).toBe(3);
    for (const { threadId } of threads) expect(threadId).toBe(-1);
    await allThreadsGone();
    await Promise.all([run.close(), run.close()]);
    await run.close();
    await allThreadsGone();
  });

  it('closed while a host computes without end leaves nothing behind', async () => {
    const endless = await tamperingHost(`
const tamper = ({ messages, ...up }, asked) => {
  if (asked[0].round === 3) for (;;) asked.round;
  return up;
};
`);
    const { run, events } = await start({ hostEntry: endless });
    while (roundsOf(events).length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    await run.close();
    await allThreadsGone();
    await expect(run.finished).rejects.toThrow();
  });

  it('whose coordinator does not answer when it is closed ends all the same, after its deadline', async () => {
    const { run, outcome } = await finish({ coordinatorEntry: await deafCoordinator() });
    expect(outcome.reason).toBe('completed');
    await run.close();
    await allThreadsGone();
  });

  it('closed in mid-run ends the run with an error that says so', async () => {
    const { run, events } = await start({ config: { epochs: 1000 } });
    while (roundsOf(events).length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    await Promise.all([run.close(), run.close()]);
    await allThreadsGone();
    await expect(run.finished).rejects.toThrow('the run was closed');
    await run.close();
  });

  it('whose coordinator thread dies, with no checkpoint to go on from, starts over to the undisturbed digest', async () => {
    const undisturbed = await undisturbedRun();
    let killed = false;
    const { events, outcome } = await disturb((event, run) => {
      if (event.type === 'round' && event.round === 5 && !killed) run.killCoordinator();
      killed ||= event.type === 'coordinator-lost';
    }, LONG);
    expect(outcome).toEqual(undisturbed.outcome);
    expect(events.find((event) => event.type === 'coordinator-lost')).toMatchObject({ reason: 'the coordinator thread ended with code 1' });
    expect(events.find((event) => event.type === 'coordinator-restored')).toMatchObject({ round: 0 });
    await allThreadsGone();
  });

  it('whose coordinator dies again and again without a round in between ends the run with an error that says so', async () => {
    const { run } = await start({
      config: { epochs: 1000 },
      onEvent: (event) => {
        if ((event.type === 'round' && event.round === 1) || event.type === 'coordinator-restored') run.killCoordinator();
      },
    });
    const failure = await failureOf(run.finished);
    expect(isMetafleetError(failure, 'COORDINATOR_LOST')).toBe(true);
    expect((failure as Error).message).toBe('the coordinator could not be kept alive: the coordinator thread ended with code 1');
    await allThreadsGone();
  });

  it('closed while a host is being restored leaves nothing behind either', async () => {
    const { run, events } = await start({ config: { epochs: 1000 } });
    while (roundsOf(events).length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    run.killThread(0);
    while (count(events, 'host-lost') === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    await run.close();
    await allThreadsGone();
    await expect(run.finished).rejects.toThrow();
  });

  it('hands on the event of every round, in order and before what follows, however seldom it looks for them', async () => {
    const { events } = await finish({ config: { epochs: 3 }, eventMillis: 60_000 });
    const prompt = await finish({ config: { epochs: 3 } });
    const told = (list: readonly RunEvent[]) => list.map((event) => [event.type, 'round' in event ? event.round : 0]);
    expect(told(events)).toEqual(told(prompt.events));
    expect(roundsOf(events).every(({ cpuMillis }) => cpuMillis > 0)).toBe(true);
  });

  it('reports how busy its threads are, and predicts from the models that devices hold', async () => {
    const { run, events } = await start({ config: { epochs: 1000, evaluation: { every: 1000 } } });
    while (roundsOf(events).length < 8 || run.sample().utilization === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const { queued, threads, utilization } = run.sample();
    expect({ queued, threads }).toEqual({ queued: 0, threads: 2 });
    expect(utilization).toBeGreaterThan(0);
    expect(utilization).toBeLessThanOrEqual(1);
    const items = Uint32Array.of(0, 23);
    for (const device of [0, 29]) {
      const predicted = await run.predict(deviceId(device), items);
      expect(predicted).toHaveLength(2);
      for (const rating of predicted!) expect(rating).toSatisfy(Number.isFinite);
    }
    run.killThread(0);
    while (count(events, 'host-lost') === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(await run.predict(deviceId(0), items)).toBeNull();
    await run.close();
  });
});
