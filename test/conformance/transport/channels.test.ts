import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { bytes, millis, seconds } from '../../../src/base/units.js';
import type { FrameDown, FrameUp, HostFailure } from '../../../src/transport/exchange/envelope.js';
import type { Channel } from '../../../src/transport/exchange/host-channel.js';
import { CHANNELS } from './channels.js';
import { costOf, NO_STORE, took } from './transport.js';

// What every kind of channel does between one host and the coordinator: the contract of exchange/host-channel.ts.

/** Bytes that follow from the arguments, and room behind them as in memory that is used again. */
const frameOf = (exchange: number, length: number, room = 0): FrameDown => {
  const frame = new Uint8Array(length + room);
  for (let at = 0; at < frame.length; at++) frame[at] = Math.imul(at + length + exchange, 2_654_435_761) >>> 13;
  return { exchange, frame: frame.buffer, length, sent: millis(exchange / 3) };
};

const answerOf = (exchange: number, length: number): FrameUp => ({
  ...frameOf(exchange, length),
  ...{ deviceMillis: took(0.1, 2), store: { ...NO_STORE, models: 3 }, waited: millis(0.25), costs: [costOf(4), costOf(5, 'during')] },
  thread: { lagMillis: millis(1), gcMillis: millis(2), heapBytes: bytes(3) },
});

const failureOf = (exchange: number): HostFailure => ({ exchange, failure: { code: null, message: 'no sense' } });

/** What counts of a message: its frame up to `length`, and all other fields. */
const seen = (message: FrameDown | FrameUp | HostFailure): object => {
  if ('failure' in message) return message;
  const { frame, length, ...beside } = message;
  return {
    ...beside,
    length,
    content: createHash('sha256')
      .update(new Uint8Array(frame, 0, length))
      .digest('hex'),
  };
};

/** Resolves with the first `count` messages. */
const collect = <Received>({ listen }: Channel<never, Received>, count: number): Promise<Received[]> =>
  new Promise((resolve) => {
    const received: Received[] = [];
    listen((message) => {
      received.push(message);
      if (received.length === count) resolve(received);
    });
  });

const ended = ({ onEnd }: Channel<never, unknown>): Promise<void> => new Promise((resolve) => onEnd(resolve));

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** So many turns of the loop bring all that is still to come between two ends of one process. */
const QUIET_TURNS = 50;

const quiet = async (): Promise<void> => {
  for (let turns = 0; turns < QUIET_TURNS; turns++) await turn();
};

const SIZES = [0, 1, 7, 8, 1000, 65_535, 65_536, 65_537, 1_000_003, 5 * 2 ** 20];

describe.each(CHANNELS)('a channel over $name', ({ pair, mortal }) => {
  it('brings frames whole, bit for bit and in their order, in both directions at once', async () => {
    const { host, coordinator } = await pair();
    const both = [collect(coordinator, 3 * SIZES.length), collect(host, 3 * SIZES.length)] as const;
    const down = [...SIZES, ...SIZES.toReversed(), ...SIZES].map((size, index) => frameOf(index, size, index % 9));
    const up = [...SIZES.toReversed(), ...SIZES, ...SIZES].map((size, index) =>
      index % 5 === 4 ? failureOf(index) : answerOf(index, size),
    );
    const expected = [down.map(seen), up.map(seen)];
    down.forEach((message, index) => {
      host.send(message);
      coordinator.send(up[index]!);
    });
    const [atHost, atCoordinator] = await Promise.all(both);
    expect(atHost.map(seen)).toEqual(expected[0]);
    expect(atCoordinator.map(seen)).toEqual(expected[1]);
  });

  it('brings the times at which messages leave, and their absence', async () => {
    const { host, coordinator } = await pair();
    const received = collect(coordinator, 2);
    host.send({ ...frameOf(1, 8), at: [0, 0.1, 1e9 + 1 / 3].map(seconds) });
    host.send(frameOf(2, 8));
    const [timed, bare] = await received;
    expect(timed!.at).toEqual([0, 0.1, 1e9 + 1 / 3]);
    expect(bare!.at).toBeUndefined();
  });

  it('brings a large frame’s memory back with its answer', async () => {
    const { host, coordinator } = await pair();
    const asked = collect(coordinator, 1);
    const answered = collect(host, 1);
    host.send(frameOf(1, 2 ** 20));
    const [{ frame }] = (await asked) as [FrameDown];
    coordinator.send({ ...answerOf(1, 100), spent: frame });
    const [up] = (await answered) as [FrameUp];
    expect(up.spent?.byteLength).toBe(2 ** 20);
  });

  it('keeps what a slow receiver has not taken yet', async () => {
    const { host, coordinator } = await pair();
    for (let exchange = 0; exchange < 64; exchange++) host.send(frameOf(exchange, 65_536));
    await quiet();
    const received = await collect(coordinator, 64);
    expect(received.map(({ exchange }) => exchange)).toEqual(Array.from({ length: 64 }, (_, exchange) => exchange));
  });

  it('gives each message once and in order, whether it is asked for or listened to', async () => {
    const { host, coordinator } = await pair();
    const received: number[] = [];
    const all = new Promise<void>((resolve) => {
      host.listen(({ exchange }) => {
        received.push(exchange);
        if (exchange === 299) resolve();
      });
    });
    for (let exchange = 0; exchange < 300; exchange++) {
      coordinator.send(failureOf(exchange));
      if (exchange % 50 === 20) for (const { exchange: asked } of host.arrived()) received.push(asked);
      if (exchange % 70 === 30) await turn();
    }
    await all;
    expect(received).toEqual(Array.from({ length: 300 }, (_, exchange) => exchange));
  });

  it('tells that the other side died, once, after the answers that it had sent', async () => {
    const { host, kill } = await mortal();
    const story: (number | 'ended')[] = [];
    const answered = new Promise<void>((resolve) => {
      host.listen(({ exchange }) => {
        story.push(exchange);
        if (exchange === 2) resolve();
      });
    });
    host.onEnd(() => story.push('ended'));
    for (const exchange of [0, 1, 2]) host.send(frameOf(exchange, 65_536));
    await answered;
    const end = ended(host);
    kill();
    await end;
    await quiet();
    expect(story).toEqual([0, 1, 2, 'ended']);
    // Nobody takes it. The link drops the channel.
    host.send(frameOf(3, 8));
    host.close();
  });

  it('tells that the other side closed, and nothing of its own closing', async () => {
    const { host, coordinator } = await pair();
    let own = 0;
    coordinator.onEnd(() => own++);
    host.listen(() => {});
    const end = ended(host);
    coordinator.close();
    await end;
    await quiet();
    expect(own).toBe(0);
  });

  it('delivers nothing after it was closed, and drops what is sent', async () => {
    const { host, coordinator } = await pair();
    const received: number[] = [];
    host.listen(({ exchange }) => {
      received.push(exchange);
      // In the middle of what is there already.
      if (exchange === 2) host.close();
    });
    for (let exchange = 0; exchange < 10; exchange++) coordinator.send(failureOf(exchange));
    await quiet();
    expect(received).toEqual([0, 1, 2]);
    expect([...host.arrived()]).toEqual([]);
    expect(() => host.send(frameOf(1, 8))).not.toThrow();
    expect(() => host.close()).not.toThrow();
  });
});
