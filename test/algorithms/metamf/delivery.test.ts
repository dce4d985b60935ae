import { describe, expect, it } from 'vitest';
import type { Rows } from '../../../src/algorithms/port/client.js';
import { random } from '../../../src/base/random.js';
import { deviceId } from '../../../src/base/units.js';
import { elements } from '../../../src/messages/wire-tensor.js';
import { elementsOf, type Parameter } from '../../../src/tensor/memory/parameter.js';
import { ALL, createEngine, type Regime } from '../../support/metamf/engine.js';
import {
  ADDITIONS,
  EVEN,
  joined,
  localModels,
  NARROW,
  ODD,
  prepareFor,
  randomServer,
  TINY_WORLD,
  VARIANTS,
  WORLD,
} from '../../support/metamf/fleet.js';
import { generateModel, tensorsOf, thetaShapes, valuesOf } from '../../support/metamf/reference-model.js';
import { expectClose } from '../../support/tensors/closeness.js';
import { BACKENDS, backendOrSkip } from '../../support/tensors/tensorflow-backend.js';

const CASES = [
  ...VARIANTS.map((variant) => ({ name: `${variant}, odd`, world: WORLD, options: { ...ODD, variant } })),
  { name: 'even', world: WORLD, options: EVEN },
  { name: 'narrow', world: WORLD, options: NARROW },
  { name: 'three items', world: TINY_WORLD, options: ODD },
  // More items than one generation task has.
  { name: 'shards of several tasks', world: { ...WORLD, items: 2300 }, options: { ...ODD, hidden: 3 } },
];

const COHORT = [0, 1, 3].map(deviceId);

/** Weights and moments of a piece, as views, or as copies that outlive the next step. */
const everythingOf = (parameter: Parameter, copy = true): Float32Array[] => {
  const views = [parameter.weights, parameter.moment, parameter.variance]
    .filter((pointer) => pointer !== 0)
    .map((pointer) => parameter.arena.f32(pointer, elementsOf(parameter)));
  return copy ? views.map((view) => view.slice()) : views;
};

const randomRows = (items: number, seed: number): Uint32Array => {
  const source = random(seed, 'rows');
  return Uint32Array.from({ length: items }, (_, item) => item).filter(() => source.uniform() < 0.4);
};

describe.each(BACKENDS)('generation and MetaMF written with tfjs on %s', (backend) => {
  for (const { name, world, options } of CASES) {
    it(`agree on every number of Φ: ${name}`, async (ctx) => {
      const tf = await backendOrSkip(ctx, backend);
      const { algorithm, server, theta } = await randomServer(world, options);
      prepareFor(server, COHORT, 1);
      const found = localModels(
        server,
        0,
        COHORT.map(() => null),
      );
      COHORT.forEach((device, position) => {
        const expected = tf.tidy(() => valuesOf(generateModel(tf, tensorsOf(tf, theta, thetaShapes(world, options)), options, device)));
        expect(algorithm.wire.down.map((spec) => spec.name).sort()).toEqual(Object.keys(expected).sort());
        // All of Φ at once: its last tensor is one number, which may be small by cancellation.
        const names = algorithm.wire.down.map((spec) => spec.name);
        expectClose(joined(found[position]!.tensors), joined(names.map((tensor) => expected[tensor]!)), 1e-5, `Φ of device ${device}`);
      });
      await server.close();
    });
  }
});

