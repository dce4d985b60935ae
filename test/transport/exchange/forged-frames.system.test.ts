import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isMetafleetError } from '../../../src/base/errors.js';
import type { RejectionCause } from '../../../src/events/outcomes.js';
import { tamperingHost } from '../../support/transport/host-entry.js';
import { epochsOf, failureOf, finish, roundsOf, start, storyOf, temporaryFolder } from '../../support/transport/small-run.js';

/** Computed when it is first asked for. */
const once = <T>(make: () => Promise<T>): (() => Promise<T>) => {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
};

/** What host 1 sends in round 2 instead of its answer to models for training: a function (up, messages) → envelope. */
const inRoundTwo = (forge: string): Promise<string> =>
  tamperingHost(`
const forge = ${forge};
const tamper = (up, asked, host) => {
  const { messages, ...genuineUp } = up;
  const due = host === 1 && asked.some((message) => message.round === 2 && message.kind === 'model' && message.purpose === 'train');
  return due ? forge(up, messages) : genuineUp;
};
`);

/** Changes the first update of the frame. */
const update = (change: string): string => `(up, [first, ...rest]) => reply(up, [{ ...first, ...(${change})(first) }, ...rest])`;

const tensor = (change: string): string =>
  update(`({ tensors: [low, ...others] }) => ({ tensors: [{ ...low, ...(${change})(low) }, ...others] })`);

/** No frames: it is unknown whose answers they hold. */
const BROKEN_FRAMES: readonly (readonly [name: string, forge: string, error: RegExp])[] = [
  [
    'a truncated frame',
    '(up) => ({ ...up, length: up.length - 5 })',
    /^frame from host 1, byte \d+: expected a message of \d+ bytes, found/,
  ],
  [
    'a frame cut within a header',
    '(up) => ({ ...up, length: 5 })',
    /^frame from host 1, byte 0: expected a record header of 8 bytes, found/,
  ],
  [
    'a length past the buffer',
    '(up) => ({ ...up, length: 1e9 })',
    /^frame from host 1: expected at most \d+ bytes, found a length of 1000000000/,
  ],
  [
    'another magic',
    '(up) => { new Uint8Array(up.frame)[0] = 0x58; return up; }',
    /^frame from host 1, byte 0: expected the magic "MF", found 0x5846$/,
  ],
  [
    'another version',
    '(up) => { new Uint8Array(up.frame)[2] = 9; return up; }',
    /^frame from host 1, byte 0: expected frame version 1, found/,
  ],
  ['no frame at all', '({ exchange, deviceMillis, store }) => ({ exchange, deviceMillis, store })', /^frame from host 1: /],
  ['no account of the host beside the frame', '({ exchange, frame, length }) => ({ exchange, frame, length })', /^frame from host 1: /],
];

