import { describe, expect, it } from 'vitest';
import type { Answers } from '../../../src/coordinator/round/devices.js';
import {
  type Answer,
  type Asked,
  assign,
  type CreateTransport,
  costOf,
  frameOf,
  ids,
  opened,
  plain,
  update,
  updatesFor,
} from './transport.js';
import { TRANSPORTS } from './transports.js';

type Play = (asked: Asked) => Answer;

const honest: Play = (asked) => ({ frame: updatesFor(asked) });

/** Devices 1, 2 and 3 are asked; the first host answers as `play` has it. */
const answersTo = async (create: CreateTransport, play: Play): Promise<Answers> => {
  const { devices, hosts } = opened(create);
  const exchange = await devices.open();
  exchange.send([1, 2, 3].map((device) => assign(device)));
  const asked = await hosts[0].next();
  asked.answer(play(asked));
  return exchange.answers();
};

const devicesOf = ({ messages }: Answers): readonly number[] => messages.map(({ device }) => device);

// What every transport makes of answers that are not what they should be: no host can spoil more than its own devices' answers.

describe.each(TRANSPORTS)('an answer over $name', ({ create }) => {
  it('that is missing keeps its device out, with a reason', async () => {
    const answers = await answersTo(create, () => ({ frame: [update(1), update(3)] }));
    expect(devicesOf(answers)).toEqual([1, 3]);
    expect(answers.rejected).toEqual([
      { device: 2, cause: 'malformed', text: 'frame from host 0: expected an answer of device 2, found none' },
    ]);
  });

  it('to another round keeps its device out', async () => {
    const answers = await answersTo(create, () => ({ frame: [update(1), update(2, 9), update(3)] }));
    expect(devicesOf(answers)).toEqual([1, 3]);
    expect(answers.rejected).toEqual([{ device: 2, cause: 'round', text: 'frame from host 0, device 2: expected round 1, found round 9' }]);
  });

  it('that is no message is one device’s, and the others of its frame count', async () => {
    const whole = frameOf([update(1), update(2), update(3)]);
    const answers = await answersTo(create, () => {
      // The header of a record says how long it is: the first message alone is spoilt.
      const spoilt = whole.slice();
      spoilt.fill(0xc1, 8, 40);
      return { frame: spoilt };
    });
    expect(devicesOf(answers)).toEqual([2, 3]);
    expect(answers.rejected).toMatchObject([{ device: 1, cause: 'malformed' }]);
  });

  it('in the name of another host’s device takes nothing from that device, though it comes first', async () => {
    const { devices, hosts } = opened(create);
    const exchange = await devices.open();
    exchange.send([assign(1), assign(11), assign(12)]);
    const [late, hostile] = [await hosts[0].next(), await hosts[1].next()];
    hostile.answer({ frame: [update(1), update(12)] });
    // What has arrived is taken in before the other host answers.
    await exchange.ready();
    late.answer(honest(late));
    const answers = await exchange.answers();
    expect(devicesOf(answers)).toEqual([1, 12]);
    expect(plain(answers.messages)).toEqual(plain([update(1), update(12)]));
    expect(answers.rejected).toEqual([
      { device: 11, cause: 'identity', text: 'frame from host 1: expected answers of devices that were asked, found one of device 1' },
    ]);
  });

  it('that comes twice is counted once, and the copy as a duplicate', async () => {
    const answers = await answersTo(create, (asked) => ({ frame: [...updatesFor(asked), update(2)] }));
    expect([devicesOf(answers), answers.rejected, answers.duplicates]).toEqual([[1, 2, 3], [], 1]);
  });

  it('has its cost beside it, and a device that fell silent has one alone', async () => {
    const costs = [costOf(3), costOf(2, 'during'), costOf(1)];
    const answers = await answersTo(create, () => ({ frame: [update(3), update(1)], costs }));
    expect(devicesOf(answers)).toEqual([1, 3]);
    expect(answers.rejected).toEqual([]);
    expect(answers.costs).toEqual(costs.toReversed());
  });
});

describe.each(TRANSPORTS)('a frame over $name', ({ create }) => {
  it.each<readonly [string, Play, RegExp]>([
    ['that ends too early', (asked) => ({ frame: frameOf(updatesFor(asked)).slice(0, -9) }), /^frame from host 0, byte \d+: expected/],
    ['that is none', () => ({ frame: new Uint8Array(24).fill(0x58) }), /^frame from host 0, byte 0: expected the magic "MF", found/],
  ])('%s ends the exchange with an error that names its host', async (_, play, message) => {
    await expect(answersTo(create, play)).rejects.toMatchObject({ code: 'MESSAGE', message: expect.stringMatching(message) });
  });

  it('that nobody waits for ends the exchange it claims to belong to', async () => {
    const { devices, hosts } = opened(create);
    const exchange = await devices.open();
    exchange.send([assign(1), assign(11)]);
    const asked = await hosts[0].next();
    asked.answer(honest(asked));
    asked.answer(honest(asked));
    await expect(exchange.answers()).rejects.toMatchObject({ code: 'MESSAGE', message: expect.stringContaining('nobody waits for') });
  });

  it('that a host could make no sense of ends the exchange with the host’s error', async () => {
    const { devices, hosts } = opened(create);
    const exchange = await devices.open();
    exchange.send([assign(11)]);
    (await hosts[1].next()).fail('MESSAGE', 'frame, byte 3: expected sense, found none');
    await expect(exchange.answers()).rejects.toMatchObject({
      code: 'MESSAGE',
      message: 'host 1: frame, byte 3: expected sense, found none',
    });
    await expect(exchange.ready()).rejects.toMatchObject({ code: 'MESSAGE' });
  });
});

it.each(TRANSPORTS)('answers over $name are those of the ids that were asked, once each', async ({ create }) => {
  const answers = await answersTo(create, honest);
  expect(answers.messages.map(({ device }) => device)).toEqual(ids(1, 2, 3));
});
