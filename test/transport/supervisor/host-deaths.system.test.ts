import { describe, expect, it } from 'vitest';
import { isMetafleetError } from '../../../src/base/errors.js';
import type { RunEvent } from '../../../src/events/run-event.js';
import { count, disturb, type Kill, LONG, undisturbedRun } from '../../support/transport/disturbed-run.js';
import { hostEntry, tamperingHost } from '../../support/transport/host-entry.js';
import {
  allThreadsGone,
  epochsOf,
  failureOf,
  finish,
  roundsOf,
  start,
  storyOf,
  temporaryFolder,
} from '../../support/transport/small-run.js';

/** What was learned, leaving out traffic: a round that was tried twice was also sent twice. */
const learned = (events: readonly RunEvent[]) => {
  const { rounds, epochs } = storyOf(events);
  return [...rounds, ...epochs].map(({ traffic: _, ...rest }) => ({ ...rest, activated: 0 }));
};

const KILLS: Readonly<Record<string, Kill>> = {
  'between two rounds': (event, run) => {
    if (event.type === 'round' && event.round === 3) run.killThread(0);
  },
  'while a round is under way': (event, run, after) => {
    if (event.type === 'round' && event.round === 2) after(1, () => run.killThread(1));
  },
  'on both hosts at once': (event, run) => {
    if (event.type !== 'round' || event.round !== 5) return;
    run.killThread(0);
    run.killThread(1);
  },
  'in three rounds running': (event, run) => {
    if (event.type === 'round' && event.round >= 4 && event.round <= 6) run.killThread(event.round % 2);
  },
  'again as soon as it is restored': (event, run) => {
    if (event.type === 'round' && event.round === 2) run.killThread(0);
    if (event.type === 'host-restored' && event.host === 0) run.killThread(1);
  },
  'while a measurement is due': (event, run) => {
    if (event.type === 'round' && event.round === 4) run.killThread(1);
  },
  'after the last round': (event, run) => {
    if (event.type === 'round' && event.round === 32) run.killThread(0);
  },
};