/** One device's answer that is not what it should be, among good ones. */
const BAD_ANSWERS: readonly (readonly [name: string, forge: string, cause: RejectionCause, text: RegExp])[] = [
  [
    'bytes that are no message',
    '(up) => { new Uint8Array(up.frame).fill(0xc1, 8, 40); return up; }',
    'malformed',
    /^frame from host 1, byte 0.*: expected/,
  ],
  [
    'the answer to another round',
    update('() => ({ round: 1 })'),
    'round',
    /^frame from host 1, device \d+: expected round 2, found round 1$/,
  ],
  [
    "an answer in another host's device's name",
    update('() => ({ device: 0 })'),
    'identity',
    /^frame from host 1: expected answers of devices that were asked, found one of device 0$/,
  ],
  [
    'the answer of a device that does not exist',
    update('() => ({ device: 4000 })'),
    'identity',
    /^frame from host 1: expected answers of devices that were asked, found one of device 4000$/,
  ],
  [
    'a score where an update is due',
    '(up, [{ round, device }, ...rest]) => reply(up, [{ kind: "score", round, device, valid: { count: 0, sums: [] }, test: { count: 0, sums: [] } }, ...rest])',
    'kind',
    /^answer of device \d+: expected update or refuse, found score$/,
  ],
  [
    'a kind of message nobody knows',
    update('() => ({ kind: "gossip" })'),
    'malformed',
    /^frame from host 1, byte 0, message kind: expected .*, found "gossip"$/,
  ],
  [
    'a field nobody knows',
    update('() => ({ rating: 4.5 })'),
    'malformed',
    /^frame from host 1, byte 0, update message.*: expected the fields .*, found "rating"$/,
  ],
  [
    'a loss that is not a number',
    update('() => ({ loss: NaN })'),
    'malformed',
    /^frame from host 1, byte 0, update message.*loss: expected a finite number/,
  ],
  [
    'an infinite loss',
    update('() => ({ loss: -Infinity })'),
    'malformed',
    /^frame from host 1, byte 0, update message.*loss: expected a finite number/,
  ],
  [
    'half a rating',
    update('() => ({ count: 1.5 })'),
    'malformed',
    /^frame from host 1, byte 0, update message.*count: expected a whole number ≥ 0, found 1.5$/,
  ],
  ['another dtype', tensor('() => ({ dtype: "f16" })'), 'dtype', /^update of device \d+, tensor items_low: expected dtype f32, found f16$/],
  [
    'another shape',
    tensor('({ shape: [n, s] }) => ({ shape: [s, n] })'),
    'shape',
    /^update of device \d+, tensor items_low: expected shape \[\d+, 3\], found/,
  ],
  [
    'less data than its shape says',
    tensor('({ data: [piece] }) => ({ data: [piece.subarray(4)] })'),
    'shape',
    /^update of device \d+, tensor items_low: expected \d+ bytes, found \d+$/,
  ],
  [
    'a tensor too few',
    update('({ tensors }) => ({ tensors: tensors.slice(1) })'),
    'shape',
    /^update of device \d+: expected 6 tensors, found 5$/,
  ],
  [
    'more rows than there are items',
    update('() => ({ rows: Uint32Array.from({ length: 25 }, (_, item) => item) })'),
    'rows',
    /^update of device \d+: expected items below 24, found 24$/,
  ],
  [
    'more rows than the tensors have',
    update('() => ({ rows: Uint32Array.from({ length: 24 }, (_, item) => item) })'),
    'shape',
    /^update of device \d+, tensor items_low: expected shape \[24, 3\], found/,
  ],
  [
    'rows out of order',
    update('({ rows }) => ({ rows: rows.slice().reverse() })'),
    'malformed',
    /^frame from host 1, byte 0.*rows: expected ascending item ids/,
  ],
  [
    'a gradient that is not a number',
    tensor('({ data: [piece] }) => ({ data: [Buffer.from(new Float32Array(piece.length / 4).fill(NaN).buffer)] })'),
    'not-finite',
    /^update of device \d+, tensor items_low: expected finite numbers, found others$/,
  ],
  ['no ratings at all', update('() => ({ count: 0 })'), 'sums', /^update of device \d+, count: expected 1 to 24 ratings, found 0$/],
];

describe('a run whose host sends', () => {
  for (const [name, forge, error] of BROKEN_FRAMES) {
    it(`${name} fails with one line and keeps what it has`, async () => {
      const folder = await temporaryFolder();
      const checkpoints = { last: join(folder, 'last'), best: join(folder, 'best') };
      const { run, events } = await start({ hostEntry: await inRoundTwo(forge), checkpoints });
      const failure = await failureOf(run.finished);
      expect(isMetafleetError(failure, 'MESSAGE')).toBe(true);
      expect((failure as Error).message).toMatch(error);
      expect((failure as Error).message).not.toContain('\n');
      // The round before it stands, in the checkpoint that is written all the same.
      expect(roundsOf(events).map(({ round }) => round)).toEqual([1]);
      expect(events.at(-1)).toMatchObject({ type: 'checkpoint', path: checkpoints.last, round: 1 });
      expect((await stat(checkpoints.last)).size).toBeGreaterThan(1000);
    });
  }
});

describe('a round in which one device sends', () => {
  /** The same run, but for that device's polite refusal. */
  const withRefusal = once(async () => {
    const refusal = '(up, [{ round, device }, ...rest]) => reply(up, [{ kind: "refuse", round, device, reason: "busy" }, ...rest])';
    return (await finish({ hostEntry: await inRoundTwo(refusal) })).outcome.digest;
  });

  for (const [name, forge, cause, text] of BAD_ANSWERS) {
    it(`${name} counts, explains and forgets it`, async () => {
      const { outcome, events } = await finish({ hostEntry: await inRoundTwo(forge) });
      const [first, second, third] = roundsOf(events);
      expect(outcome).toMatchObject({ reason: 'completed', digest: await withRefusal() });
      expect(second!.outcomes).toMatchObject({ assigned: 8, trained: 7, rejected: { [cause]: 1 }, refused: {}, dropped: {} });
      expect(second!.rejections).toEqual([expect.stringMatching(text)]);
      for (const { outcomes, rejections } of [first!, third!]) expect([outcomes.trained, rejections]).toEqual([8, []]);
    });
  }
});

