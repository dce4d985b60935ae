import { describe, expect, it } from 'vitest';
import { readCheckpointHeader, readWeights } from '../../../src/coordinator/checkpoint/checkpoint.js';
import { writeSealed } from '../../../src/coordinator/checkpoint/sealed-file.js';
import type { MomentKind, Parameter } from '../../../src/tensor/memory/parameter.js';
import {
  bitsOf,
  digestOf,
  parametersOf,
  SHAPES,
  type Shape,
  stateOf,
  tensorsOf,
  useCheckpointFile,
} from '../../support/coordinator/checkpoint-files.js';

const { path, failure, read } = useCheckpointFile();

describe('a checkpoint of an older version', () => {
  const SIMPLE = SHAPES.slice(0, 4);
  const bytesOf = (parameters: readonly Parameter[]) =>
    stateOf(parameters).map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength));
  const write = (header: object, saved: readonly Parameter[]): void => {
    const tensors = saved.map(({ name, blocks, size, variance }) => ({ name, blocks, size, variance: variance !== 0 }));
    writeSealed(
      path,
      'METAFLT1',
      { algorithm: 'metamf', weightsOnly: false, tensors, optimizer: null, run: null, ...header },
      bytesOf(saved),
    );
  };

  it('has its round from the state of the run, where the first had it; none where that has none', () => {
    const saved = parametersOf(1, SIMPLE);
    const state = { round: 7, lossSum: 1 };
    write({ version: 1, run: { state } }, saved);
    expect(read(parametersOf(2, SIMPLE))).toMatchObject({ round: 7, run: { state } });
    expect(readCheckpointHeader(path)).toMatchObject({ round: 7, run: { state } });
    for (const run of [null, [state], { state: [7] }, { round: 7 }]) {
      write({ version: 1, run }, saved);
      expect(read(parametersOf(2, SIMPLE)).round, JSON.stringify(run)).toBe(0);
    }
    write({ version: 2, round: 5, run: { state } }, saved);
    expect(read(parametersOf(2, SIMPLE)).round).toBe(5);
  });

  /** A header of version 3, as it named what each kind of optimizer keeps, and whether rows were counted. */
  const writeVersion3 = (saved: readonly Parameter[], header: object = {}, behind: readonly Uint8Array[] = []): void => {
    const tensors = saved.map(({ name, blocks, size, kind, counts }) => ({ name, blocks, size, state: kind, counted: counts !== 0 }));
    const fields = { algorithm: 'metamf', weightsOnly: false, tensors, optimizer: { steps: 3 }, run: 'state', round: 6, ...header };
    writeSealed(path, 'METAFLT1', { version: 3, ...fields }, [...bytesOf(saved), ...behind]);
  };

  it('of every kind of optimizer state is read, rows counted and not, with what rounds handed on', () => {
    const kinds: readonly MomentKind[] = ['element', 'row', 'tensor', 'squares', 'velocity', 'none'];
    const shapes = kinds.flatMap((moment, index): Shape[] =>
      [false, true].map((counted) => ({ name: `${moment}.${counted}`, blocks: 2 + index, size: 4, moment, counted })),
    );
    const saved = parametersOf(1, shapes);
    writeVersion3(saved, { carried: 3 }, [Uint8Array.of(7, 8, 9)]);
    const restored = parametersOf(2, shapes);
    expect(read(restored)).toEqual({ optimizer: { steps: 3 }, run: 'state', round: 6, roundState: Uint8Array.of(7, 8, 9) });
    expect(bitsOf(restored)).toEqual(bitsOf(saved));
    expect(readCheckpointHeader(path)).toMatchObject({ round: 6, run: 'state' });
    const weights = parametersOf(3, shapes);
    expect(readWeights(path, 'metamf', tensorsOf(weights))).toEqual({ run: 'state', round: 6 });
    expect(digestOf(weights)).toBe(digestOf(saved));
  });

  it('without anything handed on, and of weights alone, is read', () => {
    const saved = parametersOf(1);
    writeVersion3(saved);
    expect(read(parametersOf(2)).roundState).toEqual(new Uint8Array(0));
    const weights = saved.map(({ arena, weights: at, ...rest }) => {
      const values = arena.f32(at, rest.blocks * rest.size);
      return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    });
    const tensors = saved.map(({ name, blocks, size, kind, counts }) => ({ name, blocks, size, state: kind, counted: counts !== 0 }));
    const header = { version: 3, algorithm: 'metamf', weightsOnly: true, tensors, optimizer: null, run: null, round: 4 };
    writeSealed(path, 'METAFLT1', header, weights);
    const restored = parametersOf(2);
    expect(readWeights(path, 'metamf', tensorsOf(restored))).toEqual({ run: null, round: 4 });
    expect(digestOf(restored)).toBe(digestOf(saved));
    expect(failure(read)).toMatch(/^: expected optimizer state, found weights only/);
  });

  it('is refused where it holds other tensors, sizes that are none, or claims more than there is', () => {
    const saved = parametersOf(1, SIMPLE);
    const refused = (header: object, shapes = SIMPLE): string => {
      writeVersion3(saved, header);
      return failure(() => read(parametersOf(2, shapes)));
    };
    expect(refused({}, [{ ...SIMPLE[0]!, moment: 'row' }, ...SIMPLE.slice(1)])).toBe(
      ', tensor 0: expected U of 60 bytes with moment of 60, variance of 20, found U of 60 bytes with moment of 60, variance of 60',
    );
    expect(refused({}, [{ ...SIMPLE[0]!, counted: true }, ...SIMPLE.slice(1)])).toMatch(
      /variance of 60, counts of 20, found U of 60 bytes/,
    );
    const first = (change: object) => ({ tensors: [{ name: 'U', blocks: 5, size: 3, state: 'element', counted: false, ...change }] });
    expect(refused(first({ blocks: 'five' }))).toMatch(/, found U of NaN bytes with moment of NaN, variance of NaN$/);
    expect(refused(first({ size: null }))).toMatch(/, found U of 0 bytes/);
    expect(refused(first({ state: 'toString' }))).toMatch(/, found U of 60 bytes$/);
    expect(refused({ carried: 2 ** 40 })).toMatch(/^, roundState: expected 0 to \d+ bytes, found 1099511627776$/);
    expect(refused({ carried: '3' })).toMatch(/^, roundState: expected 0 to \d+ bytes, found 3$/);
  });

  it('is refused where its tensors are none, or it has no round', () => {
    const saved = parametersOf(1, SIMPLE);
    write({ version: 2, round: 3, tensors: 7 }, saved);
    expect(failure(() => read(parametersOf(2, SIMPLE)))).toBe(': expected a list of tensors, found number');
    write({ version: 2, round: 3, tensors: [null] }, saved);
    expect(failure(() => read(parametersOf(2, SIMPLE)))).toMatch(
      /^, tensor 0: expected U of 60 bytes with moment of 60, variance of 60, found no further tensor$/,
    );
    for (const round of [undefined, -1, 0.5, '3']) {
      write({ version: 2, round }, saved);
      expect(failure(() => read(parametersOf(2, SIMPLE)))).toBe(`, round: expected a round, found ${String(round)}`);
    }
    for (const version of [0, 5, '2', '3', '4', 'toString', null]) {
      write({ version, round: 3 }, saved);
      expect(failure(() => read(parametersOf(2, SIMPLE)))).toBe(`: expected a version from 1 to 4, found version ${String(version)}`);
    }
  });
});
