import { serialize } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { isMetafleetError } from '../../../src/base/errors.js';
import { bytes, deviceId, joules, seconds } from '../../../src/base/units.js';
import { packRoundState, unpackRoundState } from '../../../src/coordinator/checkpoint/round-state.js';
import type { ClientTask } from '../../../src/coordinator/round/client-task.js';
import type { Sampler } from '../../../src/coordinator/sampling/sampler.js';
import { REJECTIONS } from '../../../src/events/outcomes.js';
import { NO_SERVER_STEPS } from '../../../src/updates/server-steps.js';
import { clientTasksOf } from '../../support/coordinator/client-tasks.js';
import { samplerFor, samplerOf, settingsOf } from '../../support/coordinator/in-process-coordinator.js';
import { algorithmOf, WORLD } from '../../support/device/small-world.js';

const { up: tensors } = algorithmOf().wire;
const FACTS = { ...WORLD, profiles: 2, tensors, round: 5 };
const TASKS = clientTasksOf(tensors);
const COST: NonNullable<ClientTask['cost']> = {
  ...{ device: deviceId(0), profile: 1, lost: null, down: seconds(1), compute: seconds(2), up: seconds(3) },
  ...{ bytesDown: bytes(10), bytesUp: bytes(20), operations: 30, energy: joules(4) },
  used: { memory: 0.1, storage: 0.2, dataPlan: 0.3, battery: 0.4, compute: 0.5 },
};
const ROUNDS = { now: seconds(12), asked: 40, inFlight: [{ ...TASKS[0]!, cost: COST }, ...TASKS.slice(1)], norms: [0.5, 2] };
const LEARNED = { known: [[3, [2.5, 4, 1]]], tried: [3, 5] };

const oort = () => samplerFor(settingsOf({ sampler: samplerOf('oort') }), new Uint32Array(12).fill(3));
const roundRobin = () => samplerFor(settingsOf({ sampler: samplerOf('round-robin') }), new Uint32Array(12).fill(3));

const learnersOf = (sampler: Sampler) => ({ sampler, steps: NO_SERVER_STEPS, ledger: null });
const unpack = (value: unknown, sampler = oort()) => unpackRoundState(serialize(value), FACTS, learnersOf(sampler), 'last');

const refused = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (!isMetafleetError(error, 'CHECKPOINT')) throw error;
    return error.message;
  }
  throw new Error('it was accepted');
};

/** The first task, an update, with something else in it. */
const task = (change: object) => ({ ...ROUNDS, inFlight: [{ ...ROUNDS.inFlight[0]!, ...change }] });
const outcome = TASKS[0]!.outcome as Extract<ClientTask['outcome'], { kind: 'update' }>;
const update = (change: object) => task({ outcome: { ...outcome, update: { ...outcome.update, ...change } } });

