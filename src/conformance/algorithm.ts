import { describe, expect, it } from 'vitest';
import { type Algorithm, bindAlgorithm } from '../algorithms/port/algorithm.js';
import type { LocalUpdate } from '../algorithms/port/client.js';
import type { AlgorithmDefinition, World } from '../algorithms/port/definition.js';
import { guardAlgorithm } from '../algorithms/port/guard.js';
import type { ServerHalf } from '../algorithms/port/server.js';
import { ALGORITHM } from '../algorithms/registry.js';
import { deviceId } from '../base/units.js';
import { digestOf } from '../coordinator/checkpoint/digest.js';
import { definitionProblem } from '../definitions/kind.js';
import { configSchema } from '../runs/config/config.js';
import { splitOptimizer } from '../runs/trainer/plan.js';
import type { OptimizerSetup } from '../tensor/optimizers/setup.js';
import {
  createSmallFleet,
  exchangeRound,
  firstState,
  modelsOf,
  ownOf,
  playRounds,
  SMALL_WORLD,
  type SmallFleet,
  streamOf,
  takeRound,
  trainTask,
} from './small-fleet.js';

export type AlgorithmConformanceOptions = {
  /** Options of the definition, over its defaults. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Over the defaults of the `optimizer` section. */
  readonly optimizer?: Partial<OptimizerSetup>;
  /** Default: 7 devices, 23 items, ratings from 1 to 5. */
  readonly world?: World;
};

/** `guarded`: what its hooks return is checked as that of a user's module is. */
type Subject = { readonly world: World; readonly guarded: Algorithm; readonly plain: Algorithm };

const subjectOf = (definition: AlgorithmDefinition, { options = {}, optimizer = {}, world = SMALL_WORLD }: AlgorithmConformanceOptions) => {
  const chosen = definition.options.parse(options);
  const section = { ...splitOptimizer(configSchema().parse({}).optimizer, 1, 1000).optimizer, ...optimizer };
  const { definition: checked } = guardAlgorithm(definition, definition.name);
  return { world, guarded: bindAlgorithm(checked, chosen, section, world), plain: bindAlgorithm(definition, chosen, section, world) };
};

const withServer = async <T>(algorithm: Algorithm, seed: number, work: (server: ServerHalf) => T | Promise<T>): Promise<T> => {
  const server = await algorithm.createServer({ seed, threads: 1 });
  try {
    return await work(server);
  } finally {
    await server.close();
  }
};

const digest = (server: ServerHalf): string => {
  server.settle();
  return digestOf(server.tensors);
};

/** All devices but the second: the first has a single record. */
const cohortOf = ({ devices }: World): readonly number[] => Array.from({ length: devices }, (_, device) => device).filter((at) => at !== 1);

const plainOf = ({ count, loss, rows, tensors, state }: LocalUpdate) => ({
  ...{ count, loss, rows: Array.from(rows), tensors: tensors.map((values) => Array.from(values)) },
  state: state === undefined ? null : Array.from(state),
});

