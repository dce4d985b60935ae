import { beforeEach, describe, expect, it } from 'vitest';
import { deviceId } from '../../../src/base/units.js';
import { createSecureDevices, type SecureDevices } from '../../../src/device/secure/secure-device.js';
import type { Keys, Message, Model, Share, Shares, Unmask } from '../../../src/messages/message.js';
import { SEALED_BYTES } from '../../../src/privacy/secure/shares.js';
import { LAYOUT, summandOf } from '../../support/secure/secure-fleet.js';

const COUNT = 5;
const IDS = Array.from({ length: COUNT }, (_, id) => deviceId(id));
const others = (id: number) => IDS.filter((other) => other !== id);
const list = (...ids: number[]) => Uint32Array.from(ids);

/** Five devices, everyone's neighbours, that were sent what comes before `unmask`. */
describe('a device of a secure sum', () => {
  let devices: SecureDevices;
  let keys: readonly Keys[];
  let shares: readonly Message[];
  const share = (device: number, changes: Partial<Share> = {}): Share => ({
    ...{ kind: 'share', round: 1, device: deviceId(device), ids: list(...others(device)), threshold: 3, cohort: COUNT },
    data: Buffer.concat(others(device).map((peer) => keys[peer]!.data)),
    ...changes,
  });
  const sealedFor = (device: number): Uint8Array =>
    Buffer.concat(
      others(device).map((peer) => {
        const at = SEALED_BYTES * others(peer).indexOf(deviceId(device));
        return (shares[peer] as Shares).data.subarray(at, at + SEALED_BYTES);
      }),
    );
  const model = (device: number, changes: Partial<Model> = {}): Model => ({
    ...{ kind: 'model', round: 1, device: deviceId(device), purpose: 'train', rows: null, tensors: [] },
    ...{ peers: list(...others(device)), sealed: sealedFor(device), ...changes },
  });
  const unmask = (device: number, ids: number[], gone: number[], round = 1): Message =>
    devices.answer({ kind: 'unmask', round, device: deviceId(device), ids: list(...ids), gone: list(...gone) } as Unmask);
  const why = (message: Message): string => (message.kind === 'refuse' ? message.reason : message.kind);

  beforeEach(async () => {
    devices = createSecureDevices(LAYOUT);
    keys = IDS.map((device) => devices.answer({ kind: 'advertise', round: 1, device }) as Keys);
    const asked = IDS.map((device) => share(device));
    await devices.prepare(asked);
    shares = asked.map((message) => devices.answer(message));
    for (const device of IDS) expect(devices.mask(model(device), summandOf(device)).kind).toBe('masked');
  });

  it('gives one share of each neighbour, once', () => {
    expect(why(unmask(0, [1, 2, 3], [4]))).toBe('reveal');
    expect(why(unmask(0, [1, 2, 3], [4]))).toBe('secure sum: shares were asked for before');
    expect(why(unmask(0, [1, 2, 4], [3]))).toBe('secure sum: shares were asked for before');
  });

  it('refuses a coordinator that asks for both shares of one device', () => {
    expect(why(unmask(0, [1, 2, 3, 4], [4]))).toBe('secure sum: both shares of device 4 were asked for');
  });

  it('refuses to unmask a sum of too few, of strangers, of itself, of another round, or before its own update', () => {
    expect(why(unmask(0, [1, 2], [3, 4]))).toBe('secure sum: fewer than 3 neighbours are in the sum');
    expect(why(unmask(0, [1, 2, 3, 9], []))).toBe('secure sum: device 9 is no neighbour');
    expect(why(unmask(0, [0, 1, 2, 3], []))).toBe('secure sum: device 0 is no neighbour');
    expect(why(unmask(0, [1, 2, 3], [], 2))).toBe('secure sum: no masked update was sent');
  });

  it('masks one update a round, with neighbours of one list', async () => {
    expect(why(devices.mask(model(0), summandOf(0)))).toBe('secure sum: a second model came');
    expect(why(devices.answer(share(0)))).toBe('secure sum: no key was asked for');
    devices.answer({ kind: 'advertise', round: 2, device: deviceId(0) });
    expect(why(devices.answer(share(0, { round: 2, threshold: 1 })))).toBe('secure sum: a threshold that protects nothing');
    expect(why(devices.answer(share(0, { round: 2, ids: list(1), data: new Uint8Array(64) })))).toBe(
      'secure sum: fewer than two neighbours',
    );
    expect(why(devices.mask(model(0, { round: 2 }), summandOf(0)))).toBe('secure sum: a model came without shares of neighbours');
  });

  it('notices shares that were changed on their way', async () => {
    devices = createSecureDevices(LAYOUT);
    keys = IDS.map((device) => devices.answer({ kind: 'advertise', round: 1, device }) as Keys);
    const asked = IDS.map((device) => share(device));
    await devices.prepare(asked);
    shares = asked.map((message) => devices.answer(message));
    const sealed = Uint8Array.from(sealedFor(0));
    sealed[3]! ^= 1;
    expect(() => devices.mask(model(0, { sealed }), summandOf(0))).toThrow(
      /shares for device 0: expected those that its neighbours sealed/,
    );
  });
});
