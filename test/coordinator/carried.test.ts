import { serialize } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { isMetafleetError } from '../../src/base/errors.js';
import { bytes, joules, seconds } from '../../src/base/units.js';
import { packCarried, unpackCarried } from '../../src/coordinator/carried.js';
import type { Flight } from '../../src/coordinator/flight.js';
import { createSampler } from '../../src/coordinator/sampling.js';
import { algorithmOf, WORLD } from '../device/small-world.js';
import { flightsOf } from './flights.js';
import { settingsOf } from './in-process.js';

const { tensors } = algorithmOf();
const FACTS = { ...WORLD, profiles: 2, tensors, round: 5 };
const FLIGHTS = flightsOf(tensors);
const TRIP: NonNullable<Flight['trip']> = {
  ...{ profile: 1, lost: null, down: seconds(1), compute: seconds(2), up: seconds(3) },
  ...{ bytesDown: bytes(10), bytesUp: bytes(20), operations: 30, energy: joules(4) },
  used: { memory: 0.1, storage: 0.2, dataPlan: 0.3, battery: 0.4, compute: 0.5 },
};
const ROUNDS = { now: seconds(12), asked: 40, inFlight: [{ ...FLIGHTS[0]!, trip: TRIP }, ...FLIGHTS.slice(1)], norms: [0.5, 2] };
const LEARNED = { known: [[3, [2.5, 4, 1]]], tried: [3, 5] };

const oort = () => createSampler({ ...settingsOf({ sampling: 'oort' }), activity: new Uint32Array(12).fill(3), checkIn: () => 'charging' });
const roundRobin = () =>
  createSampler({ ...settingsOf({ sampling: 'round-robin' }), activity: new Uint32Array(12).fill(3), checkIn: () => 'charging' });

const unpack = (value: unknown, sampler = oort()) => unpackCarried(serialize(value), FACTS, sampler, 'last');

const refused = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (!isMetafleetError(error, 'CHECKPOINT')) throw error;
    return error.message;
  }
  throw new Error('it was accepted');
};

/** The first flight, an update, with something else in it. */
const flight = (change: object) => ({ ...ROUNDS, inFlight: [{ ...ROUNDS.inFlight[0]!, ...change }] });
const fate = FLIGHTS[0]!.fate as Extract<Flight['fate'], { kind: 'update' }>;
const update = (change: object) => flight({ fate: { ...fate, update: { ...fate.update, ...change } } });

const FORGED: readonly (readonly [name: string, rounds: unknown, text: RegExp])[] = [
  ['no object', 'rounds', /expected an object, found rounds$/],
  ['another field', { ...ROUNDS, more: 1 }, /expected the fields asked, inFlight, norms, now, found asked, inFlight, more, norms, now$/],
  ['a time that is none', { ...ROUNDS, now: Number.NaN }, /\.now: expected a number of at least 0, found NaN$/],
  [
    'a list with billions of holes',
    { ...ROUNDS, norms: Object.assign([], { length: 2 ** 32 - 1 }) },
    /norms: expected at most 256 entries/,
  ],
  ['a norm that is none', { ...ROUNDS, norms: [Number.POSITIVE_INFINITY] }, /norms: expected a number of at least 0, found Infinity$/],
  ['a device beyond the fleet', flight({ device: 12 }), /inFlight\[0\]\.device: expected a whole number from 0 to 11, found 12$/],
  ['a device twice', { ...ROUNDS, inFlight: [FLIGHTS[1], FLIGHTS[1]] }, /inFlight\[1\]\.device: expected each device once, found 1$/],
  ['a round to come', flight({ round: 6 }), /round: expected a whole number from 1 to 5, found 6$/],
  ['an answer before the question', flight({ sent: 3, arrives: 2 }), /arrives: expected a number of at least 3, found 2$/],
  ['a profile the mix has not', flight({ trip: { ...TRIP, profile: 2 } }), /trip\.profile: expected a whole number from 0 to 1, found 2$/],
  ['energy that is none', flight({ trip: { ...TRIP, energy: -1 } }), /trip\.energy: expected a number of at least 0, found -1$/],
  ['an unknown fate', flight({ fate: { kind: 'lost' } }), /fate\.kind: expected update, .* found lost$/],
  ['an unknown cause', flight({ fate: { kind: 'refused', cause: 'mood' } }), /fate\.cause: expected one of .*, found mood$/],
  ["another device's update", update({ device: 1 }), /update\.device: expected 0, found 1$|fate\.device: expected 0, found 1$/],
  ['items there are none of', update({ rows: Uint32Array.of(1, 3, 40) }), /rows: expected ascending items below 40, found 40$/],
  ['items out of order', update({ rows: Uint32Array.of(3, 1, 4) }), /rows: expected ascending items below 40, found 1$/],
  ['a tensor too few', update({ tensors: fate.update.tensors.slice(1) }), /tensor items_low: expected \d+ numbers/],
  [
    'a gradient that is not a number',
    update({ tensors: fate.update.tensors.map((values) => values.map(() => Number.NaN)) }),
    /tensor items_low: expected finite numbers, found others$/,
  ],
];

describe('what rounds hand on in a checkpoint', () => {
  it('comes back as it was', () => {
    const sampler = oort();
    expect(unpackCarried(packCarried({ rounds: ROUNDS, sampler: LEARNED }), FACTS, sampler, 'last')).toEqual(ROUNDS);
    expect(sampler.state()).toEqual(LEARNED);
  });

  for (const [name, rounds, text] of FORGED) {
    it(`is refused with ${name}`, () => {
      const message = refused(() => unpack({ rounds, sampler: LEARNED }));
      expect(message).toMatch(/^last, state of the policies/);
      expect(message).toMatch(text);
    });
  }

  it('is refused where it is no data of V8', () => {
    expect(refused(() => unpackCarried(Uint8Array.of(255, 15, 1, 2), FACTS, oort(), 'last'))).toMatch(
      /^last, state of the policies: expected/,
    );
  });

  it('is refused where the sampler can have learned no such thing', () => {
    const sparse = Object.assign([], { length: 2 ** 32 - 1 });
    const forged = [null, 7, {}, { ...LEARNED, tried: [12] }, { ...LEARNED, tried: sparse }, { ...LEARNED, known: [[3, [2.5, 0, 1]]] }];
    for (const sampler of [...forged, { ...LEARNED, known: [[3, [Number.NaN, 1, 1]]] }])
      expect(refused(() => unpack({ rounds: ROUNDS, sampler }))).toMatch(/^last, state of the policies: expected that of these, found/);
    for (const place of [-1, 12, 0.5, '3', null]) refused(() => unpack({ rounds: ROUNDS, sampler: place }, roundRobin()));
    expect(unpack({ rounds: ROUNDS, sampler: 11 }, roundRobin())).toEqual(ROUNDS);
  });
});
