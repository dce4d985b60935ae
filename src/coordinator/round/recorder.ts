import { distinct, random } from '../../base/random.js';
import type { Bytes, DeviceId, Millis } from '../../base/units.js';
import { deviceId, millis } from '../../base/units.js';
import type { FlightStep, RecordedFlight } from '../../events/flights.js';
import { MAP_CELLS, type RoundMap } from '../../events/round.js';
import type { Direction } from '../../events/traffic.js';
import type { DeviceCost } from '../../messages/device-cost.js';
import type { Message, Refuse, SecureMessage } from '../../messages/message.js';
import { costsByDevice, secondsOf } from './device-costs.js';

/** Beyond this, a larger share would not show more, and cost rounds time. */
export const MOST_RECORDED = 10_000;

/** The devices whose rounds are recorded, ascending: `share` of the fleet, at least one unless it is 0, at most MOST_RECORDED. The seed alone chooses. */
export const recordedDevices = (seed: number, devices: number, share: number): readonly DeviceId[] => {
  const count = share === 0 ? 0 : Math.min(MOST_RECORDED, Math.max(1, Math.round(share * devices)));
  return Array.from(distinct(count, devices, random(seed, 'recorder')).sort(), deviceId);
};

/** Takes down what recorded devices do in a round, and where in the fleet the round is. Other devices cost a look-up and a sum a message. */
export type Recorder = {
  /** A training message of `size` encoded bytes crossed; `took`: the device's local step, where this is its update. */
  message(message: Message, size: Bytes, direction: Direction, took?: Millis): void;
  /** What a simulated device spent on an answer, after that was taken down, or where it fell silent. */
  cost(cost: DeviceCost): void;
  /** What was taken down since the last call, and what became of answers, which may be those of earlier rounds; flights in DeviceId order. */
  take(verdicts?: readonly Verdict[]): { readonly flights: readonly RecordedFlight[]; readonly map: RoundMap };
};

/** Of an answer that did not step Θ. */
export type Verdict = { readonly device: DeviceId; readonly step: 'rejected' | 'late'; readonly reason: string };

const sharesLeft = (used: DeviceCost['used']): NonNullable<FlightStep['left']> =>
  Object.fromEntries(Object.entries(used).map(([resource, share]) => [resource, Math.round(Math.max(0, 1 - share) * 1000) / 1000]));

/** Finer digits would be noise, and a third of the record. */
const toMicros = (time: number): Millis => millis(Math.round(time * 1000) / 1000);

/** Messages of a secure sum, apart from the vector: they are no step of a device's work. */
const isSetup = (message: Message): message is Exclude<SecureMessage, { readonly kind: 'masked' }> => SETUP.has(message.kind);
const SETUP: ReadonlySet<Message['kind']> = new Set(['advertise', 'keys', 'share', 'shares', 'unmask', 'reveal']);

export type RecorderOptions = {
  /** Of the whole fleet. */
  readonly devices: number;
  readonly recorded?: readonly DeviceId[] | undefined;
  /** Milliseconds on any clock. */
  readonly now?: () => number;
};

export const createRecorder = ({ devices, recorded = [], now = () => performance.now() }: RecorderOptions): Recorder => {
  const cells = Math.min(MAP_CELLS, devices);
  const newCounts = () => ({ assign: new Uint32Array(cells), model: new Uint32Array(cells), update: new Uint32Array(cells) });
  let counts = newCounts();
  let assigned = false;
  const wanted = new Set<number>(recorded);
  let steps = new Map<DeviceId, FlightStep[]>();
  const costs = new Map<DeviceId, DeviceCost[]>();
  let start: number | undefined;

  const add = (device: DeviceId, step: Omit<FlightStep, 'millis'>): void => {
    const known = steps.get(device);
    const entry = { ...step, millis: toMicros(start === undefined ? 0 : now() - start) };
    if (known) known.push(entry);
    else steps.set(device, [entry]);
  };
  /** A round that a lost host interrupted begins again: what came of the first attempt was thrown away. */
  const begin = (device: DeviceId): void => {
    const again = steps.delete(device);
    costs.set(device, []);
    add(device, again ? { step: 'sampled', reason: 'again, after a host was lost' } : { step: 'sampled' });
  };

  return {
    message: (message, size, direction, took) => {
      if ('purpose' in message && message.purpose === 'evaluate') return;
      if (direction === 'down') start ??= now();
      if (isSetup(message)) return;
      const { device } = message;
      const kind = message.kind === 'masked' ? 'update' : message.kind;
      if (kind === 'assign') assigned = true;
      if (kind === 'assign' || kind === 'model' || kind === 'update') counts[kind][Math.floor((device * cells) / devices)]! += 1;
      if (!wanted.has(device)) return;
      const before = steps.get(device)?.at(-1)?.step;
      switch (kind) {
        case 'assign':
          return begin(device);
        case 'model':
          if (before !== 'asked') begin(device);
          return add(device, { step: 'received', bytes: size });
        case 'want':
          if (before !== undefined) add(device, { step: 'asked', bytes: size });
          return;
        case 'update':
          if (before === undefined) return;
          add(device, { step: 'trained', ...(took === undefined ? {} : { took: toMicros(took) }) });
          return add(device, { step: 'uploaded', bytes: size });
        case 'refuse':
          // Of a measurement, unless the device was sampled.
          if (before !== undefined) add(device, { step: 'refused', bytes: size, reason: (message as Refuse).reason });
          return;
        case 'score':
          return;
      }
    },
    cost: (cost) => {
      const { device, lost } = cost;
      // None: of a measurement, or of a device that is not recorded.
      costs.get(device)?.push(cost);
      if (lost !== null && steps.has(device)) add(device, { step: 'dropped', reason: lost });
    },
    take: (verdicts = []) => {
      // Once a round, with the last step of the device.
      for (const [device, cost] of costsByDevice([...costs.values()].flat(), new Map())) {
        const known = steps.get(device)!;
        known.push({ ...known.pop()!, virtual: secondsOf(cost), left: sharesLeft(cost.used) });
      }
      for (const { device, ...verdict } of verdicts) if (wanted.has(device)) add(device, verdict);
      const flights = [...steps].sort(([a], [b]) => a - b).map(([device, taken]) => ({ device, steps: taken }));
      // In full delivery, the model is the first a device hears of a round.
      const map = { asked: assigned ? counts.assign : counts.model, answered: counts.update };
      steps = new Map();
      costs.clear();
      counts = newCounts();
      assigned = false;
      start = undefined;
      return { flights, map };
    },
  };
};
