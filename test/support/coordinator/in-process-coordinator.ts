import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { Algorithm } from '../../../src/algorithms/port/algorithm.js';
import type { World } from '../../../src/algorithms/port/definition.js';
import type { ServerHalf } from '../../../src/algorithms/port/server.js';
import { random } from '../../../src/base/random.js';
import { bytes, type DeviceId, joules, millis, type Seconds, seconds } from '../../../src/base/units.js';
import type { Aggregator } from '../../../src/coordinator/aggregation/aggregator.js';
import { AGGREGATOR } from '../../../src/coordinator/aggregation/registry.js';
import { type Coordinator, createCoordinator } from '../../../src/coordinator/coordinator.js';
import type { Devices } from '../../../src/coordinator/round/devices.js';
import { SAMPLER, samplerNamed } from '../../../src/coordinator/sampling/registry.js';
import type { Sampler } from '../../../src/coordinator/sampling/sampler.js';
import { constantRate } from '../../../src/coordinator/schedule.js';
import type { RoundSettings } from '../../../src/coordinator/settings.js';
import { builtIn } from '../../../src/definitions/kind.js';
import { type DeviceContext, transition } from '../../../src/device/actor/actor.js';
import type { BatchOptions } from '../../../src/device/actor/batch.js';
import { activityOf } from '../../../src/device/actor/columns.js';
import { createMeasure } from '../../../src/device/actor/measure.js';
import type { RoundFinished } from '../../../src/events/round.js';
import type { DeviceCost } from '../../../src/messages/device-cost.js';
import { decodeFrame, encodeFrame } from '../../../src/messages/frame.js';
import type { Message, Refuse } from '../../../src/messages/message.js';
import { createTrafficMeter } from '../../../src/transport/exchange/traffic.js';
import { algorithmOf, allColumns, MEASURED, WORLD } from '../device/small-world.js';
import { type FakeOptions, fakeAlgorithm } from './fake-algorithm.js';
import { IDLE_THREADS } from './samples.js';

/**
 * The coordinator's port to devices without threads: real device actors, real frames, on this thread. `answer` may put
 * another answer in the place of an actor's. `account` says what it cost the device, which falls silent where the account has it.
 * `sent` lists what went down, one list per call of send, and `times` when.
 */
export type InProcess = Devices & {
  readonly sent: Message[][];
  readonly times: (readonly Seconds[] | undefined)[];
  readonly opened: () => number;
};

export type InProcessOptions = {
  readonly context: DeviceContext;
  readonly answer?: (down: Message, honest: () => Message) => Message | Error;
  readonly account?: (down: Message) => Omit<DeviceCost, 'device'>;
};

export const createInProcess = ({ context, answer, account }: InProcessOptions): InProcess => {
  const meter = createTrafficMeter();
  const sent: Message[][] = [];
  const times: (readonly Seconds[] | undefined)[] = [];
  let opened = 0;
  let activated = 0;
  const overWire = (messages: readonly Message[], direction: 'down' | 'up'): readonly Message[] => {
    const { frame, length } = encodeFrame(messages);
    const decoded = decodeFrame(frame, length, 'test frame');
    decoded.messages.forEach((message, index) => meter.count(message, decoded.sizes[index]!, direction));
    return decoded.messages;
  };
  return {
    sent,
    times,
    opened: () => opened,
    open: async () => {
      opened += 1;
      let answers: Message[] = [];
      let costs: DeviceCost[] = [];
      let failure: Error | undefined;
      return {
        ready: async () => {},
        send: (messages, at) => {
          const received = overWire(messages, 'down');
          sent.push([...received]);
          times.push(at);
          for (const message of received) {
            const cost = account?.(message);
            if (cost !== undefined) costs.push({ device: message.device, ...cost });
            if (cost !== undefined && cost.lost !== null) continue;
            const honest = () => transition(context, message).reply;
            const reply = answer === undefined ? honest() : answer(message, honest);
            if (message.kind === 'model') activated += 1;
            if (reply instanceof Error) failure ??= reply;
            else answers.push(...overWire([reply], 'up'));
          }
        },
        answers: async () => {
          if (failure !== undefined) throw failure;
          const ready = answers.sort((a, b) => a.device - b.device);
          const spent = costs;
          answers = [];
          costs = [];
          return { messages: ready, rejected: [], duplicates: 0, costs: spent };
        },
      };
    },
    takeTraffic: () => meter.take(),
    takeReport: () => {
      const report = {
        deviceMillis: [millis(1)],
        activated,
        evicted: 0,
        residentModels: 0,
        residentBytes: bytes(0),
        ...IDLE_THREADS,
      };
      activated = 0;
      return report;
    },
  };
};

/** A built-in sampler with the defaults of its options. */
export const samplerOf = (name: string): RoundSettings['sampler'] => ({ name, options: builtIn(SAMPLER, name).options.parse({}) });

/** The sampler of these settings, for devices with so many records. */
export const samplerFor = ({ sampler, seed, cohort, roundsPerEpoch }: RoundSettings, activity: Uint32Array): Sampler =>
  samplerNamed(sampler)({
    ...{ cohort, roundsPerEpoch, activity, devices: activity.length, checkIn: () => 'charging' },
    random: (...keys) => random(seed, ...keys),
  });

