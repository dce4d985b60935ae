import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeCheckpoint } from '../../../src/coordinator/checkpoint/checkpoint.js';
import { writeSealed } from '../../../src/coordinator/checkpoint/sealed-file.js';
import { elementsOf } from '../../../src/tensor/memory/parameter.js';
import {
  bitsOf,
  contentOf,
  digestOf,
  parametersOf,
  SHAPES,
  type Shape,
  stateOf,
  useCheckpointFile,
} from '../../support/coordinator/checkpoint-files.js';

const { folder, path, failure, read } = useCheckpointFile();

describe('a checkpoint', () => {
  it('brings back every bit of weights and optimizer state', () => {
    const saved = parametersOf(1);
    // Bits that arithmetic would not keep.
    new Uint32Array(stateOf(saved)[0]!.buffer, saved[0]!.weights, 4).set([0x7fc12345, 0x80000000, 1, 0xff800000]);
    const size = writeCheckpoint(path, contentOf(saved));
    expect(size).toBe(statSync(path).size);
    const restored = parametersOf(2);
    const { optimizer, run } = read(restored);
    expect(bitsOf(restored)).toEqual(bitsOf(saved));
    expect(digestOf(restored)).toBe(digestOf(saved));
    expect({ optimizer, run }).toEqual({ optimizer: contentOf([]).optimizer, run: contentOf([]).run });
  });

  it('brings back any state the run is in', () => {
    const parameters = parametersOf(1);
    // A file that sets a prototype is refused.
    const value = fc.jsonValue().filter((any) => !JSON.stringify(any).includes('__proto__'));
    fc.assert(
      fc.property(value, value, fc.uint8Array(), (optimizer, run, roundState) => {
        // JSON has one zero.
        const plain = JSON.parse(JSON.stringify({ optimizer, run })) as { optimizer: unknown; run: unknown };
        writeCheckpoint(path, contentOf(parameters, { optimizer, run, roundState }));
        expect(read()).toEqual({ ...plain, round: 9, roundState });
      }),
      { numRuns: 30 },
    );
  });

  it('is the same file for the same content, and leaves nothing else in the folder', () => {
    writeCheckpoint(path, contentOf(parametersOf(1)));
    const first = readFileSync(path);
    writeCheckpoint(path, contentOf(parametersOf(1)));
    expect(Buffer.compare(readFileSync(path), first)).toBe(0);
    expect(readdirSync(folder)).toEqual(['last.checkpoint']);
  });

  it('of weights only is smaller, and refuses to resume', () => {
    const parameters = parametersOf(1);
    const whole = writeCheckpoint(path, contentOf(parameters));
    const weights = writeCheckpoint(path, contentOf(parameters, { weightsOnly: true }));
    expect(weights).toBe(statSync(path).size);
    const moments =
      stateOf(parameters).reduce((sum, values) => sum + values.byteLength, 0) -
      parameters.reduce((sum, each) => sum + 4 * elementsOf(each), 0);
    expect(whole - weights).toBeCloseTo(moments, -1); // but for "false" and "true" in the header
    expect(failure(read)).toBe(': expected optimizer state, found weights only (the best model, not the last state)');
  });

  it('cut off anywhere is refused', () => {
    writeCheckpoint(path, contentOf(parametersOf(1)));
    const whole = readFileSync(path);
    for (let length = 0; length < whole.length; length += length < 20 || length > whole.length - 40 ? 1 : 7) {
      writeFileSync(path, whole.subarray(0, length));
      expect(failure(read), `${length} bytes`).toMatch(/^: expected a whole checkpoint, found a file that ends too early$/);
    }
  });

  it('with any bit turned over is refused', () => {
    writeCheckpoint(path, contentOf(parametersOf(1)));
    const whole = readFileSync(path);
    const parameters = parametersOf();
    const causes = new Set<string>();
    for (let at = 0; at < whole.length; at++) {
      // Every bit of magic and length, one bit of each other byte.
      const bits = at < 12 ? [0, 1, 2, 3, 4, 5, 6, 7] : [at % 8];
      for (const bit of bits) {
        const damaged = Buffer.from(whole);
        damaged[at]! ^= 1 << bit;
        writeFileSync(path, damaged);
        const cause = failure(() => read(parameters));
        expect(cause, `bit ${bit} of byte ${at}`).not.toBe('nothing was thrown');
        causes.add(cause.replace(/[\d.]+|found .*/g, ''));
      }
    }
    expect([...causes].some((cause) => cause.includes('checksum'))).toBe(true);
    expect([...causes].some((cause) => cause.includes('magic'))).toBe(true);
  });

  it('with anything behind its end is refused', () => {
    writeCheckpoint(path, contentOf(parametersOf(1)));
    writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.of(0)]));
    expect(failure(read)).toBe(': expected nothing behind the checksum, found more');
  });

  it('of another version, algorithm or other tensors is refused, each with its own reason', () => {
    writeCheckpoint(path, contentOf(parametersOf(1)));
    expect(failure(() => read(parametersOf(), 'fedavg'))).toBe(': expected algorithm fedavg, found metamf');
    const said = (shapes: readonly Shape[]) => failure(() => read(parametersOf(undefined, shapes)));
    const [users, matrix, ...low] = SHAPES;
    const [first, second, bias, sums] = low;
    expect(said([users!, { ...matrix!, size: 8 }, ...low])).toBe(
      ', tensor 1: expected M of 32 bytes with moment of 32, variance of 32, found M of 28 bytes with moment of 28, variance of 28',
    );
    expect(said([{ ...users!, name: 'V' }, matrix!, ...low])).toBe(
      ', tensor 0: expected V of 60 bytes with moment of 60, variance of 60, found U of 60 bytes with moment of 60, variance of 60',
    );
    expect(said([{ ...users!, blocks: 3 }, matrix!, ...low])).toBe(
      ', tensor 0: expected U of 36 bytes with moment of 36, variance of 36, found U of 60 bytes with moment of 60, variance of 60',
    );
    expect(said([users!, matrix!, first!])).toBe(', tensor 3: expected no further tensor, found low.weights of 96 bytes with moment of 96');
    expect(said([...SHAPES, matrix!])).toBe(
      ', tensor 6: expected M of 28 bytes with moment of 28, variance of 28, found no further tensor',
    );
    expect(said([users!, matrix!, first!, second!, { ...bias!, counted: false }, sums!])).toBe(
      ', tensor 4: expected low.bias of 48 bytes with moment of 48, variance of 12, found low.bias of 48 bytes with moment of 48, variance of 12, counts of 12',
    );
    expect(said([users!, matrix!, first!, second!, { ...bias!, moment: 'element' }, sums!])).toBe(
      ', tensor 4: expected low.bias of 48 bytes with moment of 48, variance of 48, counts of 12, found low.bias of 48 bytes with moment of 48, variance of 12, counts of 12',
    );
    expect(said([users!, matrix!, first!, second!, bias!, { ...sums!, moment: 'velocity' }])).toBe(
      ', tensor 5: expected sums of 12 bytes with moment of 12, found sums of 12 bytes with variance of 12',
    );
    expect(said([users!, matrix!, first!, second!, bias!, { ...sums!, moment: 'none' }])).toBe(
      ', tensor 5: expected sums of 12 bytes, found sums of 12 bytes with variance of 12',
    );
    expect(said([users!, matrix!, { ...first!, moment: 'element' }, second!, bias!, sums!])).toBe(
      ', tensor 2: expected low.weights of 128 bytes with moment of 128, variance of 128, found low.weights of 128 bytes with moment of 128',
    );
    const whole = readFileSync(path);
    whole.set(Buffer.from('"version":5'), whole.indexOf('"version":4'));
    writeFileSync(path, whole);
    expect(failure(read)).toBe(': expected a version from 1 to 4, found version 5');
  });

  it('that is no checkpoint, no file, or not there is refused', () => {
    writeFileSync(path, 'user,item,rating\n1,2,3\n');
    expect(failure(read)).toBe(': expected the magic "METAFLT1", found "user,ite"');
    rmSync(path);
    expect(failure(read)).toMatch(/^: the checkpoint could not be opened: ENOENT/);
    mkdirSync(path);
    expect(failure(read)).toMatch(/^: the checkpoint could not be read: EISDIR/);
  });

  it('made up by hand is refused, whatever its header holds', () => {
    for (const header of ['null', '7', '[]', '{', '{"version":1}', '{"version":1,"algorithm":"metamf","tensors":[null,null,null,null]}']) {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(header.length);
      writeFileSync(path, Buffer.concat([Buffer.from('METAFLT1'), length, Buffer.from(header), Buffer.alloc(200)]));
      expect(failure(read), header).not.toBe('nothing was thrown');
    }
    writeFileSync(path, Buffer.concat([Buffer.from('METAFLT1'), Buffer.alloc(4, 0xff)]));
    expect(failure(read)).toBe(': expected a header of at most 67108864 bytes, found 4294967295');
  });

  it('of before there was more than Adam is read as what it was', () => {
    const shapes = SHAPES.slice(0, 4);
    const saved = parametersOf(1, shapes);
    const tensors = saved.map(({ name, blocks, size, variance }) => ({ name, blocks, size, variance: variance !== 0 }));
    const header = { version: 1, algorithm: 'metamf', weightsOnly: false, tensors, optimizer: null, run: null };
    const bytes = stateOf(saved).map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength));
    writeSealed(path, 'METAFLT1', header, bytes);
    const restored = parametersOf(2, shapes);
    read(restored);
    expect(bitsOf(restored)).toEqual(bitsOf(saved));
    expect(failure(() => read(parametersOf(2, [{ ...shapes[0]!, moment: 'tensor' }, ...shapes.slice(1)])))).toMatch(/tensor 0: expected U/);
  });
});
