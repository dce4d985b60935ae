import { describe, expect, it } from 'vitest';
import { deviceId, seconds } from '../../../src/base/units.js';
import type { Message, Model } from '../../../src/messages/message.js';
import { assign, ids, opened, plain, update, updatesFor } from './transport.js';
import { TRANSPORTS } from './transports.js';

// What every transport does for an exchange in which all goes well: the contract of `Devices` in coordinator/round/devices.ts.

describe.each(TRANSPORTS)('an exchange over $name', ({ create }) => {
  it('brings each host the messages to its own devices, in their order, with the times at which they leave', async () => {
    const { devices, hosts } = opened(create);
    const exchange = await devices.open();
    exchange.send(
      [12, 3, 19, 0].map((device) => assign(device)),
      [1, 2, 3, 4].map(seconds),
    );
    const [first, second] = [await hosts[0].next(), await hosts[1].next()];
    expect(first.messages).toEqual([assign(3), assign(0)]);
    expect(second.messages).toEqual([assign(12), assign(19)]);
    expect([first.at, second.at]).toEqual([
      [2, 4],
      [1, 3],
    ]);
    exchange.send([assign(5)]);
    expect((await hosts[0].next()).at).toBeUndefined();
  });

  it('has encoded messages before it returns: their tensors may be overwritten', async () => {
    const { devices, hosts } = opened(create);
    const exchange = await devices.open();
    const values = Float32Array.of(1, 2, 3);
    const model: Model = {
      ...{ kind: 'model', round: 1, device: deviceId(1), purpose: 'train', rows: Uint32Array.of(4, 7, 9) },
      tensors: [{ dtype: 'f32', shape: [3, 1], data: [new Uint8Array(values.buffer)] }],
    };
    exchange.send([model]);
    values.fill(0);
    const [received] = (await hosts[0].next()).messages as [Model];
    expect(received.rows).toEqual(Uint32Array.of(4, 7, 9));
    const [piece] = received.tensors[0]!.data;
    expect(new Float32Array(new Uint8Array(piece!).buffer)).toEqual(Float32Array.of(1, 2, 3));
  });

  it('returns answers in DeviceId order, whichever host is first', async () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ] as const) {
      const { devices, hosts } = opened(create);
      const exchange = await devices.open();
      exchange.send([15, 2, 11, 7].map((device) => assign(device)));
      for (const host of order) {
        const asked = await hosts[host].next();
        asked.answer({ frame: updatesFor(asked) });
      }
      const { messages, ...rest } = await exchange.answers();
      expect(plain(messages)).toEqual(plain([2, 7, 11, 15].map((device) => update(device))));
      expect(rest).toEqual({ rejected: [], duplicates: 0, costs: [] });
    }
  });

  it('has its answers when the last frame is answered, and not before', async () => {
    const { devices, hosts } = opened(create);
    const exchange = await devices.open();
    exchange.send([assign(1), assign(11)]);
    const order: string[] = [];
    const answers = exchange.answers().then(({ messages }) => {
      order.push('all answers');
      return messages;
    });
    for (const host of hosts) {
      const asked = await host.next();
      order.push('one answer');
      asked.answer({ frame: updatesFor(asked) });
    }
    expect(await answers).toHaveLength(2);
    expect(order).toEqual(['one answer', 'one answer', 'all answers']);
  });

  it('goes on after its answers, and returns none twice', async () => {
    const { devices, hosts } = opened(create);
    const exchange = await devices.open();
    const ask = async (device: number): Promise<readonly Message[]> => {
      exchange.send([assign(device)]);
      const asked = await hosts[device < 10 ? 0 : 1].next();
      asked.answer({ frame: updatesFor(asked) });
      return (await exchange.answers()).messages;
    };
    expect((await ask(4)).map(({ device }) => device)).toEqual(ids(4));
    expect((await ask(14)).map(({ device }) => device)).toEqual(ids(14));
    expect((await ask(4)).map(({ device }) => device)).toEqual(ids(4));
  });

  it('in which nothing is owed has its answers at once', async () => {
    const exchange = await opened(create).devices.open();
    expect(await exchange.answers()).toEqual({ messages: [], rejected: [], duplicates: 0, costs: [] });
  });

  it('gives a host no more than a frame beside the one it is at work on, where those are large', async () => {
    const { devices, hosts } = opened(create, { mostUnanswered: 1 });
    const exchange = await devices.open();
    await exchange.ready();
    exchange.send([assign(1)]);
    await exchange.ready();
    exchange.send([assign(2)]);
    const order: string[] = [];
    const ready = exchange.ready().then(() => order.push('ready'));
    const [first, second] = [await hosts[0].next(), await hosts[0].next()];
    order.push('answered');
    first.answer({ frame: updatesFor(first) });
    await ready;
    expect(order).toEqual(['answered', 'ready']);
    second.answer({ frame: updatesFor(second) });
    expect((await exchange.answers()).messages.map(({ device }) => device)).toEqual(ids(1, 2));
  });

  it('gives a host as many small frames as there are', async () => {
    const { devices, hosts } = opened(create);
    const exchange = await devices.open();
    for (let device = 0; device < 10; device++) {
      await exchange.ready();
      exchange.send([assign(device)]);
    }
    for (let device = 0; device < 10; device++) {
      const asked = await hosts[0].next();
      asked.answer({ frame: updatesFor(asked) });
    }
    expect((await exchange.answers()).messages).toHaveLength(10);
  });
});
