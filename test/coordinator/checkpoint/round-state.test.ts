import { serialize } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { isMetafleetError } from '../../../src/base/errors.js';
import { bytes, joules, seconds } from '../../../src/base/units.js';
import { packCarried, unpackCarried } from '../../../src/coordinator/checkpoint/round-state.js';
import type { Flight } from '../../../src/coordinator/round/client-task.js';
import { createSampler } from '../../../src/coordinator/sampling/sampling.js';
import { REJECTIONS } from '../../../src/events/outcomes.js';
import { flightsOf } from '../../support/coordinator/client-tasks.js';
import { settingsOf } from '../../support/coordinator/in-process-coordinator.js';
import { algorithmOf, WORLD } from '../../support/device/small-world.js';

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

const tensorsOf = (change: (values: Float32Array) => unknown) => update({ tensors: fate.update.tensors.map(change) });
const FATE = 'expected update, refused, dropped or rejected, found';

/** What they are refused with, behind the name of the state. */
const FORGED: readonly (readonly [name: string, rounds: unknown, text: string])[] = [
  ['no object', 'rounds', ': expected an object, found rounds'],
  ['nothing at all', undefined, ': expected an object, found undefined'],
  ['nothing', null, ': expected an object, found null'],
  ['a list for an object', [ROUNDS], ': expected an object, found a list'],
  ['an object of another kind', new Map(Object.entries(ROUNDS)), ': expected an object, found an object'],
  ['text without end', 'x'.repeat(5000), `: expected an object, found ${'x'.repeat(100)}`],
  ['another field', { ...ROUNDS, more: 1 }, ': expected the fields asked, inFlight, norms, now, found asked, inFlight, more, norms, now'],
  ['a field too few', { now: 1, inFlight: [], norms: [] }, ': expected the fields asked, inFlight, norms, now, found inFlight, norms, now'],
  ['a time that is none', { ...ROUNDS, now: Number.NaN }, '.now: expected a number of at least 0, found NaN'],
  ['a time before the first', { ...ROUNDS, now: -1 }, '.now: expected a number of at least 0, found -1'],
  ['a time in words', { ...ROUNDS, now: '1' }, '.now: expected a number of at least 0, found 1'],
  ['fewer than none asked', { ...ROUNDS, asked: -1 }, '.asked: expected a whole number from 0 to 9007199254740991, found -1'],
  ['half a device asked', { ...ROUNDS, asked: 0.5 }, '.asked: expected a whole number from 0 to 9007199254740991, found 0.5'],
  ['no list', { ...ROUNDS, norms: { length: 1 } }, '.norms: expected a list, found an object'],
  [
    'a list with billions of holes',
    { ...ROUNDS, norms: Object.assign([], { length: 2 ** 32 - 1 }) },
    '.norms: expected at most 256 entries, found 4294967295',
  ],
  ['a norm that is none', { ...ROUNDS, norms: [1, Number.POSITIVE_INFINITY] }, '.norms: expected a number of at least 0, found Infinity'],
  [
    'more flights than devices',
    { ...ROUNDS, inFlight: Array.from({ length: 13 }, () => FLIGHTS[1]) },
    '.inFlight: expected at most 12 entries, found 13',
  ],
  ['a flight that is none', { ...ROUNDS, inFlight: [FLIGHTS[1], 7] }, '.inFlight[1]: expected an object, found 7'],
  ['a device beyond the fleet', flight({ device: 12 }), '.inFlight[0].device: expected a whole number from 0 to 11, found 12'],
  ['a device before the first', flight({ device: -1 }), '.inFlight[0].device: expected a whole number from 0 to 11, found -1'],
  ['a device twice', { ...ROUNDS, inFlight: [FLIGHTS[1], FLIGHTS[1]] }, '.inFlight[1].device: expected each device once, found 1'],
  ['a round to come', flight({ round: 6 }), '.inFlight[0].round: expected a whole number from 1 to 5, found 6'],
  ['a round before the first', flight({ round: 0 }), '.inFlight[0].round: expected a whole number from 1 to 5, found 0'],
  ['a question before the start', flight({ sent: -1 }), '.inFlight[0].sent: expected a number of at least 0, found -1'],
  ['an answer before the question', flight({ sent: 3, arrives: 2 }), '.inFlight[0].arrives: expected a number of at least 3, found 2'],
  ['a trip that is none', flight({ trip: 1 }), '.inFlight[0].trip: expected an object, found 1'],
  [
    'a profile the mix has not',
    flight({ trip: { ...TRIP, profile: 2 } }),
    '.inFlight[0].trip.profile: expected a whole number from 0 to 1, found 2',
  ],
  [
    'an unknown silence',
    flight({ trip: { ...TRIP, lost: 'mood' } }),
    '.inFlight[0].trip.lost: expected one of unavailable, before, during, after, found mood',
  ],
  ['energy that is none', flight({ trip: { ...TRIP, energy: -1 } }), '.inFlight[0].trip.energy: expected a number of at least 0, found -1'],
  [
    'a budget that grows',
    flight({ trip: { ...TRIP, used: { ...TRIP.used, battery: -0.1 } } }),
    '.inFlight[0].trip.used.battery: expected a number of at least 0, found -0.1',
  ],
  [
    'an unknown budget',
    flight({ trip: { ...TRIP, used: {} } }),
    '.inFlight[0].trip.used: expected the fields battery, compute, dataPlan, memory, storage, found ',
  ],
  ['a fate in a number', flight({ fate: 7 }), `.inFlight[0].fate.kind: ${FATE} undefined`],
  ['no fate', flight({ fate: null }), `.inFlight[0].fate.kind: ${FATE} undefined`],
  ['an unknown fate', flight({ fate: { kind: 'lost' } }), `.inFlight[0].fate.kind: ${FATE} lost`],
  ['a fate in another form', flight({ fate: ['update'] }), `.inFlight[0].fate.kind: ${FATE} undefined`],
  [
    'an unknown cause of a refusal',
    flight({ fate: { kind: 'refused', cause: 'mood' } }),
    '.inFlight[0].fate.cause: expected one of no ratings, memory, storage, data plan, battery, other, found mood',
  ],
  [
    'an unknown stage',
    flight({ fate: { kind: 'dropped', stage: 7 } }),
    '.inFlight[0].fate.stage: expected one of unavailable, before, during, after, found 7',
  ],
  [
    'an unknown cause of a rejection',
    flight({ fate: { kind: 'rejected', cause: 'toString' } }),
    `.inFlight[0].fate.cause: expected one of ${REJECTIONS.join(', ')}, found toString`,
  ],
  [
    'a cause in the place of a stage',
    flight({ fate: { kind: 'dropped', cause: 'during' } }),
    '.inFlight[0].fate: expected the fields kind, stage, found cause, kind',
  ],
  ['a loss below nothing', flight({ fate: { ...fate, loss: -1 } }), '.inFlight[0].fate.loss: expected a number of at least 0, found -1'],
  ["another device's update", update({ device: 1 }), '.inFlight[0].fate.device: expected 0, found 1'],
  ['an update of nothing', update({ count: 0 }), '.inFlight[0].fate.count: expected a whole number from 1 to 40, found 0'],
  ['an update of too much', update({ count: 41 }), '.inFlight[0].fate.count: expected a whole number from 1 to 40, found 41'],
  ['items in another form', update({ rows: [1, 3, 4] }), '.inFlight[0].fate.rows: expected item ids, found a list'],
  [
    'items there are none of',
    update({ rows: Uint32Array.of(1, 3, 40) }),
    '.inFlight[0].fate.rows: expected ascending items below 40, found 40',
  ],
  ['items out of order', update({ rows: Uint32Array.of(3, 1, 4) }), '.inFlight[0].fate.rows: expected ascending items below 40, found 1'],
  ['an item twice', update({ rows: Uint32Array.of(1, 4, 4) }), '.inFlight[0].fate.rows: expected ascending items below 40, found 4'],
  [
    'a tensor too few',
    update({ tensors: fate.update.tensors.slice(0, -1) }),
    '.inFlight[0].fate, tensor b2: expected float32 numbers, found undefined',
  ],
  [
    'a tensor too many',
    update({ tensors: [...fate.update.tensors, new Float32Array(1)] }),
    '.inFlight[0].fate.tensors: expected at most 6 entries, found 7',
  ],
  ['a row too many', update({ rows: Uint32Array.of(1, 3) }), '.inFlight[0].fate, tensor items_low: expected 6 numbers, found 9'],
  [
    'numbers in another form',
    tensorsOf((values) => [...values]),
    '.inFlight[0].fate, tensor items_low: expected float32 numbers, found a list',
  ],
  [
    'a gradient that is not a number',
    tensorsOf((values) => values.map((value, index) => (index === 0 ? Number.NaN : value))),
    '.inFlight[0].fate, tensor items_low: expected finite numbers, found others',
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
      expect(refused(() => unpack({ rounds, sampler: LEARNED }))).toBe(`last, state of the policies${text}`);
    });
  }

  it('may be at the edges of what can be', () => {
    for (const rounds of [
      { now: 0, asked: 0, inFlight: [], norms: Array(256).fill(0) },
      flight({ device: 0, round: 5, sent: 0, arrives: 0, trip: { ...TRIP, profile: 0, lost: 'after', energy: 0 } }),
      flight({ fate: { ...fate, loss: 0, update: { ...fate.update, count: 40 } } }),
      update({ count: 1, rows: Uint32Array.of(0, 1, 39) }),
      { ...ROUNDS, inFlight: [{ ...FLIGHTS[1]!, device: 11 }] },
    ])
      expect(unpack({ rounds, sampler: LEARNED })).toEqual(rounds);
  });

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
