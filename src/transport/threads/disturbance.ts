import { random } from '../../base/random.js';
import { bytes, type DeviceId, joules, seconds } from '../../base/units.js';
import type { DeviceCost } from '../../messages/device-cost.js';
import type { Encoded } from '../../messages/frame.js';
import type { Message } from '../../messages/message.js';

/**
 * Faults of an update on its way, each with its chance: its record is left out, sent twice, or has flipped bits.
 * Bits flip in the message alone: the record's header belongs to the transport, which would notice. A lost record has no other fault.
 * Only training is disturbed: measurements show how good Θ is, not how good the network is.
 */
export type Disturbance = { readonly seed: number; readonly lost: number; readonly duplicated: number; readonly corrupted: number };

const RECORD_HEADER = 8;
const MOST_FLIPS = 4;

type Fate = { readonly lost: boolean; readonly duplicated: boolean; readonly corrupted: boolean; readonly draw: (bound: number) => number };

const fateOf = ({ seed, lost, duplicated, corrupted }: Disturbance, { round, device }: Message): Fate => {
  const { uniform, integer } = random(seed, 'wire', round, device);
  // All three are drawn always, so that one chance does not change the others.
  const [first, second, third] = [uniform(), uniform(), uniform()];
  const isLost = first < lost;
  return { lost: isLost, duplicated: !isLost && second < duplicated, corrupted: !isLost && third < corrupted, draw: integer };
};

const flipBits = (record: Uint8Array, draw: Fate['draw']): void => {
  const flips = 1 + draw(MOST_FLIPS);
  for (let flip = 0; flip < flips; flip++) {
    const at = RECORD_HEADER + draw(record.length - RECORD_HEADER);
    record[at] = record[at]! ^ (1 << draw(8));
  }
};

export type Disturbed = { readonly encoded: Encoded; readonly lost: ReadonlySet<DeviceId> };

/** The frame as it arrives. Copies come last, so that their effect does not depend on the other devices of the frame. */
export const disturb = (messages: readonly Message[], encoded: Encoded, disturbance: Disturbance): Disturbed => {
  const source = new Uint8Array(encoded.frame);
  const lost = new Set<DeviceId>();
  const records: Uint8Array[] = [];
  const copies: Uint8Array[] = [];
  let at = 0;
  messages.forEach((message, index) => {
    const size = encoded.sizes[index]!;
    const record = source.slice(at, at + size);
    at = (at + size + 7) & ~7;
    if (message.kind !== 'update') {
      records.push(record);
      return;
    }
    const fate = fateOf(disturbance, message);
    if (fate.lost) {
      lost.add(message.device);
      return;
    }
    if (fate.duplicated) copies.push(record.slice());
    if (fate.corrupted) flipBits(record, fate.draw);
    records.push(record);
  });
  const all = [...records, ...copies];
  const frame = new Uint8Array(all.reduce((sum, { length }) => sum + ((length + 7) & ~7), 0));
  let end = 0;
  for (const record of all) {
    frame.set(record, end);
    end += (record.length + 7) & ~7;
  }
  const last = all.at(-1)?.length ?? 0;
  return { encoded: { frame: frame.buffer, length: end - ((8 - (last & 7)) & 7), sizes: all.map(({ length }) => length) }, lost };
};

const UNUSED = { memory: 0, storage: 0, dataPlan: 0, battery: 0, compute: 0 } as const;

/** The cost of a device whose update was lost, if no simulated fleet gives one. */
const bareCost = (device: DeviceId): DeviceCost => ({
  ...{ device, profile: 0, lost: 'after', operations: 0, energy: joules(0), used: UNUSED },
  ...{ down: seconds(0), compute: seconds(0), up: seconds(0), bytesDown: bytes(0), bytesUp: bytes(0) },
});

/** Costs that mark lost updates. For the coordinator, these devices fell silent after training. */
export const withLosses = (costs: readonly DeviceCost[], lost: ReadonlySet<DeviceId>): readonly DeviceCost[] => {
  if (lost.size === 0) return costs;
  const known = costs.map((cost) => (lost.has(cost.device) ? ({ ...cost, lost: 'after' } as const) : cost));
  const present = new Set(costs.map(({ device }) => device));
  return [...known, ...[...lost].filter((device) => !present.has(device)).map(bareCost)];
};
