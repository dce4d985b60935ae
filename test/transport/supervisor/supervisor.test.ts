import { expect, it } from 'vitest';
import { messageOf } from '../../../src/base/errors.js';
import { createSupervisor, type SupervisorActions } from '../../../src/transport/supervisor/supervisor.js';

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A supervisor of one host whose actions are written down. */
const supervising = (actions: Partial<SupervisorActions> = {}) => {
  const done: string[] = [];
  const say = (what: string) => (host: number, error?: unknown) => {
    done.push(error === undefined ? `${what} ${host}` : `${what} ${host}: ${messageOf(error)}`);
  };
  const supervisor = createSupervisor(1, {
    failStart: say('fail start'),
    reportLoss: async (host, error) => say('lost')(host, error),
    restart: async (host) => {
      say('restart')(host);
      return true;
    },
    reportRestart: say('restored'),
    giveUp: say('give up'),
    ...actions,
  });
  supervisor.happened({ type: 'all-started' });
  const die = async (reason: string): Promise<readonly string[]> => {
    supervisor.happened({ type: 'host-ended', host: 0, error: new Error(reason) });
    await settled();
    return done;
  };
  return { supervisor, die };
};

it('a host that dies is lost, restarted and restored, in this order', async () => {
  expect(await supervising().die('killed')).toEqual(['lost 0: killed', 'restart 0', 'restored 0']);
});

it('a host that dies as it is restarted is not reported as restored: its death is an event by itself', async () => {
  expect(await supervising({ restart: async () => false }).die('killed')).toEqual(['lost 0: killed']);
});

it('a host whose restart fails, or whose loss cannot be reported, is given up with that reason', async () => {
  const restart = () => Promise.reject(new Error('no memory'));
  expect(await supervising({ restart }).die('killed')).toEqual(['lost 0: killed', 'give up 0: no memory']);
  const reportLoss = () => Promise.reject(new Error('no coordinator'));
  expect(await supervising({ reportLoss }).die('killed')).toEqual(['give up 0: no coordinator']);
});

it('a run that is closed while a loss is reported restarts nothing', async () => {
  const { supervisor, die } = supervising({ reportLoss: settled });
  const death = die('killed');
  supervisor.happened({ type: 'closing' });
  await settled();
  expect(await death).toEqual([]);
  expect(supervisor.isClosing()).toBe(true);
});
