import { describe, expect, it, onTestFinished } from 'vitest';
import type { ClientUpdate, GeneratedModel, ServerHalf } from '../../../src/algorithms/port/server.js';
import { random } from '../../../src/base/random.js';
import { deviceId } from '../../../src/base/units.js';
import { takeUpdates } from '../../support/fedavg/aggregate.js';
import { fedavg, SHARED, WORLD } from '../../support/fedavg/model.js';
import { prepareFor } from '../../support/metamf/fleet.js';

const SIZES = { itemEmbedding: 3, units: 2 } as const;
/** Elements of w1, b1, w2 and b2. */
const DENSE = [6, 2, 2, 1];

const serverOf = async (seed = 1, serverRate = 1): Promise<ServerHalf> => {
  const server = await fedavg({ ...SIZES, serverRate }).createServer({ seed, threads: 1 });
  onTestFinished(() => server.close());
  return server;
};

const thetaOf = ({ tensors }: ServerHalf): Float32Array[] =>
  tensors.map((tensor) => new Float32Array(Uint8Array.from(tensor.bytes()).buffer));

/** Has the server half take a round's updates, as a round does. */
const take = (server: ServerHalf, updates: readonly ClientUpdate[]): void => takeUpdates(fedavg(SIZES), server, updates);

/** Differences in eighths: their weighted sums are exact in float32. */
const updateOf = (device: number, count: number, rows: readonly number[]): ClientUpdate => {
  const source = random(5, 'update', device);
  const eighths = (size: number) => Float32Array.from({ length: size }, () => (source.integer(65) - 32) / 8);
  return {
    device: deviceId(device),
    count,
    rows: Uint32Array.from(rows),
    tensors: [eighths(3 * rows.length), ...DENSE.map(eighths)],
  };
};

const UPDATES = [updateOf(0, 5, [1, 4, 18]), updateOf(2, 2, [0, 4]), updateOf(3, 9, [4, 7, 18])];

/** Σ count · Δ ÷ Σ count, with no difference for rows that a device did not touch. */
const meanOf = (updates: readonly ClientUpdate[]): number[][] => {
  const ratings = updates.reduce((sum, { count }) => sum + count, 0);
  const means = [WORLD.items * 3, ...DENSE].map((size) => Array<number>(size).fill(0));
  for (const { count, rows, tensors } of updates) {
    tensors.forEach((values, index) => {
      values.forEach((value, i) => {
        const at = index === 0 ? rows[Math.floor(i / 3)]! * 3 + (i % 3) : i;
        means[index]![at]! += (count * value) / ratings;
      });
    });
  }
  return means;
};

