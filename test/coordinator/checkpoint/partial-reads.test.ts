import { existsSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkpointFile, readCheckpointHeader, readWeights, writeCheckpoint } from '../../../src/coordinator/checkpoint/checkpoint.js';
import { writeSealed } from '../../../src/coordinator/checkpoint/sealed-file.js';
import { contentOf, digestOf, parametersOf, SHAPES, tensorsOf, useCheckpointFile } from '../../support/coordinator/checkpoint-files.js';

const { path, failure, read } = useCheckpointFile();

describe('what a checkpoint is read for', () => {
  it('is its weights alone for a measurement, with or without optimizer state', () => {
    const saved = parametersOf(1);
    for (const weightsOnly of [false, true]) {
      writeCheckpoint(path, contentOf(saved, { weightsOnly, roundState: Uint8Array.of(1, 2, 3) }));
      const restored = parametersOf(2);
      expect(readWeights(path, 'metamf', tensorsOf(restored))).toEqual({ run: contentOf([]).run, round: 9 });
      expect(digestOf(restored)).toBe(digestOf(saved));
    }
    expect(failure(() => readWeights(path, 'fedavg', tensorsOf(parametersOf())))).toBe(': expected algorithm fedavg, found metamf');
    expect(failure(() => readWeights(path, 'metamf', tensorsOf(parametersOf(1, SHAPES.slice(1)))))).toMatch(
      /^, tensor 0: expected M of 28 bytes/,
    );
  });

  it.skipIf(!existsSync('/proc/self/fd'))('is closed again, whether it was sound or not', () => {
    writeCheckpoint(path, contentOf(parametersOf(1)));
    const before = readdirSync('/proc/self/fd').length;
    for (let times = 0; times < 20; times++) readCheckpointHeader(path);
    truncateSync(path, statSync(path).size - 1);
    for (let times = 0; times < 20; times++) expect(failure(read)).toMatch('ends too early');
    expect(readdirSync('/proc/self/fd').length).toBe(before);
  });

  it('is its header alone, whatever became of the rest', () => {
    writeCheckpoint(path, contentOf(parametersOf(1)));
    truncateSync(path, statSync(path).size - 1);
    expect(readCheckpointHeader(path)).toMatchObject({ round: 9, run: contentOf([]).run });
    writeFileSync(path, 'user,item,rating\n1,2,3\n');
    expect(failure(() => readCheckpointHeader(path))).toBe(': expected the magic "METAFLT1", found "user,ite"');
  });

  it('is not more than the file can hold', () => {
    const saved = parametersOf(1);
    const { magic, header, stretches } = checkpointFile(contentOf(saved));
    const content = [...stretches];
    for (const roundState of [-1, 0.5, '1', 2 ** 40]) {
      writeSealed(path, magic, { ...header, roundState }, content);
      const text = `, roundState: expected 0 to ${statSync(path).size} bytes, found ${roundState}`;
      expect(failure(read)).toBe(text);
      expect(failure(() => readWeights(path, 'metamf', tensorsOf(parametersOf())))).toBe(text);
    }
    writeSealed(path, magic, { ...header, roundState: 0 }, content);
    expect(read()).toMatchObject({ round: 9, roundState: new Uint8Array(0) });
    writeSealed(path, magic, { ...header, roundState: 1 }, content);
    expect(failure(read)).toBe(': expected a whole checkpoint, found a file that ends too early');
  });

  it('names other tensors in one line, however they are called', () => {
    const { magic, header, stretches } = checkpointFile(contentOf(parametersOf(1)));
    const content = [...stretches];
    const { tensors } = header as { readonly tensors: readonly object[] };
    const forged = (entry: object): string => {
      writeSealed(path, magic, { ...header, tensors: [{ ...tensors[0], ...entry }, ...tensors.slice(1)] }, content);
      return failure(read);
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