/** Rounds that wait for everyone, without a simulated fleet. */
export const PLAIN_ROUNDS: Pick<RoundSettings, 'stages' | 'aggregator' | 'policy' | 'defence' | 'fleet'> = {
  stages: { unit: 'rounds', list: [] },
  aggregator: { name: 'mean', options: {} },
  policy: {
    kind: 'wait-all',
    timeout: seconds(600),
    deadline: seconds(60),
    overSelection: 1,
    concurrency: 10,
    weighting: 'inverse-sqrt',
    maxStaleness: 20,
  },
  defence: { normMultiple: 0, mostNorm: 0 },
  fleet: null,
};

export const settingsOf = (changes: Partial<RoundSettings> = {}): RoundSettings => ({
  identity: 'metamf@1',
  seed: 1,
  cohort: 5,
  sampler: samplerOf('shuffled'),
  roundsPerEpoch: 3,
  rounds: 6,
  delivery: 'full',
  evaluationDelivery: 'subset',
  metrics: MEASURED.metrics,
  dtype: 'f32',
  schedule: { ...constantRate(0.01), decay: 0.5 },
  ...PLAIN_ROUNDS,
  ...changes,
});

export type Engine = { readonly algorithm: Algorithm; readonly server: ServerHalf; readonly world: World };

/** The aggregator of every run that chooses none. */
export const meanOf = ({ algorithm, world }: Pick<Engine, 'algorithm' | 'world'>): Aggregator =>
  AGGREGATOR.builtIns[0]!.create({}, { wire: algorithm.wire, items: world.items });

/** The least algorithm on this thread, for tests that need any. */
export const createFakeEngine = async (chosen: Partial<FakeOptions> = {}, chunk?: number): Promise<Engine> => {
  const algorithm = fakeAlgorithm(chosen);
  const server = await algorithm.createServer({ seed: 1, threads: 1 });
  return { algorithm, server: chunk === undefined ? server : { ...server, chunk }, world: WORLD };
};

/** Real MetaMF on this thread. A server reserves gigabytes of address space: tests share a few. */
export const createEngine = async (): Promise<Engine> => {
  const algorithm = algorithmOf();
  return { algorithm, server: await algorithm.createServer({ seed: 1, threads: 1 }), world: WORLD };
};

export const contextFor = ({ algorithm }: Pick<Engine, 'algorithm'>, batch: Partial<BatchOptions> = {}): DeviceContext => ({
  algorithm,
  columns: allColumns(),
  dtype: 'f32',
  batch: { seed: 1, ratings: 'all', decoys: 2, items: WORLD.items, ...batch },
  measure: createMeasure(MEASURED),
});

/** What a message cost a device that took so many virtual seconds over it; `lost`: it falls silent. */
export const costOf = (time: number, lost: DeviceCost['lost'] = null): Omit<DeviceCost, 'device'> => ({
  ...{ profile: 0, lost, down: seconds(time), compute: seconds(0), up: seconds(0) },
  ...{ bytesDown: bytes(10), bytesUp: bytes(1), operations: 100, energy: joules(2) },
  used: { memory: 0, storage: 0, dataPlan: 0, battery: 0, compute: 0 },
});

export const refusal = ({ round, device }: { readonly round: number; readonly device: DeviceId }): Refuse => ({
  kind: 'refuse',
  round,
  device,
  reason: 'charging',
});

export type Setup = {
  readonly settings?: Partial<RoundSettings>;
  readonly answer?: InProcessOptions['answer'];
  readonly decoys?: number;
  readonly ratings?: number | 'all';
};

export type Started = { readonly coordinator: Coordinator; readonly devices: InProcess; readonly events: RoundFinished[] };

/** A coordinator whose devices are on this thread, over a server that tests share. */
export const startCoordinator = (engine: Engine, { settings = {}, answer, decoys = 2, ratings = 'all' }: Setup = {}): Started => {
  const context = contextFor(engine, { decoys, ratings });
  const devices = createInProcess({ context: { ...context, dtype: settings.dtype ?? 'f32' }, ...(answer === undefined ? {} : { answer }) });
  const events: RoundFinished[] = [];
  const coordinator = createCoordinator({
    ...engine,
    devices,
    settings: settingsOf(settings),
    activity: activityOf(context.columns),
    aggregator: meanOf(engine),
    emit: (event) => events.push(event),
  });
  return { coordinator, devices, events };
};

export const WHOLE = { weightsOnly: false, keep: 1, hold: false };

/** One server for all tests of a file, and a folder: `renew` gives Θ back as it was before the first of them. */
export type Shared = { readonly engine: Engine; readonly folder: string; readonly renew: () => void; readonly close: () => Promise<void> };

export const createShared = async (making: Promise<Engine> = createEngine()): Promise<Shared> => {
  const engine = await making;
  const folder = mkdtempSync(join(tmpdir(), 'metafleet-coordinator-'));
  const fresh = join(folder, 'fresh.checkpoint');
  await startCoordinator(engine).coordinator.save(fresh, null, WHOLE);
  return {
    engine,
    folder,
    renew: () => {
      startCoordinator(engine).coordinator.restore(fresh);
    },
    close: async () => {
      await engine.server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

/** As `createShared`, within the hooks of a test file. `take` gets it before the first test. Before each test, Θ is as at the start. */
export const shareAmongTests = (make: () => Promise<Engine>, take: (shared: Shared) => void): void => {
  let shared: Shared;
  beforeAll(async () => {
    shared = await createShared(make());
    take(shared);
  });
  afterAll(() => shared.close());
  beforeEach(() => shared.renew());
};

/** Devices that refuse every message of a kind. */
export const refuseAll =
  (kind: Message['kind']): NonNullable<InProcessOptions['answer']> =>
  (down, honest) =>
    down.kind === kind ? refusal(down) : honest();