it('a copy of an answer is counted and changes nothing', async () => {
  const twice = await inRoundTwo('(up, messages) => reply(up, [...messages, messages[0]])');
  const [undisturbed, { outcome, events }] = await Promise.all([finish(), finish({ hostEntry: twice })]);
  expect(outcome.digest).toBe(undisturbed.outcome.digest);
  expect(
    roundsOf(events)
      .map(({ duplicates }) => duplicates)
      .slice(0, 3),
  ).toEqual([0, 1, 0]);
  expect(roundsOf(events)[1]!.outcomes).toMatchObject({ assigned: 8, trained: 8, rejected: {} });
});

it('rows that were not asked for in subset delivery, or that no item has, keep that device out of the round', async () => {
  const hostile = await tamperingHost(`
const tamper = ({ messages, ...up }, asked, host) =>
  host === 1 && asked[0].round === 2 && asked[0].kind === 'assign' && asked[0].purpose === 'train'
    ? reply(up, messages.map((message) => ({ ...message, rows: Uint32Array.of(3, 24) })))
    : up;
`);
  const { events } = await finish({ hostEntry: hostile, config: { delivery: 'subset' } });
  const { outcomes, rejections } = roundsOf(events)[1]!;
  expect(outcomes.rejected.rows).toBeGreaterThan(0);
  expect(outcomes.trained + outcomes.rejected.rows!).toBe(8);
  expect(rejections[0]).toMatch(/^rows wanted by device \d+: expected items below 24, found 24$/);
});

it('an answer that is none ends a measurement, which would be another one without that device', async () => {
  const hostile = await tamperingHost(`
const tamper = ({ messages: [first, ...rest], ...up }, asked, host) =>
  host === 1 && asked[0].round === 4 && asked[0].kind === 'model' && asked[0].purpose === 'evaluate'
    ? reply(up, [{ ...first, round: 3 }, ...rest])
    : up;
`);
  const failure = await failureOf(finish({ hostEntry: hostile }));
  expect((failure as Error).message).toMatch(/^frame from host 1, device \d+: expected round 4, found round 3$/);
});

it('a run that failed while it was measuring is resumed with that measurement, to the undisturbed end', async () => {
  const folder = await temporaryFolder();
  const checkpoints = { last: join(folder, 'last'), best: join(folder, 'best') };
  const hostile = await tamperingHost(`
const tamper = ({ messages, ...up }, asked) =>
  asked[0].round === 8 && asked[0].purpose === 'evaluate' ? { ...up, length: up.length - 1 } : up;
`);
  const undisturbed = await finish();
  const { run, events } = await start({ hostEntry: hostile, checkpoints });
  await expect(run.finished).rejects.toThrow(/^frame from host \d, byte \d+: expected/);
  const resumed = await finish({ resume: checkpoints.last, checkpoints });
  expect(resumed.outcome).toEqual(undisturbed.outcome);
  const { epochs } = storyOf(undisturbed.events);
  expect([...storyOf(events).epochs, ...storyOf(resumed.events).epochs]).toEqual(epochs);
  expect(epochsOf(resumed.events).map(({ epoch }) => epoch)).toEqual([2, 3]);
});

it('devices that refuse are left out of their round, and the run goes on', async () => {
  const shy = await tamperingHost(`
const refusal = ({ kind, round, device }) => ({ kind: 'refuse', round, device, reason: 'the battery is low' });
const tamper = ({ messages, ...up }, asked, host) =>
  host === 0 && asked[0].kind === 'model' && asked[0].purpose === 'train' && asked[0].round <= 2 ? reply(up, messages.map(refusal)) : up;
`);
  const [undisturbed, { outcome, events }] = await Promise.all([finish(), finish({ hostEntry: shy })]);
  expect(outcome.reason).toBe('completed');
  expect(outcome.digest).not.toBe(undisturbed.outcome.digest);
  const [first, , third] = roundsOf(events);
  expect(first!.traffic.map(({ kind }) => kind)).toContain('refuse');
  expect(first!.ratings).toBeLessThan(roundsOf(undisturbed.events)[0]!.ratings);
  expect(third!.ratings).toBe(roundsOf(undisturbed.events)[2]!.ratings);
});
