import { describe, expect, it } from 'vitest';
import { MetafleetError } from '../../../src/base/errors.js';
import { bytes, type DeviceId, deviceId, joules, seconds } from '../../../src/base/units.js';
import type { DeviceCost, DropStage } from '../../../src/messages/device-cost.js';
import type { Message } from '../../../src/messages/message.js';
import { createOwedAnswers, type HostAnswer } from '../../../src/transport/exchange/owed-answers.js';

const ROUND = 3;
const PLACE = 'frame from host 0';

const ask = (device: number): Message => ({ kind: 'assign', round: ROUND, device: deviceId(device), purpose: 'train' });

const reply = (device: number, round = ROUND): Message => ({ kind: 'refuse', round, device: deviceId(device), reason: 'busy' });

const noMessage = (text: string): MetafleetError => new MetafleetError('MESSAGE', text);

const costOf = (device: number, lost: DropStage | null): DeviceCost => ({
  ...{ device: deviceId(device), profile: 0, lost, operations: 0, energy: joules(0), bytesDown: bytes(0), bytesUp: bytes(0) },
  ...{ down: seconds(0), compute: seconds(0), up: seconds(0) },
  used: { memory: 0, storage: 0, dataPlan: 0, battery: 0, compute: 0 },
});

const answering = (records: HostAnswer['records'], costs: readonly DeviceCost[] = []): HostAnswer => ({ records, costs });

const devicesOf = (list: readonly { readonly device: DeviceId }[]): number[] => list.map(({ device }) => device);

/** One host that owes the answers of these devices to one frame. */
const owedBy = (...devices: number[]) => {
  const owed = createOwedAnswers(1, bytes(1000));
  owed.owe(0, devices.map(ask), 100);
  return owed;
};

describe('answers that are owed', () => {
  it('are taken in DeviceId order, whichever host was first, and once', () => {
    const owed = createOwedAnswers(2, bytes(1000));
    owed.owe(0, [ask(1), ask(4)], 10);
    owed.owe(1, [ask(7), ask(5)], 10);
    expect(owed.settle(1, answering([reply(7), reply(5)], [costOf(7, null), costOf(5, null)]), 'frame from host 1')).toEqual([0, 1]);
    expect(owed.isAnswered()).toBe(false);
    expect(owed.settle(0, answering([reply(4), reply(1)]), PLACE)).toEqual([0, 1]);
    expect(owed.isAnswered()).toBe(true);
    const { messages, costs, rejected, duplicates } = owed.take();
    expect([devicesOf(messages), devicesOf(costs), rejected, duplicates]).toEqual([[1, 4, 5, 7], [5, 7], [], 0]);
    expect(owed.take()).toEqual({ messages: [], costs: [], rejected: [], duplicates: 0 });
  });

  it('belong to the oldest frame of their host', () => {
    const owed = createOwedAnswers(1, bytes(1000));
    owed.owe(0, [ask(1)], 10);
    owed.owe(0, [ask(2)], 10);
    owed.settle(0, answering([reply(2)]), PLACE);
    owed.settle(0, answering([reply(2)]), PLACE);
    const { messages, rejected } = owed.take();
    expect([devicesOf(messages), devicesOf(rejected)]).toEqual([[2], [1]]);
    expect(owed.isAnswered()).toBe(true);
  });

  it('are answered once: a copy is a duplicate', () => {
    const owed = owedBy(1, 2);
    expect(owed.settle(0, answering([reply(1), reply(1), reply(2)]), PLACE)).toEqual([0, 2]);
    const { messages, rejected, duplicates } = owed.take();
    expect([devicesOf(messages), rejected, duplicates]).toEqual([[1, 2], [], 1]);
  });

  it('are not owed by a device that fell silent', () => {
    const owed = owedBy(1, 2);
    owed.settle(0, answering([reply(2)], [costOf(1, 'during'), costOf(2, null)]), PLACE);
    const { messages, rejected, costs } = owed.take();
    expect([devicesOf(messages), rejected, devicesOf(costs)]).toEqual([[2], [], [1, 2]]);
  });

  it('that came although the device fell silent count', () => {
    const owed = owedBy(1);
    expect(owed.settle(0, answering([reply(1)], [costOf(1, 'after')]), PLACE)).toEqual([0]);
    expect(owed.take().rejected).toEqual([]);
  });
});

describe('a device whose answer', () => {
  it('is of another round is rejected, and has had its answer', () => {
    const owed = owedBy(1);
    expect(owed.settle(0, answering([reply(1, 2), reply(1)]), PLACE)).toEqual([]);
    expect(owed.take()).toMatchObject({
      messages: [],
      rejected: [{ device: 1, cause: 'round', text: 'frame from host 0, device 1: expected round 3, found round 2' }],
      duplicates: 1,
    });
  });

  it('is no message is charged with that fault', () => {
    const owed = owedBy(1, 2);
    expect(owed.settle(0, answering([noMessage('no msgpack'), reply(1)]), PLACE)).toEqual([1]);
    expect(owed.take()).toMatchObject({ rejected: [{ device: 2, cause: 'malformed', text: 'no msgpack' }], duplicates: 0 });
  });

  it("came in another device's name is charged with that fault", () => {
    const owed = owedBy(1);
    owed.settle(0, answering([reply(9)]), PLACE);
    const text = 'frame from host 0: expected answers of devices that were asked, found one of device 9';
    expect(owed.take()).toMatchObject({ messages: [], rejected: [{ device: 1, cause: 'identity', text }] });
  });

  it('is missing is rejected', () => {
    const owed = owedBy(1, 2);
    owed.settle(0, answering([reply(2)]), PLACE);
    const text = 'frame from host 0: expected an answer of device 1, found none';
    expect(owed.take().rejected).toEqual([{ device: 1, cause: 'malformed', text }]);
  });
});

it('an answer of a host that owes none is refused', () => {
  const owed = owedBy(1);
  owed.settle(0, answering([reply(1)]), PLACE);
  expect(() => owed.settle(0, answering([reply(1)]), PLACE)).toThrow(
    'frame from host 0: expected an answer to a frame, found one that nobody waits for',
  );
});

describe('there is room', () => {
  it('for a second frame always, for more while fewer bytes than the bound wait', () => {
    const owed = createOwedAnswers(1, bytes(1000));
    owed.owe(0, [ask(1)], 5000);
    expect(owed.hasRoom()).toBe(true);
    owed.owe(0, [ask(2)], 1);
    expect(owed.hasRoom()).toBe(false);
    owed.settle(0, answering([reply(1)]), PLACE);
    expect(owed.hasRoom()).toBe(true);
    owed.owe(0, [ask(3)], 998);
    expect(owed.hasRoom()).toBe(true);
    owed.owe(0, [ask(4)], 1);
    expect(owed.hasRoom()).toBe(false);
  });

  it('when every host has some', () => {
    const owed = createOwedAnswers(2, bytes(10));
    owed.owe(1, [ask(1)], 10);
    owed.owe(1, [ask(2)], 10);
    expect(owed.hasRoom()).toBe(false);
    owed.settle(1, answering([reply(1)]), 'frame from host 1');
    expect(owed.hasRoom()).toBe(true);
  });
});
