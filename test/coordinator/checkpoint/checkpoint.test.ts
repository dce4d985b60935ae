import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parameterTensor } from '../../../src/algorithms/port/parameter-tensors.js';
import type { NamedTensor } from '../../../src/algorithms/port/server.js';
import { isMetafleetError } from '../../../src/base/errors.js';
import { random } from '../../../src/base/random.js';
import {
  type CheckpointContent,
  checkpointFile,
  readCheckpoint,
  readCheckpointHeader,
  readWeights,
  writeCheckpoint,
} from '../../../src/coordinator/checkpoint/checkpoint.js';
import { digestOf as digestOfTensors } from '../../../src/coordinator/checkpoint/digest.js';
import { copySealed, writeSealed } from '../../../src/coordinator/checkpoint/sealed-file.js';
import { createArena } from '../../../src/tensor/memory/arena.js';
import {
  createParameter,
  elementsOf,
  type MomentKind,
  type Parameter,
  stateOf as stretchesOf,
} from '../../../src/tensor/memory/parameter.js';

type Shape = {
  readonly name: string;
  readonly blocks: number;
  readonly size: number;
  readonly moment?: MomentKind;
  readonly counted?: boolean;
};
const SHAPES: readonly Shape[] = [
  { name: 'U', blocks: 5, size: 3 },
  { name: 'M', blocks: 1, size: 7 },
  { name: 'low.weights', blocks: 4, size: 8, moment: 'tensor' },
  { name: 'low.weights', blocks: 3, size: 8, moment: 'tensor' },
  { name: 'low.bias', blocks: 3, size: 4, moment: 'row', counted: true },
  { name: 'sums', blocks: 1, size: 3, moment: 'squares' },
];

/** Parameters of these shapes in one memory, with weights and moments drawn from a seed (or zero). */
const parametersOf = (seed?: number, shapes = SHAPES): Parameter[] => {
  const arena = createArena(1 << 20);
  const made = shapes.map(({ name, blocks, size, moment = 'element', counted = false }) =>
    createParameter(name, { memory: 0, arena }, { blocks, size, sparse: blocks > 1, counted }, moment),
  );
  if (seed !== undefined) fillWith(made, seed);
  return made;
};
const stateOf = (parameters: readonly Parameter[]): Float32Array[] =>
  parameters.flatMap((parameter) =>
    [{ pointer: parameter.weights, count: elementsOf(parameter) }, ...stretchesOf(parameter)].map(({ pointer, count }) =>
      parameter.arena.f32(pointer, count),
    ),
  );
const fillWith = (parameters: readonly Parameter[], seed: number): void => {
  const source = random(seed);
  for (const values of stateOf(parameters)) values.forEach((_, i) => (values[i] = source.normal()));
};
const bitsOf = (parameters: readonly Parameter[]): number[][] =>
  stateOf(parameters).map((values) => [...new Uint32Array(values.slice().buffer)]);

/** As a server half gives them to the checkpoint. */
const tensorsOf = (parameters: readonly Parameter[]): NamedTensor[] => parameters.map(parameterTensor);
const digestOf = (parameters: readonly Parameter[]): string => digestOfTensors(tensorsOf(parameters));

const contentOf = (parameters: readonly Parameter[], changes: Partial<CheckpointContent> = {}): CheckpointContent => ({
  algorithm: 'metamf',
  round: 9,
  optimizer: { steps: 7, variance: { low: 0.1 } },
  run: { round: 9, text: 'ü', third: 1 / 3, nothing: null },
  weightsOnly: false,
  tensors: tensorsOf(parameters),
  ...changes,
});

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'metafleet-checkpoint-'));
  path = join(folder, 'last.checkpoint');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** The one line of CHECKPOINT, naming the path, that this ends with. */