/** What the client half promises. */
const clientCases = ({ world, guarded, plain }: Subject): void => {
  const updatesOf = (algorithm: Algorithm, delivery: 'full' | 'subset') =>
    withServer(algorithm, 1, (server) => exchangeRound(createSmallFleet(algorithm, world), server, 1, cohortOf(world), delivery));

  it('plans the same each time it is asked, for training and for measuring', () => {
    const client = guarded.client();
    for (const device of cohortOf(world)) {
      const own = ownOf(world, device);
      const state = firstState(guarded, own, device);
      const candidates = Uint32Array.from({ length: world.items }, (_, item) => item);
      for (const task of [trainTask(own, 1), { purpose: 'evaluate', round: 1, candidates } as const]) {
        const [first, second] = [0, 1].map(() => client.plan(own, task, streamOf('plan', 1, device), state));
        expect(first!.rows === null ? null : Array.from(first!.rows)).toEqual(second!.rows === null ? null : Array.from(second!.rows));
        expect(first!.context).toEqual(second!.context);
      }
    }
  });

  it('makes updates of the form that wire.up and its private state have', async () => {
    const played = await updatesOf(guarded, 'subset');
    expect(played).toHaveLength(cohortOf(world).length);
    expect(played.some(({ update }) => update.tensors.some((values) => values.some((value) => value !== 0)))).toBe(true);
  });

  it('makes the same update from the same model, records and state, in subset and in full delivery', async () => {
    const [first, again, full] = [await updatesOf(plain, 'subset'), await updatesOf(plain, 'subset'), await updatesOf(plain, 'full')];
    expect(again.map(({ update }) => plainOf(update))).toEqual(first.map(({ update }) => plainOf(update)));
    expect(full.map(({ update }) => plainOf(update))).toEqual(first.map(({ update }) => plainOf(update)));
  });

  it('leaves model, records and state as they are', async () => {
    const played = await updatesOf(plain, 'subset');
    const client = plain.client();
    for (const { device, own, model } of played) {
      const state = firstState(plain, own, device);
      const candidates = own.train.items.slice();
      const before = structuredClone({ own, model, state, candidates });
      const { work } = client.plan(own, trainTask(own, 1), streamOf('plan', 1, device), state);
      client.update(model, own, work, streamOf('update', 1, device), state);
      const task = { purpose: 'evaluate', round: 1, candidates } as const;
      client.score(model, own, client.plan(own, task, streamOf('plan', 1, device), state).work, state);
      expect({ own, model, state, candidates }).toEqual(before);
    }
  });

  it('scores every candidate, in the order of the candidates', async () => {
    const client = guarded.client();
    const [played] = await updatesOf(guarded, 'full');
    const { device, own, model } = played!;
    const state = firstState(guarded, own, device);
    const scores = (candidates: Uint32Array): readonly number[] => {
      const { work } = client.plan(own, { purpose: 'evaluate', round: 1, candidates }, streamOf('plan', 1, device), state);
      return Array.from(client.score(model, own, work, state));
    };
    const all = scores(Uint32Array.from({ length: world.items }, (_, item) => item));
    const some = [world.items - 1, 0, 2, 0];
    scores(Uint32Array.from(some)).forEach((score, at) => expect(score).toBeCloseTo(all[some[at]!]!, 4));
  });

  it('counts operations, if at all, as a number that is not negative', () => {
    const client = guarded.client();
    const own = ownOf(world, 2);
    const { work } = client.plan(own, trainTask(own, 1), streamOf('plan', 1, 2), firstState(guarded, own, 2));
    expect(client.operations?.(work) ?? 0).toBeGreaterThanOrEqual(0);
  });
};

/** What the server half promises. */
const serverCases = ({ world, guarded }: Subject): void => {
  it('makes Θ from the seed alone, and trains it to the same bits each time', async () => {
    const run = (seed: number) =>
      withServer(guarded, seed, (server) => {
        const before = digest(server);
        playRounds(createSmallFleet(guarded, world), server, 1, 3);
        return { before, after: digest(server) };
      });
    const [first, again, other] = [await run(1), await run(1), await run(2)];
    expect(again).toEqual(first);
    expect(other.before).not.toBe(first.before);
    expect(first.after).not.toBe(first.before);
  });

  it('gives the same models one at a time as all at once', async () => {
    await withServer(guarded, 1, (server) => {
      const played = exchangeRound(createSmallFleet(guarded, world), server, 1, cohortOf(world));
      const rows = played.map(({ model }) => model.rows);
      expect(modelsOf(server, rows, 1)).toEqual(played.map(({ model }) => model));
    });
  });

  it('gives the same models each time they are measured', async () => {
    const client = guarded.client();
    await withServer(guarded, 1, (server) => {
      const candidates = Uint32Array.from({ length: world.items }, (_, item) => item);
      const requests = cohortOf(world).map((device) => {
        const own = ownOf(world, device);
        const task = { purpose: 'evaluate', round: 1, candidates } as const;
        const { context } = client.plan(own, task, streamOf('plan', 1, device), firstState(guarded, own, device));
        return { device: deviceId(device), ...(context === undefined ? {} : { context }) };
      });
      const [first, second] = [0, 1].map(() => {
        server.prepare(requests, null);
        return modelsOf(
          server,
          requests.map(() => null),
          requests.length,
        );
      });
      expect(second).toEqual(first);
    });
  });

  it('changes Θ in a step only, and in none before which nothing was taken', async () => {
    await withServer(guarded, 1, (server) => {
      const fleet: SmallFleet = createSmallFleet(guarded, world);
      const before = digest(server);
      const played = exchangeRound(fleet, server, 1, cohortOf(world));
      expect(digest(server)).toBe(before);
      server.step(1, 1);
      expect(digest(server)).toBe(before);
      takeRound(fleet, server, exchangeRound(fleet, server, 2, cohortOf(world)));
      server.step(1, 2);
      expect(played.length).toBeGreaterThan(0);
      expect(digest(server)).not.toBe(before);
    });
  });
};

