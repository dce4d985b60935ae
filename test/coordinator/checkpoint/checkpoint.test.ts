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
  useCheckpointPlace,
} from '../../support/coordinator/checkpoints.js';

const place = useCheckpointPlace();

describe('a checkpoint', () => {
  it('brings back every bit of weights and optimizer state', () => {
    const saved = parametersOf(1);
    // Arithmetic would not keep these bits.
    new Uint32Array(stateOf(saved)[0]!.buffer, saved[0]!.weights, 4).set([0x7fc12345, 0x80000000, 1, 0xff800000]);
    const size = writeCheckpoint(place.path, contentOf(saved));
    expect(size).toBe(statSync(place.path).size);
    const restored = parametersOf(2);
    const { optimizer, run } = place.read(restored);
    expect(bitsOf(restored)).toEqual(bitsOf(saved));
    expect(digestOf(restored)).toBe(digestOf(saved));
    expect({ optimizer, run }).toEqual({ optimizer: contentOf([]).optimizer, run: contentOf([]).run });
  });

  it('brings back any state of the run', () => {
    const parameters = parametersOf(1);
    // A file that sets a prototype is refused.
    const value = fc.jsonValue().filter((any) => !JSON.stringify(any).includes('__proto__'));
    fc.assert(
      fc.property(value, value, fc.uint8Array(), (optimizer, run, roundState) => {
        // JSON has one zero.
        const plain = JSON.parse(JSON.stringify({ optimizer, run })) as { optimizer: unknown; run: unknown };
        writeCheckpoint(place.path, contentOf(parameters, { optimizer, run, roundState }));
        expect(place.read()).toEqual({ ...plain, round: 9, roundState });
      }),
      { numRuns: 30 },
    );
  });

  it('is the same file for the same content, and leaves nothing else in the folder', () => {
    writeCheckpoint(place.path, contentOf(parametersOf(1)));
    const first = readFileSync(place.path);
    writeCheckpoint(place.path, contentOf(parametersOf(1)));
    expect(Buffer.compare(readFileSync(place.path), first)).toBe(0);
    expect(readdirSync(place.folder)).toEqual(['last.checkpoint']);
  });

  it('of weights only is smaller, and refuses to resume', () => {
    const parameters = parametersOf(1);
    const whole = writeCheckpoint(place.path, contentOf(parameters));
    const weights = writeCheckpoint(place.path, contentOf(parameters, { weightsOnly: true }));
    expect(weights).toBe(statSync(place.path).size);
    const moments =
      stateOf(parameters).reduce((sum, values) => sum + values.byteLength, 0) -
      parameters.reduce((sum, each) => sum + 4 * elementsOf(each), 0);
    expect(whole - weights).toBeCloseTo(moments, -1); // but for "false" and "true" in the header
    expect(place.failure(place.read)).toBe(': expected optimizer state, found weights only (the best model, not the last state)');
  });

  it('cut off anywhere is refused', () => {
    writeCheckpoint(place.path, contentOf(parametersOf(1)));
    const whole = readFileSync(place.path);
    for (let length = 0; length < whole.length; length += length < 20 || length > whole.length - 40 ? 1 : 7) {
      writeFileSync(place.path, whole.subarray(0, length));
      expect(place.failure(place.read), `${length} bytes`).toMatch(/^: expected a whole checkpoint, found a file that ends too early$/);
    }
  });

  it('with any bit flipped is refused', () => {
    writeCheckpoint(place.path, contentOf(parametersOf(1)));
    const whole = readFileSync(place.path);
    const parameters = parametersOf();
    const causes = new Set<string>();
    for (let at = 0; at < whole.length; at++) {
      // Every bit of magic and length, one bit of each other byte.
      const bits = at < 12 ? [0, 1, 2, 3, 4, 5, 6, 7] : [at % 8];
      for (const bit of bits) {
        const damaged = Buffer.from(whole);
        damaged[at]! ^= 1 << bit;
        writeFileSync(place.path, damaged);
        const cause = place.failure(() => place.read(parameters));
        expect(cause, `bit ${bit} of byte ${at}`).not.toBe('nothing was thrown');
        causes.add(cause.replace(/[\d.]+|found .*/g, ''));
      }
    }
    expect([...causes].some((cause) => cause.includes('checksum'))).toBe(true);
    expect([...causes].some((cause) => cause.includes('magic'))).toBe(true);
  });

  it('with a byte behind its end is refused', () => {
    writeCheckpoint(place.path, contentOf(parametersOf(1)));
    writeFileSync(place.path, Buffer.concat([readFileSync(place.path), Buffer.of(0)]));
    expect(place.failure(place.read)).toBe(': expected nothing behind the checksum, found more');
  });

  it('of another version, algorithm or other tensors is refused, each with its own reason', () => {
    writeCheckpoint(place.path, contentOf(parametersOf(1)));
    expect(place.failure(() => place.read(parametersOf(), 'fedavg'))).toBe(': expected algorithm fedavg, found metamf');
    const said = (shapes: readonly Shape[]) => place.failure(() => place.read(parametersOf(undefined, shapes)));
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
    const whole = readFileSync(place.path);
    whole.set(Buffer.from('"version":5'), whole.indexOf('"version":4'));
    writeFileSync(place.path, whole);
    expect(place.failure(place.read)).toBe(': expected a version from 1 to 4, found version 5');
  });

  it('that is another file, a folder, or not there is refused', () => {
    writeFileSync(place.path, 'user,item,rating\n1,2,3\n');
    expect(place.failure(place.read)).toBe(': expected the magic "METAFLT1", found "user,ite"');
    rmSync(place.path);
    expect(place.failure(place.read)).toMatch(/^: the checkpoint could not be opened: ENOENT/);
    mkdirSync(place.path);
    expect(place.failure(place.read)).toMatch(/^: the checkpoint could not be read: EISDIR/);
  });

  it('with any forged header is refused', () => {
    for (const header of ['null', '7', '[]', '{', '{"version":1}', '{"version":1,"algorithm":"metamf","tensors":[null,null,null,null]}']) {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(header.length);
      writeFileSync(place.path, Buffer.concat([Buffer.from('METAFLT1'), length, Buffer.from(header), Buffer.alloc(200)]));
      expect(place.failure(place.read), header).not.toBe('nothing was thrown');
    }
    writeFileSync(place.path, Buffer.concat([Buffer.from('METAFLT1'), Buffer.alloc(4, 0xff)]));
    expect(place.failure(place.read)).toBe(': expected a header of at most 67108864 bytes, found 4294967295');
  });

  it('of the first version, which had Adam alone, is read', () => {
    const shapes = SHAPES.slice(0, 4);
    const saved = parametersOf(1, shapes);
    const tensors = saved.map(({ name, blocks, size, variance }) => ({ name, blocks, size, variance: variance !== 0 }));
    const header = { version: 1, algorithm: 'metamf', weightsOnly: false, tensors, optimizer: null, run: null };
    const bytes = stateOf(saved).map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength));
    writeSealed(place.path, 'METAFLT1', header, bytes);
    const restored = parametersOf(2, shapes);
    place.read(restored);
    expect(bitsOf(restored)).toEqual(bitsOf(saved));
    expect(place.failure(() => place.read(parametersOf(2, [{ ...shapes[0]!, moment: 'tensor' }, ...shapes.slice(1)])))).toMatch(
      /tensor 0: expected U/,
    );
  });
});

describe('the digest', () => {
  it('changes with any bit of any weight, and with no moment', () => {
    const parameters = parametersOf(1);
    const before = digestOf(parameters);
    expect(before).toMatch(/^[0-9a-f]{64}$/);
    const seen = new Set([before]);
    let changes = 0;
    for (const parameter of parameters) {
      if (parameter.moment === 0) continue;
      const words = parameter.arena.u32(parameter.weights, elementsOf(parameter));
      words.forEach((word, i) => {
        for (const bit of [0, 13, 31]) {
          words[i] = word ^ (1 << bit);
          seen.add(digestOf(parameters));
          changes += 1;
        }
        words[i] = word;
      });
      parameter.arena.u32(parameter.moment, 1)[0]! ^= 1;
    }
    expect(seen.size).toBe(changes + 1);
    expect(digestOf(parameters)).toBe(before);
  });

  it('changes with names and with their order', () => {
    const [first, second, ...rest] = parametersOf(1);
    const digests = [
      [first!, second!, ...rest],
      [second!, first!, ...rest],
      [{ ...first!, name: 'V' }, second!, ...rest],
      [first!, second!],
    ].map(digestOf);
    expect(new Set(digests).size).toBe(4);
  });
});
