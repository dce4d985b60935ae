import { expect, it } from 'vitest';
import { bytes, deviceId } from '../../../src/base/units.js';
import type { Message } from '../../../src/messages/message.js';
import { createOpenExchange } from '../../../src/transport/exchange/open-exchange.js';
import { createOwedAnswers } from '../../../src/transport/exchange/owed-answers.js';

const message = (device: number): Message => ({ kind: 'refuse', round: 1, device: deviceId(device), reason: 'busy' });

/** An exchange with one host, which has room for two frames. */
const opened = () => {
  const owed = createOwedAnswers(1, bytes(1));
  const exchange = createOpenExchange(1, owed);
  const settled: string[] = [];
  const watch = (name: string, wait: Promise<unknown>): void =>
    void wait.then(
      () => settled.push(name),
      (error: Error) => settled.push(`${name}: ${error.message}`),
    );
  const ask = (device: number): void => owed.owe(0, [message(device)], 1);
  const answer = (device: number): void => {
    owed.settle(0, { records: [message(device)], costs: [] }, 'frame');
    exchange.progress();
  };
  /** What has settled once all that could have has. */
  const seen = async (): Promise<readonly string[]> => {
    await new Promise((resolve) => setImmediate(resolve));
    return settled;
  };
  return { exchange, watch, ask, answer, seen };
};

it('an exchange in which nothing is owed has its answers at once', async () => {
  expect(await opened().exchange.answers()).toEqual({ messages: [], rejected: [], costs: [], duplicates: 0 });
});

it('answers come when the last frame is answered', async () => {
  const { exchange, watch, ask, answer, seen } = opened();
  ask(1);
  ask(2);
  watch('answers', exchange.answers());
  answer(1);
  expect(await seen()).toEqual([]);
  answer(2);
  expect(await seen()).toEqual(['answers']);
});

it('what was answered before is in the answers that are asked for later, and in those only', async () => {
  const { exchange, ask, answer } = opened();
  ask(1);
  answer(1);
  expect((await exchange.answers()).messages).toEqual([message(1)]);
  expect((await exchange.answers()).messages).toEqual([]);
});

it('room comes with an answer', async () => {
  const { exchange, watch, ask, answer, seen } = opened();
  watch('first', exchange.room());
  expect(await seen()).toEqual(['first']);
  ask(1);
  ask(2);
  watch('second', exchange.room());
  expect(await seen()).toEqual(['first']);
  answer(1);
  expect(await seen()).toEqual(['first', 'second']);
});

it('a failure ends what waits and what would wait later, with the first error', async () => {
  const { exchange, watch, ask, seen } = opened();
  ask(1);
  ask(2);
  watch('room', exchange.room());
  watch('answers', exchange.answers());
  expect(exchange.hasFailed()).toBe(false);
  exchange.fail(new Error('host 0 died'));
  exchange.fail(new Error('host 1 died'));
  expect(exchange.hasFailed()).toBe(true);
  watch('later', exchange.answers());
  expect([...(await seen())].sort()).toEqual(['answers: host 0 died', 'later: host 0 died', 'room: host 0 died']);
});
