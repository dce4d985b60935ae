import { describe, expect, it } from 'vitest';
import { MetafleetError } from '../../../src/base/errors.js';
import { bytes } from '../../../src/base/units.js';
import { assign, frameOf, NO_STORE, opened, plain, took, update, updatesFor } from './transport.js';
import { TRANSPORTS } from './transports.js';

// What every transport does when hosts die, and what it tells of hosts and traffic.

describe.each(TRANSPORTS)('a host that dies, over $name,', ({ create }) => {
  it('ends the exchange with HOST_LOST, what waits for room included, and nothing can be sent in it any more', async () => {
    const { devices, lose } = opened(create, { mostUnanswered: 1 });
    const exchange = await devices.open();
    for (const device of [1, 2]) exchange.send([assign(device)]);
    const waiting = [exchange.ready(), exchange.answers()].map((promise) => promise.catch((error: unknown) => error));
    lose(0, 'killed');
    for (const error of await Promise.all(waiting)) expect(error).toMatchObject({ code: 'HOST_LOST', message: 'host 0 died: killed' });
    exchange.send([assign(11)]);
    await expect(exchange.answers()).rejects.toMatchObject({ code: 'HOST_LOST' });
  });

  it('ends the exchange when its channel ends, and the host that comes in its place is not lost with it', async () => {
    const { devices, hosts, hangUp, lose, bringBack } = opened(create);
    const exchange = await devices.open();
    exchange.send([assign(1), assign(11)]);
    hangUp(1);
    await expect(exchange.answers()).rejects.toMatchObject({ code: 'HOST_LOST', message: 'host 1 died: its channel ended' });
    lose(1, 'killed');
    bringBack(1);
    const next = await devices.open();
    next.send([assign(12, 2)]);
    const asked = await hosts[1].next();
    asked.answer({ frame: updatesFor(asked) });
    expect(plain((await next.answers()).messages)).toEqual(plain([update(12, 2)]));
  });

  it('keeps the next exchange waiting until it is there again', async () => {
    const { devices, hosts, lose, bringBack } = opened(create);
    await devices.open();
    lose(1, 'killed');
    const order: string[] = [];
    const opening = devices.open().then((exchange) => {
      order.push('open');
      return exchange;
    });
    // What waits for nothing is done before this.
    await new Promise((resolve) => setImmediate(resolve));
    order.push('back');
    bringBack(1);
    const exchange = await opening;
    expect(order).toEqual(['back', 'open']);
    exchange.send([assign(11, 2)]);
    const asked = await hosts[1].next();
    asked.answer({ frame: updatesFor(asked) });
    expect(plain((await exchange.answers()).messages)).toEqual(plain([update(11, 2)]));
  });

  it('leaves no late answer of another host for the next exchange', async () => {
    const { devices, hosts, lose, bringBack } = opened(create);
    const first = await devices.open();
    first.send([assign(1), assign(11)]);
    const late = await hosts[0].next();
    lose(1, 'killed');
    await expect(first.answers()).rejects.toMatchObject({ code: 'HOST_LOST' });
    bringBack(1);
    const second = await devices.open();
    late.answer({ frame: updatesFor(late) });
    second.send([assign(2, 2)]);
    const asked = await hosts[0].next();
    asked.answer({ frame: updatesFor(asked) });
    const { messages, ...rest } = await second.answers();
    expect(plain(messages)).toEqual(plain([update(2, 2)]));
    expect(rest).toEqual({ rejected: [], duplicates: 0, costs: [] });
  });

  it('for good ends the exchange and all that are to come', async () => {
    const { devices, lose, giveUp } = opened(create);
    const exchange = await devices.open();
    exchange.send([assign(1)]);
    const answers = exchange.answers().catch((error: unknown) => error);
    lose(0, 'killed');
    expect(await answers).toMatchObject({ code: 'HOST_LOST' });
    const opening = devices.open().catch((error: unknown) => error);
    giveUp(new MetafleetError('HOST_LOST', 'host 0 could not be kept alive'));
    expect(await opening).toMatchObject({ message: 'host 0 could not be kept alive' });
    await expect(devices.open()).rejects.toThrow('host 0 could not be kept alive');
  });
});

describe.each(TRANSPORTS)('what $name tells', ({ create }) => {
  it('of traffic is each message as it was encoded, by kind and direction, since it was asked last', async () => {
    const { devices, hosts } = opened(create);
    const exchange = await devices.open();
    exchange.send([assign(1), assign(11)]);
    for (const host of hosts) {
      const asked = await host.next();
      asked.answer({ frame: updatesFor(asked) });
    }
    await exchange.answers();
    const sizeOf = (device: number, of: (device: number) => ReturnType<typeof assign>): number =>
      // A record's padding to 8 bytes is no part of its message's size.
      frameOf([of(device)]).length;
    const traffic = devices.takeTraffic();
    expect(traffic.map(({ kind, direction, messages, dtype }) => [kind, direction, messages, dtype])).toEqual([
      ['assign', 'down', 2, 'none'],
      ['update', 'up', 2, 'f32'],
    ]);
    traffic.forEach((line, index) => {
      const padded = [1, 11].reduce((sum, device) => sum + sizeOf(device, index === 0 ? assign : update), 0);
      expect(line.bytes).toBeLessThanOrEqual(padded);
      expect(line.bytes).toBeGreaterThan(padded - 16);
    });
    expect(devices.takeTraffic()).toEqual([]);
  });

  it('of hosts is the sum of what they reported since it was asked last, and what they hold now', async () => {
    const { devices, hosts } = opened(create);
    const exchange = await devices.open();
    const round = async (delivered: number, evicted: number): Promise<void> => {
      exchange.send([assign(1), assign(11)]);
      for (const [index, host] of hosts.entries()) {
        const asked = await host.next();
        const store = { ...NO_STORE, models: 3 + index, bytes: bytes(100), delivered, evicted };
        asked.answer({ frame: updatesFor(asked), deviceMillis: took(index + 1), store });
      }
      await exchange.answers();
    };
    await round(5, 2);
    const first = devices.takeReport();
    expect(first).toMatchObject({ activated: 10, evicted: 4, residentModels: 7, residentBytes: 200 });
    expect(first.deviceMillis.toSorted()).toEqual(took(1, 2));
    for (const direction of ['down', 'up'] as const) expect(first.queueMillis[direction]).toHaveLength(2);
    await round(8, 2);
    expect(devices.takeReport()).toMatchObject({ activated: 6, evicted: 0, residentModels: 7 });
    expect(devices.takeReport()).toMatchObject({ activated: 0, evicted: 0, residentModels: 7, deviceMillis: [] });
  });
});