const tensorsOf = (change: (values: Float32Array) => unknown) => update({ tensors: outcome.update.tensors.map(change) });
const OUTCOME = 'expected update, refused, dropped or rejected, found';

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
    'more tasks than devices',
    { ...ROUNDS, inFlight: Array.from({ length: 13 }, () => TASKS[1]) },
    '.inFlight: expected at most 12 entries, found 13',
  ],
  ['a task that is none', { ...ROUNDS, inFlight: [TASKS[1], 7] }, '.inFlight[1]: expected an object, found 7'],
  ['a device beyond the fleet', task({ device: 12 }), '.inFlight[0].device: expected a whole number from 0 to 11, found 12'],
  ['a device before the first', task({ device: -1 }), '.inFlight[0].device: expected a whole number from 0 to 11, found -1'],
  ['a device twice', { ...ROUNDS, inFlight: [TASKS[1], TASKS[1]] }, '.inFlight[1].device: expected each device once, found 1'],
  ['a round to come', task({ round: 6 }), '.inFlight[0].round: expected a whole number from 1 to 5, found 6'],
  ['a round before the first', task({ round: 0 }), '.inFlight[0].round: expected a whole number from 1 to 5, found 0'],
  ['a question before the start', task({ sent: -1 }), '.inFlight[0].sent: expected a number of at least 0, found -1'],
  ['an answer before the question', task({ sent: 3, arrives: 2 }), '.inFlight[0].arrives: expected a number of at least 3, found 2'],
  ['a cost that is none', task({ cost: 1 }), '.inFlight[0].cost: expected an object, found 1'],
  [
    'a profile the mix has not',
    task({ cost: { ...COST, profile: 2 } }),
    '.inFlight[0].cost.profile: expected a whole number from 0 to 1, found 2',
  ],
  [
    'an unknown silence',
    task({ cost: { ...COST, lost: 'mood' } }),
    '.inFlight[0].cost.lost: expected one of unavailable, before, during, after, found mood',
  ],
  ['energy that is none', task({ cost: { ...COST, energy: -1 } }), '.inFlight[0].cost.energy: expected a number of at least 0, found -1'],
  [
    'a budget that grows',
    task({ cost: { ...COST, used: { ...COST.used, battery: -0.1 } } }),
    '.inFlight[0].cost.used.battery: expected a number of at least 0, found -0.1',
  ],
  [
    'an unknown budget',
    task({ cost: { ...COST, used: {} } }),
    '.inFlight[0].cost.used: expected the fields battery, compute, dataPlan, memory, storage, found ',
  ],
  ['an outcome in a number', task({ outcome: 7 }), `.inFlight[0].outcome.kind: ${OUTCOME} undefined`],
  ['no outcome', task({ outcome: null }), `.inFlight[0].outcome.kind: ${OUTCOME} undefined`],
  ['an unknown outcome', task({ outcome: { kind: 'lost' } }), `.inFlight[0].outcome.kind: ${OUTCOME} lost`],
  ['an outcome in another form', task({ outcome: ['update'] }), `.inFlight[0].outcome.kind: ${OUTCOME} undefined`],
  [
    'an unknown cause of a refusal',
    task({ outcome: { kind: 'refused', cause: 'mood' } }),
    '.inFlight[0].outcome.cause: expected one of no ratings, memory, storage, data plan, battery, secure sum, other, found mood',
  ],
  [
    'an unknown stage',
    task({ outcome: { kind: 'dropped', stage: 7 } }),
    '.inFlight[0].outcome.stage: expected one of unavailable, before, during, after, found 7',
  ],
  [
    'an unknown cause of a rejection',
    task({ outcome: { kind: 'rejected', cause: 'toString' } }),
    `.inFlight[0].outcome.cause: expected one of ${REJECTIONS.join(', ')}, found toString`,
  ],
  [
    'a cause in the place of a stage',
    task({ outcome: { kind: 'dropped', cause: 'during' } }),
    '.inFlight[0].outcome: expected the fields kind, stage, found cause, kind',
  ],
  [
    'a loss below nothing',
    task({ outcome: { ...outcome, loss: -1 } }),
    '.inFlight[0].outcome.loss: expected a number of at least 0, found -1',
  ],
  ["another device's update", update({ device: 1 }), '.inFlight[0].outcome.device: expected 0, found 1'],
  ['an update of nothing', update({ count: 0 }), '.inFlight[0].outcome.count: expected a whole number from 1 to 40, found 0'],
  ['an update of too much', update({ count: 41 }), '.inFlight[0].outcome.count: expected a whole number from 1 to 40, found 41'],
  ['items in another form', update({ rows: [1, 3, 4] }), '.inFlight[0].outcome.rows: expected item ids, found a list'],
  [
    'items there are none of',
    update({ rows: Uint32Array.of(1, 3, 40) }),
    '.inFlight[0].outcome.rows: expected ascending items below 40, found 40',
  ],
  [
    'items out of order',
    update({ rows: Uint32Array.of(3, 1, 4) }),
    '.inFlight[0].outcome.rows: expected ascending items below 40, found 1',
  ],
  ['an item twice', update({ rows: Uint32Array.of(1, 4, 4) }), '.inFlight[0].outcome.rows: expected ascending items below 40, found 4'],
  [
    'a tensor too few',
    update({ tensors: outcome.update.tensors.slice(0, -1) }),
    '.inFlight[0].outcome, tensor b2: expected float32 numbers, found undefined',
  ],
  [
    'a tensor too many',
    update({ tensors: [...outcome.update.tensors, new Float32Array(1)] }),
    '.inFlight[0].outcome.tensors: expected at most 6 entries, found 7',
  ],
  ['a row too many', update({ rows: Uint32Array.of(1, 3) }), '.inFlight[0].outcome, tensor items_low: expected 6 numbers, found 9'],
  [
    'numbers in another form',
    tensorsOf((values) => [...values]),
    '.inFlight[0].outcome, tensor items_low: expected float32 numbers, found a list',
  ],
  [
    'a gradient that is not a number',
    tensorsOf((values) => values.map((value, index) => (index === 0 ? Number.NaN : value))),
    '.inFlight[0].outcome, tensor items_low: expected finite numbers, found others',
  ],
];

describe('what rounds hand on in a checkpoint', () => {
  it('comes back as it was', () => {
    const sampler = oort();
    expect(
      unpackRoundState(packRoundState(ROUNDS, learnersOf({ ...sampler, state: () => LEARNED })), FACTS, learnersOf(sampler), 'last'),
    ).toEqual(ROUNDS);
    expect(sampler.state()).toEqual(LEARNED);
  });

  it('of a checkpoint before version 4 is read, where tasks had fates and trips', () => {
    const older = ROUNDS.inFlight.map(({ outcome: fate, cost, ...rest }) => {
      if (cost === null) return { ...rest, trip: null, fate };
      const { device: _, ...trip } = cost;
      return { ...rest, trip, fate };
    });
    expect(older.some(({ trip }) => trip !== null)).toBe(true);
    expect(unpack({ rounds: { ...ROUNDS, inFlight: older }, sampler: LEARNED })).toEqual(ROUNDS);
    const forged = [{ ...older[0]!, trip: 7 }];
    expect(refused(() => unpack({ rounds: { ...ROUNDS, inFlight: forged }, sampler: LEARNED }))).toBe(
      'last, state of the policies.inFlight[0].cost: expected an object, found 7',
    );
  });

  for (const [name, rounds, text] of FORGED) {
    it(`is refused with ${name}`, () => {
      expect(refused(() => unpack({ rounds, sampler: LEARNED }))).toBe(`last, state of the policies${text}`);
    });
  }

  it('may be at the edges of what can be', () => {
    for (const rounds of [
      { now: 0, asked: 0, inFlight: [], norms: Array(256).fill(0) },
      task({ device: 0, round: 5, sent: 0, arrives: 0, cost: { ...COST, profile: 0, lost: 'after', energy: 0 } }),
      task({ outcome: { ...outcome, loss: 0, update: { ...outcome.update, count: 40 } } }),
      update({ count: 1, rows: Uint32Array.of(0, 1, 39) }),
      { ...ROUNDS, inFlight: [{ ...TASKS[1]!, device: 11 }] },
    ])
      expect(unpack({ rounds, sampler: LEARNED })).toEqual(rounds);
  });

  it('is refused where it is no data of V8', () => {
    expect(refused(() => unpackRoundState(Uint8Array.of(255, 15, 1, 2), FACTS, learnersOf(oort()), 'last'))).toMatch(
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