/** Θ, and what else training needs, as a checkpoint has them. */
const copyOf = (server: ServerHalf) => {
  const state: unknown = structuredClone(server.state());
  server.settle();
  return {
    state,
    tensors: server.tensors.map(({ bytes, state: kept }) => [bytes().slice(), ...kept.map((piece) => piece.bytes().slice())]),
  };
};

const restoreFrom = (server: ServerHalf, { state, tensors }: ReturnType<typeof copyOf>): void => {
  server.settle();
  server.tensors.forEach(({ bytes, state: kept }, at) => {
    [bytes(), ...kept.map((piece) => piece.bytes())].forEach((room, piece) => room.set(tensors[at]![piece]!));
  });
  server.restore(structuredClone(state));
};

/** What checkpoints rely on. */
const checkpointCases = ({ world, guarded }: Subject): void => {
  it('goes on from what a checkpoint keeps to the same bits', async () => {
    const { saved, states, expected } = await withServer(guarded, 1, (server) => {
      const fleet = createSmallFleet(guarded, world);
      playRounds(fleet, server, 1, 2);
      const kept = { saved: copyOf(server), states: structuredClone(fleet.states) };
      playRounds(fleet, server, 3, 4);
      return { ...kept, expected: digest(server) };
    });
    const found = await withServer(guarded, 1, (server) => {
      restoreFrom(server, saved);
      playRounds({ algorithm: guarded, world, states }, server, 3, 4);
      return digest(server);
    });
    expect(found).toBe(expected);
  });

  it('keeps what is plain data beside Θ', async () => {
    await withServer(guarded, 1, (server) => {
      playRounds(createSmallFleet(guarded, world), server, 1, 1);
      expect(() => structuredClone(server.state())).not.toThrow();
      const names = server.tensors.map(({ name }) => name);
      expect(names.every((name) => name !== '')).toBe(true);
    });
  });
};

/**
 * The promises of the algorithm port (algorithms/port/definition.ts), as Vitest tests. A definition that passes runs, resumes and gives the same
 * bits on any number of threads. For a test of one's own: `import { algorithmConformance } from 'metafleet/testing'`.
 */
export const algorithmConformance = (definition: AlgorithmDefinition, options: AlgorithmConformanceOptions = {}): void => {
  describe(`algorithm ${definition.name}`, () => {
    it('is a definition: name, version, described options with defaults, traits', () => {
      expect(definitionProblem(ALGORITHM, definition as unknown)).toBeUndefined();
      expect(() => subjectOf(definition, options)).not.toThrow();
    });

    it('has the same wire each time, and a cost', () => {
      const { guarded, plain } = subjectOf(definition, options);
      expect(guarded.wire).toEqual(plain.wire);
      expect(Object.values(plain.cost()).every((value) => Number.isFinite(value) && value >= 0)).toBe(true);
    });

    describe('its client half', () => clientCases(subjectOf(definition, options)));
    describe('its server half', () => serverCases(subjectOf(definition, options)));
    describe('its checkpoints', () => checkpointCases(subjectOf(definition, options)));
  });
};