const failure = (work: () => unknown, named = path): string => {
  try {
    work();
  } catch (error) {
    if (!isMetafleetError(error, 'CHECKPOINT')) throw error;
    expect(error.message.startsWith(named), error.message).toBe(true);
    expect(error.message).not.toContain('\n');
    return error.message.slice(named.length);
  }
  return 'nothing was thrown';
};
const read = (parameters = parametersOf(), algorithm = 'metamf') => readCheckpoint(path, algorithm, tensorsOf(parameters));

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

  it('of FedAvg has no optimizer state, as that had none', () => {
    const shapes = SIMPLE.map((shape): Shape => ({ ...shape, moment: 'none' }));
    const saved = parametersOf(1, shapes);
    write({ version: 2, round: 3, algorithm: 'fedavg' }, saved);
    const restored = parametersOf(2, shapes);
    expect(read(restored, 'fedavg').round).toBe(3);
    expect(bitsOf(restored)).toEqual(bitsOf(saved));
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

describe('a checkpoint that cannot be written', () => {
  const good = () => contentOf(parametersOf(1));

  it('leaves the old one as it was, and no piece of itself', () => {
    writeCheckpoint(path, good());
    const before = readFileSync(path);
    // The file beside the target is there by now, and empty.
    const [first, , third] = tensorsOf(parametersOf(2));
    let asked = 0;
    const bytes = (): Uint8Array => {
      asked += 1;
      // The header asks how many there are, before anything is written.
      if (asked === 1) return third!.bytes();
      throw new Error('the disk is full');
    };
    const tensors = [first!, { ...third!, bytes }];
    expect(failure(() => writeCheckpoint(path, contentOf([], { tensors })))).toMatch(
      /^: the checkpoint could not be written: the disk is full$/,
    );
    expect(Buffer.compare(readFileSync(path), before)).toBe(0);
    expect(readdirSync(folder)).toEqual(['last.checkpoint']);
    read();
  });

  it('for want of its folder says so', () => {
    const gone = join(folder, 'gone', 'last.checkpoint');
    expect(failure(() => writeCheckpoint(gone, good()), gone)).toMatch(/^: the checkpoint could not be written: ENOENT/);
    expect(existsSync(join(folder, 'gone'))).toBe(false);
  });

  it('since its folder is a file, or its place a folder, says so', () => {
    writeFileSync(path, 'a file');
    const below = join(path, 'last.checkpoint');
    expect(failure(() => writeCheckpoint(below, good()), below)).toMatch(/^: the checkpoint could not be written: ENOTDIR/);
    rmSync(path);
    mkdirSync(join(path, 'full'), { recursive: true });
    expect(failure(() => writeCheckpoint(path, good()))).toMatch(/^: the checkpoint could not be written: /);
    expect(readdirSync(folder)).toEqual(['last.checkpoint']);
  });

  it('since something is in the way of its temporary file says so, and the old one stays', () => {
    writeCheckpoint(path, good());
    const before = readFileSync(path);
    mkdirSync(join(`${path}.${process.pid}.tmp`, 'full'), { recursive: true });
    expect(failure(() => writeCheckpoint(path, contentOf(parametersOf(2))))).toMatch(/EISDIR/);
    expect(Buffer.compare(readFileSync(path), before)).toBe(0);
  });

  it('since its copy was cut short meanwhile says so, and the old one stays', () => {
    writeCheckpoint(path, good());
    const before = readFileSync(path);
    const { magic, header, stretches } = checkpointFile(contentOf(parametersOf(2)));
    const copy = copySealed(path, magic, header, stretches);
    truncateSync(`${path}.${process.pid}.tmp`, 100);
    expect(failure(() => copy.seal())).toBe(': the checkpoint could not be written: the file lost its end while it was written');
    expect(Buffer.compare(readFileSync(path), before)).toBe(0);
    expect(readdirSync(folder)).toEqual(['last.checkpoint']);
  });

  it('does not stop the next one', () => {
    writeCheckpoint(path, good());
    truncateSync(path, 20);
    expect(failure(read)).toMatch(/ends too early/);
    writeCheckpoint(path, good());
    read();
  });
});

describe('the digest', () => {
  it('is another for any bit of any weight, and the same for any moment', () => {
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

  it('is another for other names or another order', () => {
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