describe('a host thread killed', () => {
  for (const [name, kill] of Object.entries(KILLS)) {
    it(`${name} is restored, and the run ends with the undisturbed digest`, async () => {
      const undisturbed = await undisturbedRun();
      const { events, outcome } = await disturb(kill, LONG);
      expect(outcome).toEqual(undisturbed.outcome);
      expect(learned(events)).toEqual(learned(undisturbed.events));
      const lost = events.filter((event) => event.type === 'host-lost');
      expect(lost.length).toBeGreaterThanOrEqual(1);
      for (const { reason } of lost) expect(reason).toMatch(/exited|terminat/i);
      const restored = events.filter((event) => event.type === 'host-restored');
      expect(restored.map(({ host }) => host).sort()).toEqual(lost.map(({ host }) => host).sort());
    });
  }

  it('while its successor starts is restored all the same', async () => {
    const undisturbed = await undisturbedRun();
    // The successor is killed before it can have taken its task, while it loads, and when it may just be ready.
    for (const millis of [1, 15, 40]) {
      let again = 0;
      const { events, outcome } = await disturb((event, run, after) => {
        if (event.type === 'round' && event.round === 3) run.killThread(0);
        if (event.type === 'host-lost' && again++ < 2) after(millis, () => run.killThread(0));
      }, LONG);
      expect(outcome).toEqual(undisturbed.outcome);
      expect(learned(events)).toEqual(learned(undisturbed.events));
      expect(count(events, 'host-restored')).toBeGreaterThanOrEqual(1);
    }
  });

  it('in subset delivery, between asking for rows and sending models, costs one retry', async () => {
    const dying = await tamperingHost(`
import { threadId } from 'node:worker_threads';
const marker = new URL('died', import.meta.url);
const tamper = ({ messages, ...up }, asked, host) => {
  if (host === 0 && asked[0].kind === 'assign' && asked[0].round === 6 && !existsSync(marker)) {
    writeFileSync(marker, String(threadId));
    process.exit(7);
  }
  return up;
};
`);
    const undisturbed = await finish({ config: { delivery: 'subset' } });
    const { events, outcome } = await finish({ config: { delivery: 'subset' }, hostEntry: dying });
    expect(outcome).toEqual(undisturbed.outcome);
    expect(roundsOf(events).map(({ retries }) => retries)).toEqual([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    expect(events.find((event) => event.type === 'host-lost')).toMatchObject({ host: 0, reason: 'worker exited with code: 7' });
  });

  it('by the system, for it needed more heap than it may have, is restored, and the run ends with the undisturbed digest', async () => {
    const greedy = await tamperingHost(`
const marker = new URL('died', import.meta.url);
const held = [];
const tamper = ({ messages, ...up }, asked, host) => {
  if (host === 1 && asked[0].round === 5 && !existsSync(marker)) {
    writeFileSync(marker, '');
    for (;;) held.push(new Array(10_000).fill({ some: held.length }));
  }
  return up;
};
`);
    const undisturbed = await finish();
    const { events, outcome } = await finish({ hostEntry: greedy, config: { hostHeap: 48 } });
    expect(outcome).toEqual(undisturbed.outcome);
    expect(events.find((event) => event.type === 'host-lost')).toMatchObject({ host: 1, reason: expect.stringMatching(/memory limit/) });
    expect(count(events, 'host-restored')).toBe(1);
  });

  it('during a measurement has it measured again, with the same errors', async () => {
    const dying = await tamperingHost(`
const marker = new URL('died', import.meta.url);
const tamper = ({ messages, ...up }, asked, host) => {
  if (host === 1 && asked[0].purpose === 'evaluate' && asked[0].round === 8 && !existsSync(marker)) {
    writeFileSync(marker, '');
    throw new Error('the host has had enough');
  }
  return up;
};
`);
    const undisturbed = await finish();
    const { events, outcome } = await finish({ hostEntry: dying });
    expect(outcome).toEqual(undisturbed.outcome);
    expect(learned(events)).toEqual(learned(undisturbed.events));
    expect(events.find((event) => event.type === 'host-lost')).toMatchObject({ host: 1, reason: 'the host has had enough' });
    expect(count(events, 'host-restored')).toBe(1);
    const bytes = (of: readonly RunEvent[]) => epochsOf(of).map(({ traffic }) => traffic.reduce((sum, row) => sum + row.bytes, 0));
    expect(bytes(events)[1]).toBeGreaterThan(bytes(undisturbed.events)[1]!);
  });
});

const HOPELESS: readonly (readonly [name: string, entry: string, error: RegExp])[] = [
  ['cannot be read as a module', 'this is not JavaScript', /^host \d could not be started: .+/],
  ['fails as it is imported', 'throw new Error("no such luck");', /^host \d could not be started: no such luck$/],
  ['exports nothing', '', /^host \d could not be started: No handler function exported from/],
  ['dies before it loads', 'export const serveHost = () => process.exit(3);', /^host \d could not be started: worker exited with code: 3$/],
  ['ends its task at once', 'export const serveHost = async () => {};', /^host \d could not be started: its task ended$/],
  [
    'dies of its ratings',
    `export const serveHost = (task) => { genuine(task); task.control.prependListener?.('message', () => {}); task.control.on('message', () => process.exit(4)); return new Promise(() => {}); };`,
    /^host \d could not be started: worker exited with code: 4$/,
  ],
];

describe('a host entry that', () => {
  for (const [name, entry, error] of HOPELESS) {
    it(`${name} ends in one error, with no thread left`, async () => {
      const failure = await failureOf(start({ hostEntry: await hostEntry(entry) }));
      expect(isMetafleetError(failure, 'HOST_LOST')).toBe(true);
      expect((failure as Error).message).toMatch(error);
      expect((failure as Error).message).not.toContain('\n');
      await allThreadsGone();
    });
  }

  it('dies at its first frame, every time, ends the run in one error, with the state before that round kept', async () => {
    const mortal = await hostEntry(`
export const serveHost = (task) => {
  if (task.host === 1) task.traffic.on('message', () => process.exit(5));
  return genuine(task);
};
`);
    const folder = await temporaryFolder();
    const { run, events } = await start({ hostEntry: mortal, checkpoints: { last: `${folder}/last`, best: `${folder}/best` } });
    const failure = await failureOf(run.finished);
    expect(isMetafleetError(failure, 'HOST_LOST')).toBe(true);
    expect((failure as Error).message).toBe('host 1 could not be kept alive: worker exited with code: 5');
    expect(count(events, 'host-lost')).toBe(6);
    // A host that dies before it was announced does not count as restored.
    expect(count(events, 'host-restored')).toBeLessThanOrEqual(5);
    expect(events.at(-1)).toMatchObject({ type: 'checkpoint', round: 0 });
    await allThreadsGone();
  });
});
