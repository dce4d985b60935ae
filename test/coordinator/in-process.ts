import type { Algorithm, ServerHalf, World } from '../../src/algorithms/algorithm.js';
import { bytes, type DeviceId, millis, seconds } from '../../src/base/units.js';
import type { Devices } from '../../src/coordinator/devices.js';
import { constantRate } from '../../src/coordinator/schedule.js';
import type { RoundSettings } from '../../src/coordinator/settings.js';
import { type DeviceContext, transition } from '../../src/device/actor.js';
import type { BatchOptions } from '../../src/device/batch.js';
import { decodeFrame, encodeFrame } from '../../src/messages/frame.js';
import type { Message } from '../../src/messages/message.js';
import { createTrafficMeter } from '../../src/transport/traffic.js';
import { algorithmOf, allColumns, WORLD } from '../device/small-world.js';
import { IDLE_THREADS } from './samples.js';

/**
 * The coordinator's port to devices without threads: real device actors, real frames, on this thread. `answer` may put
 * another answer in the place of an actor's; `sent` lists what went down, one list per call of send.
 */
export type InProcess = Devices & { readonly sent: Message[][]; readonly opened: () => number };

export type InProcessOptions = {
  readonly context: DeviceContext;
  readonly answer?: (down: Message, honest: () => Message) => Message | Error;
};

export const createInProcess = ({ context, answer }: InProcessOptions): InProcess => {
  const meter = createTrafficMeter();
  const sent: Message[][] = [];
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
    opened: () => opened,
    open: async () => {
      opened += 1;
      let answers: Message[] = [];
      let failure: Error | undefined;
      return {
        ready: async () => {},
        send: (messages) => {
          const received = overWire(messages, 'down');
          sent.push([...received]);
          for (const message of received) {
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
          answers = [];
          return { messages: ready, rejected: [], duplicates: 0, accounts: [] };
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

/** Rounds that wait for everyone, without a simulated fleet. */
export const PLAIN_ROUNDS: Pick<RoundSettings, 'stages' | 'oort' | 'policy' | 'defence' | 'fleet'> = {
  stages: { unit: 'rounds', list: [] },
  oort: { penalty: 2, exploration: 0.9, explorationDecay: 0.98, leastExploration: 0.2, cutoff: 0.95 },
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
  seed: 1,
  cohort: 5,
  sampling: 'shuffled',
  roundsPerEpoch: 3,
  delivery: 'full',
  evaluationDelivery: 'subset',
  dtype: 'f32',
  schedule: { ...constantRate(0.01), decay: 0.5 },
  ...PLAIN_ROUNDS,
  ...changes,
});

export type Engine = { readonly algorithm: Algorithm; readonly server: ServerHalf; readonly world: World };

/** Real MetaMF on this thread. A server reserves gigabytes of address space: tests share a few. */
export const createEngine = async (chunk?: number): Promise<Engine> => {
  const algorithm = algorithmOf();
  const server = await algorithm.createServer({ seed: 1, threads: 1 });
  return { algorithm, server: chunk === undefined ? server : { ...server, chunk }, world: WORLD };
};

export const contextFor = ({ algorithm }: Pick<Engine, 'algorithm'>, batch: Partial<BatchOptions> = {}): DeviceContext => ({
  half: algorithm.device,
  tensors: algorithm.tensors,
  columns: allColumns(),
  dtype: 'f32',
  batch: { seed: 1, ratings: 'all', decoys: 2, items: WORLD.items, ...batch },
});

export const refusal = ({ round, device }: { readonly round: number; readonly device: DeviceId }): Message => ({
  kind: 'refuse',
  round,
  device,
  reason: 'charging',
});