describe('the server half of FedAvg', () => {
  it('adds its rate times the mean of the differences, weighted by ratings', async () => {
    const means = meanOf(UPDATES);
    for (const rate of [1, 0.5, 3]) {
      const server = await serverOf(1, rate);
      const before = thetaOf(server);
      prepareFor(
        server,
        UPDATES.map(({ device }) => device),
        1,
      );
      take(server, UPDATES);
      const { gradientNorm, clipped } = server.step(1, 1);
      thetaOf(server).forEach((values, index) => {
        expect([...values], SHARED[index]).toEqual([...before[index]!].map((value, i) => Math.fround(value + rate * means[index]![i]!)));
      });
      expect(gradientNorm).toBeCloseTo(Math.hypot(...means.flat()), 12);
      expect(clipped).toBe(false);
    }
  });

  it('averages three numbers as one does by hand', async () => {
    const server = await serverOf();
    const [before] = thetaOf(server).slice(-1);
    const b2 = (device: number, count: number, difference: number): ClientUpdate => ({
      ...updateOf(device, count, []),
      tensors: [new Float32Array(), ...DENSE.map((size) => new Float32Array(size).fill(size === 1 ? difference : 0))],
    });
    take(server, [b2(0, 1, 1), b2(1, 2, -2), b2(2, 5, 4)]);
    // (1·1 − 2·2 + 5·4) ÷ 8
    expect(server.step(1, 1).gradientNorm).toBe(17 / 8);
    expect(thetaOf(server).at(-1)![0]).toBe(before![0]! + 17 / 8);
  });

  it('leaves items that nobody touched as they are', async () => {
    const server = await serverOf();
    const [before] = thetaOf(server);
    take(server, UPDATES);
    server.step(1, 1);
    const [after] = thetaOf(server);
    const changed = Array.from({ length: WORLD.items }, (_, item) => item).filter((item) =>
      [0, 1, 2].some((e) => !Object.is(after![item * 3 + e], before![item * 3 + e])),
    );
    expect(changed).toEqual([0, 1, 4, 7, 18]);
  });

  it('changes nothing before its step, whose rate the schedule of the run does not change', async () => {
    const [one, other] = [await serverOf(1, 0.5), await serverOf(1, 0.5)];
    const before = thetaOf(one);
    for (const server of [one, other]) take(server, UPDATES);
    expect(thetaOf(one)).toEqual(before);
    expect(other.step(0.25, 1)).toEqual(one.step(1, 1));
    expect(thetaOf(one)).not.toEqual(before);
    expect(thetaOf(other)).toEqual(thetaOf(one));
  });

  it('changes nothing without updates, and forgets a round’s once it has stepped', async () => {
    const server = await serverOf();
    const start = thetaOf(server);
    expect(server.step(1, 1)).toEqual({ gradientNorm: 0, clipped: false });
    take(server, []);
    expect(server.step(1, 1)).toEqual({ gradientNorm: 0, clipped: false });
    expect(thetaOf(server)).toEqual(start);
    take(server, UPDATES);
    server.step(1, 1);
    const stepped = thetaOf(server);
    expect(server.step(1, 1)).toEqual({ gradientNorm: 0, clipped: false });
    expect(thetaOf(server)).toEqual(stepped);
    take(server, [UPDATES[1]!]);
    server.step(1, 1);
    const [mean] = meanOf([UPDATES[1]!]);
    expect([...thetaOf(server)[0]!]).toEqual([...stepped[0]!].map((value, i) => Math.fround(value + mean![i]!)));
  });

  it('sends every device the same: all of Θ, or the rows it asks for and the rest of Θ', async () => {
    const server = await serverOf();
    prepareFor(server, [0, 1, 2].map(deviceId), 1);
    const rows = Uint32Array.of(0, 4, 5, 18);
    const theta = thetaOf(server);
    const whole = (model: GeneratedModel) => model.map((pieces) => pieces.flatMap((piece) => [...piece]));
    const [all, some, none] = server.generate(0, [null, rows, new Uint32Array()])().map(whole);
    expect(all).toEqual(theta.map((values) => [...values]));
    expect(some![0]).toEqual([...rows].flatMap((row) => [...theta[0]!.subarray(3 * row, 3 * row + 3)]));
    expect(none![0]).toEqual([]);
    expect(some!.slice(1)).toEqual(all!.slice(1));
    expect(none!.slice(1)).toEqual(all!.slice(1));
    expect(server.generate(2, [rows])().map(whole)).toEqual([some]);
    expect(thetaOf(server)).toEqual(theta);
  });

  it('starts from its seed: small embeddings, zero biases, predictions in the middle of the scale', async () => {
    const [one, again, other] = [await serverOf(1), await serverOf(1), await serverOf(2)].map(thetaOf);
    expect(again).toEqual(one);
    for (const index of [0, 1, 3]) expect(other![index]).not.toEqual(one![index]);
    const [items, , b1, , b2] = one!;
    expect(Math.max(...items!.map(Math.abs))).toBeLessThan(0.5);
    expect([...b1!]).toEqual([0, 0]);
    expect([...b2!]).toEqual([3]);
  });

  it('starts with embeddings of a tenth, and layers by their fan-in and fan-out', async () => {
    const [d, f] = [60, 50];
    const server = await fedavg({ itemEmbedding: d, units: f }, { ...WORLD, items: 100 }).createServer({ seed: 1, threads: 1 });
    onTestFinished(() => server.close());
    const expected = [0.1, Math.sqrt(2 / (d + f)), 0, Math.sqrt(2 / (f + 1))];
    for (const [index, values] of thetaOf(server).slice(0, 4).entries()) {
      const deviation = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
      // Within five standard errors.
      expect(Math.abs(deviation - expected[index]!), SHARED[index]).toBeLessThanOrEqual(
        (5 * expected[index]!) / Math.sqrt(2 * values.length),
      );
    }
  });

  it('generates as many models at once as go into its memory, at least one', async () => {
    const chunkFor = async (items: number, itemEmbedding: number) => {
      const server = await fedavg({ itemEmbedding, units: 1 }, { ...WORLD, items }).createServer({ seed: 1, threads: 1 });
      await server.close();
      return server.chunk;
    };
    const some = await chunkFor(1024, 4);
    expect(some).toBeGreaterThan(1);
    expect([await chunkFor(512, 4), await chunkFor(2048, 4), await chunkFor(1024, 8)]).toEqual([2 * some, some / 2, some / 2]);
    expect(await chunkFor(1024 * some + 1, 4)).toBe(1);
  });

  it('has n·d + d·f + 2·f + 1 parameters under the names that travel, and no optimizer state', async () => {
    const server = await serverOf();
    expect(server.tensors.map(({ name }) => name)).toEqual([...SHARED]);
    expect(fedavg(SIZES).wire.down.map(({ name, perRow }) => [name, perRow])).toEqual(SHARED.map((name) => [name, name === 'items']));
    expect(thetaOf(server).flatMap((values) => [...values])).toHaveLength(19 * 3 + 3 * 2 + 2 * 2 + 1);
    expect(fedavg(SIZES).wire.up).toEqual(fedavg(SIZES).wire.down);
    expect(server.tensors.map(({ state }) => state)).toEqual(SHARED.map(() => []));
    expect(server.state()).toBeNull();
    expect(server.chunk).toBeGreaterThanOrEqual(1);
    const paper = await fedavg({ itemEmbedding: 32, units: 8 }, { ...WORLD, items: 3706 }).createServer({ seed: 1, threads: 1 });
    onTestFinished(() => paper.close());
    expect(paper.tensors.reduce((sum, tensor) => sum + tensor.bytes().length / 4, 0)).toBe(118_865);
  });
});
