import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createRuntime } from '../../../src/algorithms/port/runtime.js';
import type { NewTensor, Tensors } from '../../../src/algorithms/port/server.js';
import { random } from '../../../src/base/random.js';
import { readCheckpoint, readWeights, writeCheckpoint } from '../../../src/coordinator/checkpoint/checkpoint.js';
import { digestOf } from '../../../src/coordinator/checkpoint/digest.js';
import { PLAIN_ADAM } from '../../support/metamf/fleet.js';

const folder = mkdtempSync(join(tmpdir(), 'metafleet-tensors-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const runtimeOf = (seed = 1) => createRuntime({ seed, threads: 1, optimizer: null });
const uniform: NewTensor['initial'] = (source, values) => {
  for (let i = 0; i < values.length; i++) values[i] = source.uniform();
};
const SPECS: readonly NewTensor[] = [
  { name: 'items', shape: [4, 3], initial: uniform, state: ['moment', 'variance'] },
  { name: 'bias', shape: [], state: ['moment'] },
  { name: 'none', shape: [0, 5] },
];
const made = (seed = 1, specs = SPECS): Tensors => runtimeOf(seed).createTensors(specs);

describe('tensors that a server half makes', () => {
  it('have the names and sizes asked for, in that order, and what is kept with them has the same size', () => {
    expect(
      made().list.map(({ name, bytes, state }) => [name, bytes().length, state.map((kept) => [kept.name, kept.bytes().length])]),
    ).toEqual([
      [
        'items',
        48,
        [
          ['moment', 48],
          ['variance', 48],
        ],
      ],
      ['bias', 4, [['moment', 4]]],
      ['none', 0, []],
    ]);
  });

  it('start with what `initial` makes of a stream of their name and the seed, else with zeros', () => {
    const tensors = made(7);
    const source = random(7, 'initialize', 'items');
    expect(tensors.values('items')).toEqual(Float32Array.from({ length: 12 }, () => source.uniform()));
    expect(made(7).values('items')).toEqual(tensors.values('items'));
    expect(made(8).values('items')).not.toEqual(tensors.values('items'));
    const other = made(7, [{ ...SPECS[0]!, name: 'users' }]);
    expect(other.values('users')).not.toEqual(tensors.values('items'));
    for (const values of [tensors.values('bias'), tensors.values('items', 'moment'), tensors.values('bias', 'moment')])
      expect(values.every((value) => value === 0)).toBe(true);
  });

  it('are each one array, which the list shows and another thread can read', () => {
    const { list, values } = made();
    values('items', 'variance')[5] = 0.5;
    values('bias')[0] = 2;
    expect(values('items', 'variance')).toBe(values('items', 'variance'));
    expect(new Set([values('items'), values('items', 'moment'), values('items', 'variance'), values('bias')]).size).toBe(4);
    const shown = (bytes: Uint8Array) => [...new Float32Array(Uint8Array.from(bytes).buffer)];
    expect(shown(list[0]!.state[1]!.bytes())[5]).toBe(0.5);
    expect(shown(list[0]!.state[0]!.bytes())[5]).toBe(0);
    expect(shown(list[1]!.bytes())).toEqual([2]);
    expect(list[1]!.bytes().buffer).toBeInstanceOf(SharedArrayBuffer);
  });

  it('are refused where a name comes twice, of a tensor or of what is kept with it', () => {
    expect(() => made(1, [SPECS[0]!, SPECS[1]!, SPECS[0]!])).toThrow('createTensors: expected each name once, found items twice');
    expect(() => made(1, [{ name: 'items', shape: [1], state: ['moment', 'moment'] }])).toThrow(
      'createTensors: expected each name once, found items, moment twice',
    );
    expect(() =>
      made(1, [
        { name: 'items', shape: [1], state: ['moment'] },
        { name: 'items, moment', shape: [2] },
      ]),
    ).toThrow('createTensors: expected each name once, found items, moment twice');
  });

  it('are not had by a name that was not given, of a tensor or of what is kept with it', () => {
    const { values } = made();
    const known = 'createTensors: expected one of items; items, moment; items, variance; bias; bias, moment; none, found';
    expect(() => values('item')).toThrow(`${known} item`);
    expect(() => values('bias', 'variance')).toThrow(`${known} bias, variance`);
  });
});

describe('a checkpoint of them', () => {
  it('brings back values and what is kept with them; one of weights brings back the values alone', () => {
    const [saved, path] = [made(1), join(folder, 'last.checkpoint')];
    const keys = [['items'], ['items', 'moment'], ['items', 'variance'], ['bias'], ['bias', 'moment']] as const;
    keys.forEach(([name, state], index) => saved.values(name, state).fill(index + 0.5));
    const content = { algorithm: 'own', round: 3, optimizer: null, run: null };
    const [restored, weights] = [made(2), made(2)];
    writeCheckpoint(path, { ...content, weightsOnly: false, tensors: saved.list });
    readCheckpoint(path, 'own', restored.list);
    writeCheckpoint(path, { ...content, weightsOnly: true, tensors: saved.list });
    readWeights(path, 'own', weights.list);
    for (const [name, state] of keys) {
      expect(restored.values(name, state)).toEqual(saved.values(name, state));
      expect(weights.values(name, state), `${name} ${state}`).toEqual((state === undefined ? saved : made(2)).values(name, state));
    }
    expect(digestOf(restored.list)).toBe(digestOf(saved.list));
  });

  it('is refused for tensors of which something else is kept', () => {
    const path = join(folder, 'other.checkpoint');
    const content = { algorithm: 'own', round: 3, optimizer: null, run: null, weightsOnly: false };
    writeCheckpoint(path, { ...content, tensors: made().list });
    const read = (state: readonly string[]) => readCheckpoint(path, 'own', made(1, [{ ...SPECS[0]!, state }, ...SPECS.slice(1)]).list);
    expect(() => read(['moment'])).toThrow(
      'tensor 0: expected items of 48 bytes with moment of 48, found items of 48 bytes with moment of 48, variance of 48',
    );
    expect(() => read(['variance', 'moment'])).toThrow('expected items of 48 bytes with variance of 48, moment of 48, found');
    expect(read(['moment', 'variance']).round).toBe(3);
  });
});

it('a runtime has what it was made with, and streams of the seed and the keys', () => {
  const runtime = createRuntime({ seed: 5, threads: 3, optimizer: PLAIN_ADAM });
  expect(runtime).toMatchObject({ seed: 5, threads: 3, optimizer: PLAIN_ADAM });
  expect(runtime.random('some', 2).uniform()).toBe(random(5, 'some', 2).uniform());
  expect(runtime.random('some', 3).uniform()).not.toBe(random(5, 'some', 2).uniform());
});
