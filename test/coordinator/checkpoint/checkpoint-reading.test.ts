import { existsSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkpointFile, readCheckpointHeader, readWeights, writeCheckpoint } from '../../../src/coordinator/checkpoint/checkpoint.js';
import { writeSealed } from '../../../src/coordinator/checkpoint/sealed-file.js';
import { contentOf, digestOf, parametersOf, SHAPES, tensorsOf, useCheckpointPlace } from '../../support/coordinator/checkpoints.js';

const place = useCheckpointPlace();

describe('reading a checkpoint', () => {
  it('takes its weights alone for a measurement, with or without optimizer state', () => {
    const saved = parametersOf(1);
    for (const weightsOnly of [false, true]) {
      writeCheckpoint(place.path, contentOf(saved, { weightsOnly, roundState: Uint8Array.of(1, 2, 3) }));
      const restored = parametersOf(2);
      expect(readWeights(place.path, 'metamf', tensorsOf(restored))).toEqual({ run: contentOf([]).run, round: 9 });
      expect(digestOf(restored)).toBe(digestOf(saved));
    }
    expect(place.failure(() => readWeights(place.path, 'fedavg', tensorsOf(parametersOf())))).toBe(
      ': expected algorithm fedavg, found metamf',
    );
    expect(place.failure(() => readWeights(place.path, 'metamf', tensorsOf(parametersOf(1, SHAPES.slice(1)))))).toMatch(
      /^, tensor 0: expected M of 28 bytes/,
    );
  });

  it.skipIf(!existsSync('/proc/self/fd'))('closes the file again, sound or not', () => {
    writeCheckpoint(place.path, contentOf(parametersOf(1)));
    const before = readdirSync('/proc/self/fd').length;
    for (let times = 0; times < 20; times++) readCheckpointHeader(place.path);
    truncateSync(place.path, statSync(place.path).size - 1);
    for (let times = 0; times < 20; times++) expect(place.failure(place.read)).toMatch('ends too early');
    expect(readdirSync('/proc/self/fd').length).toBe(before);
  });

  it('takes its header alone, for any rest', () => {
    writeCheckpoint(place.path, contentOf(parametersOf(1)));
    truncateSync(place.path, statSync(place.path).size - 1);
    expect(readCheckpointHeader(place.path)).toMatchObject({ round: 9, run: contentOf([]).run });
    writeFileSync(place.path, 'user,item,rating\n1,2,3\n');
    expect(place.failure(() => readCheckpointHeader(place.path))).toBe(': expected the magic "METAFLT1", found "user,ite"');
  });

  it('allocates no more than the file can hold', () => {
    const saved = parametersOf(1);
    const { magic, header, stretches } = checkpointFile(contentOf(saved));
    const content = [...stretches];
    for (const roundState of [-1, 0.5, '1', 2 ** 40]) {
      writeSealed(place.path, magic, { ...header, roundState }, content);
      const text = `, roundState: expected 0 to ${statSync(place.path).size} bytes, found ${roundState}`;
      expect(place.failure(place.read)).toBe(text);
      expect(place.failure(() => readWeights(place.path, 'metamf', tensorsOf(parametersOf())))).toBe(text);
    }
    writeSealed(place.path, magic, { ...header, roundState: 0 }, content);
    expect(place.read()).toMatchObject({ round: 9, roundState: new Uint8Array(0) });
    writeSealed(place.path, magic, { ...header, roundState: 1 }, content);
    expect(place.failure(place.read)).toBe(': expected a whole checkpoint, found a file that ends too early');
  });

  it('names other tensors in one line, for any names', () => {
    const { magic, header, stretches } = checkpointFile(contentOf(parametersOf(1)));
    const content = [...stretches];
    const { tensors } = header as { readonly tensors: readonly object[] };
    const forged = (entry: object): string => {
      writeSealed(place.path, magic, { ...header, tensors: [{ ...tensors[0], ...entry }, ...tensors.slice(1)] }, content);
      return place.failure(place.read);
    };
    const expected = ', tensor 0: expected U of 60 bytes with moment of 60, variance of 60, found ';
    const kept = ' of 60 bytes with moment of 60, variance of 60';
    expect(forged({ name: 'U\n\tand  more' })).toBe(`${expected}U and more${kept}`);
    expect(forged({ name: 'x'.repeat(999) })).toBe(`${expected}${'x'.repeat(200)}`);
    expect(forged({ bytes: 61 })).toBe(`${expected}U of 61 bytes with moment of 60, variance of 60`);
    expect(forged({ state: [{ name: 'to\nes', bytes: 60 }, 7] })).toBe(`${expected}U of 60 bytes with to es of 60, 7`);
    for (const state of [[], 'moment', null, undefined]) expect(forged({ state })).toBe(`${expected}U of 60 bytes`);
  });
});