describe('the two deliveries', () => {
  for (const { name, world, options } of CASES) {
    it(`generate the same bits: ${name}`, async () => {
      const { algorithm, server } = await randomServer(world, options);
      prepareFor(server, COHORT, 1);
      const whole = localModels(server, 0, [null, null, null]);
      const wanted = COHORT.map((device) => randomRows(world.items, device));
      const some = localModels(server, 0, wanted);
      algorithm.wire.down.forEach((spec, i) => {
        const width = elements(spec.shape);
        wanted.forEach((rows, position) => {
          const all = whole[position]!.tensors[i]!;
          expect(all.length).toBe(spec.perRow ? world.items * width : width);
          const expected = spec.perRow
            ? Float32Array.from(Array.from(rows).flatMap((row) => Array.from(all.subarray(row * width, (row + 1) * width))))
            : all;
          expect(some[position]!.tensors[i]).toEqual(expected);
        });
      });
      await server.close();
    });
  }

  it('generate the same bits in chunks as at once, from any position on', async () => {
    const { server } = await randomServer(WORLD, ODD);
    prepareFor(server, COHORT, 1);
    const rows: readonly (readonly Rows[])[] = [[null, null, null], COHORT.map((device) => randomRows(WORLD.items, device))];
    for (const wanted of rows) {
      const atOnce = localModels(server, 0, wanted);
      expect([...localModels(server, 2, wanted.slice(2)), ...localModels(server, 0, wanted.slice(0, 2))]).toEqual([
        atOnce[2],
        atOnce[0],
        atOnce[1],
      ]);
    }
    await server.close();
  });

  it('are generated as many at once as go into memory, padding counted, at least one', async () => {
    const chunkFor = async (items: number, lowRank: number) => {
      const { server } = await randomServer({ ...WORLD, items }, { ...ODD, lowRank, hidden: 1 });
      await server.close();
      return server.chunk;
    };
    const some = await chunkFor(1024, 4);
    expect(some).toBeGreaterThan(1);
    expect([await chunkFor(2048, 4), await chunkFor(1024, 8), await chunkFor(1024, 5), await chunkFor(1024, 1)]).toEqual([
      ...[some / 2, some / 2, some / 2, some],
    ]);
  });

  it('cannot be mixed in one chunk', async () => {
    const { server } = await randomServer(WORLD, ODD);
    prepareFor(server, COHORT, 1);
    expect(() => server.generate(0, [null, Uint32Array.of(1)])).toThrow('not both');
    await server.close();
  });

  const optimizer = { decay: 1e-2, clip: 5, tensorMoments: ['low'] };
  const trained = async (regime: Regime, threads = 1): Promise<readonly Float32Array[]> => {
    const engine = await createEngine({ ...EVEN, ...ADDITIONS }, optimizer, regime, threads);
    for (let round = 1; round <= 4; round++) await engine.run(round);
    engine.server.settle();
    const all = engine.server.parameters.flatMap((parameter) => everythingOf(parameter));
    await engine.close();
    return all;
  };

  it('train to the same bits of Θ and its moments', async () => {
    expect(await trained({ ...ALL, delivery: 'subset' })).toEqual(await trained(ALL));
    expect(await trained({ ...ALL, delivery: 'subset', ratings: 3 })).toEqual(await trained({ ...ALL, ratings: 3 }));
  });

  it('train to the same bits with rows among decoys', async () => {
    expect(await trained({ ...ALL, delivery: 'subset', decoys: 6 })).toEqual(await trained({ ...ALL, decoys: 6 }));
    expect(await trained({ ...ALL, delivery: 'subset', decoys: 6 })).toEqual(await trained(ALL));
  });

  it('train to the same bits on any number of threads', async () => {
    expect(await trained(ALL, 3)).toEqual(await trained(ALL));
  });

  it('continue to the same bits from the optimizer’s state as JSON', async () => {
    const [first, second] = [await createEngine(EVEN, optimizer, ALL), await createEngine(EVEN, optimizer, ALL)];
    for (const round of [1, 2]) await first.run(round);
    first.server.parameters.forEach((parameter, i) => {
      const copies = everythingOf(second.server.parameters[i]!, false);
      everythingOf(parameter).forEach((values, j) => copies[j]!.set(values));
    });
    second.server.restore(JSON.parse(JSON.stringify(first.server.state())));
    for (const round of [3, 4]) {
      await first.run(round);
      await second.run(round);
    }
    expect(second.server.parameters.flatMap((parameter) => everythingOf(parameter))).toEqual(
      first.server.parameters.flatMap((parameter) => everythingOf(parameter)),
    );
    await first.close();
    await second.close();
  });
});
