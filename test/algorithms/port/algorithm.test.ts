import { describe, expect, it } from 'vitest';
import { bindAlgorithm } from '../../../src/algorithms/port/algorithm.js';
import type { AlgorithmDefinition } from '../../../src/algorithms/port/definition.js';
import type { ServerRuntime } from '../../../src/algorithms/port/server.js';
import { badInput } from '../../../src/base/errors.js';
import type { OptimizerSetup } from '../../../src/tensor/optimizers/setup.js';
import { type FakeOptions, fakeDefinition } from '../../support/coordinator/fake-algorithm.js';
import { WORLD } from '../../support/device/small-world.js';
import { PLAIN_ADAM } from '../../support/metamf/fleet.js';

const OPTIONS: FakeOptions = { context: true, memory: false, each: false };
const DEFINITION = fakeDefinition();
const READS: AlgorithmDefinition<FakeOptions>['traits'] = { ...DEFINITION.traits, reads: ['optimizer'] };

describe('a definition bound to its options and a world', () => {
  it('has its name, version, traits and wire', () => {
    const { name, version, traits, wire } = bindAlgorithm(DEFINITION, OPTIONS, PLAIN_ADAM, WORLD);
    expect({ name, version, traits }).toEqual({ name: 'fake', version: '1', traits: DEFINITION.traits });
    expect(wire).toEqual(DEFINITION.wire(WORLD, OPTIONS));
    expect(wire.context).toHaveLength(1);
    expect(bindAlgorithm(DEFINITION, { ...OPTIONS, context: false }, PLAIN_ADAM, WORLD).wire).not.toHaveProperty('context');
  });

  it('makes its client half once, and not before it is asked for', () => {
    let made = 0;
    const client: (typeof DEFINITION)['client'] = (world, options) => {
      made += 1;
      expect([world, options]).toEqual([WORLD, OPTIONS]);
      return DEFINITION.client(world, options);
    };
    const algorithm = bindAlgorithm({ ...DEFINITION, client }, OPTIONS, null, WORLD);
    expect(made).toBe(0);
    expect(algorithm.client()).toBe(algorithm.client());
    expect(made).toBe(1);
  });

  it('gives its server half the planned rounds, and the run’s optimizer where it reads that', async () => {
    const seen: (OptimizerSetup | null)[] = [];
    const runtimes: ServerRuntime[] = [];
    const watched: typeof DEFINITION = {
      ...DEFINITION,
      check: (_options, optimizer) => void seen.push(optimizer),
      server: (world, options, runtime) => {
        runtimes.push(runtime);
        return DEFINITION.server(world, options, runtime);
      },
    };
    for (const traits of [DEFINITION.traits, READS]) {
      const server = await bindAlgorithm({ ...watched, traits }, OPTIONS, PLAIN_ADAM, WORLD).createServer({
        seed: 8,
        threads: 2,
        rounds: 30,
      });
      await server.close();
    }
    expect(seen).toEqual([null, PLAIN_ADAM]);
    expect(runtimes.map(({ optimizer, seed, threads, rounds }) => ({ optimizer, seed, threads, rounds }))).toEqual([
      { optimizer: null, seed: 8, threads: 2, rounds: 30 },
      { optimizer: PLAIN_ADAM, seed: 8, threads: 2, rounds: 30 },
    ]);
  });

  it('is not made where its options contradict each other', () => {
    const check = () => {
      throw badInput('CONFIG', 'key fake.memory', 'true', 'false');
    };
    expect(() => bindAlgorithm({ ...DEFINITION, check }, OPTIONS, null, WORLD)).toThrow('key fake.memory: expected true, found false');
  });
});
