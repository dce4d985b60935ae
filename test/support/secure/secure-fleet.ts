import { distinct, type Random, random } from '../../../src/base/random.js';
import { type DeviceId, deviceId, seconds } from '../../../src/base/units.js';
import type { Answers, Exchange } from '../../../src/coordinator/round/devices.js';
import { beginSecureRound, endSecureRound } from '../../../src/coordinator/secure/secure-sums.js';
import { layoutOf, type SecureSettings } from '../../../src/coordinator/secure/settings.js';
import { createSecureDevices, type SecureDevices } from '../../../src/device/secure/secure-device.js';
import type { Masked, Message, Model } from '../../../src/messages/message.js';
import { type Summand, toVector } from '../../../src/privacy/secure/layout.js';

/** Three items with rows of one number, and one number more. */
const UP = [
  { name: 'rows', perRow: true, shape: [1] },
  { name: 'dense', perRow: false, shape: [1] },
] as const;
const ITEMS = 3;

export const SETTINGS: SecureSettings = { neighbours: 16, threshold: 0, range: 8, weighting: 'records', rowWeights: true, marks: 1 };
export const LAYOUT = layoutOf(SETTINGS, UP, ITEMS);

export const summandOf = (device: number): Summand => {
  const source = random(3, 'summand', device);
  const rows = distinct(1 + source.integer(ITEMS), ITEMS, source).sort();
  const count = 1 + source.integer(9);
  const tensors = [Float32Array.from(rows, () => source.normal()), Float32Array.of(source.normal())];
  return { weight: count, count, loss: source.uniform(), rows, tensors, marks: [source.integer(2)] };
};

/** An exchange with devices of this process. What `silent` names gives no answer. Every message that crosses is kept. */
const exchangeWith = (devices: SecureDevices, silent: (message: Message) => boolean, crossed: Message[]): Exchange => {
  let waiting: readonly Message[] = [];
  return {
    ready: async () => {},
    send: (messages) => {
      crossed.push(...messages);
      waiting = messages;
    },
    answers: async (): Promise<Answers> => {
      const there = waiting.filter((message) => !silent(message));
      await devices.prepare(there);
      const messages = there.map((message) => devices.answer(message as Parameters<SecureDevices['answer']>[0]));
      crossed.push(...messages);
      return { messages, rejected: [], duplicates: 0, costs: [] };
    },
  };
};

export type Stage = 'keys' | 'shares' | 'masked' | 'reveal';
const STAGE_OF: Partial<Record<Message['kind'], Stage>> = { advertise: 'keys', share: 'shares', model: 'masked', unmask: 'reveal' };

export type Played = {
  readonly crossed: readonly Message[];
  readonly inSum: readonly DeviceId[];
  readonly expected: Uint32Array;
} & Awaited<ReturnType<typeof endSecureRound>>;

/** A round in which a share of the devices falls silent at one stage, and stays so. */
export const playSecureRound = async (count: number, stage: Stage, share: number, settings = SETTINGS, seed = 1): Promise<Played> => {
  const devices = createSecureDevices(LAYOUT);
  const source: Random = random(seed, 'neighbours');
  const lost = new Set(distinct(Math.round(share * count), count, random(seed, 'lost')));
  const order: readonly Stage[] = ['keys', 'shares', 'masked', 'reveal'];
  const isLost = (message: Message): boolean => lost.has(message.device) && order.indexOf(STAGE_OF[message.kind]!) >= order.indexOf(stage);
  const crossed: Message[] = [];
  const exchange = exchangeWith(devices, isLost, crossed);
  const request = { exchange, round: 1, now: null, timeout: seconds(1) };
  const cohort = Array.from({ length: count }, (_, device) => deviceId(device));
  const begun = await beginSecureRound(settings, { ...request, cohort, source });
  const vectors = new Map<DeviceId, Uint32Array>();
  const expected = new Uint32Array(toVector(LAYOUT, summandOf(0), count).length);
  for (const device of begun.members) {
    const model: Model = { kind: 'model', round: 1, device, purpose: 'train', rows: null, tensors: [], ...begun.sharesFor(device) };
    crossed.push(model);
    if (isLost(model)) continue;
    const answer = devices.mask(model, summandOf(device));
    crossed.push(answer);
    if (answer.kind !== 'masked') continue;
    vectors.set(device, vectorOf(answer));
    toVector(LAYOUT, summandOf(device), count).forEach((value, at) => {
      expected[at]! += value;
    });
  }
  return { crossed, inSum: [...vectors.keys()], expected, ...(await endSecureRound(begun, vectors, request)) };
};

export const vectorOf = ({ data }: Masked): Uint32Array => new Uint32Array(Uint8Array.from(data).buffer);
