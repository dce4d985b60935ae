import { describe, expect, it } from 'vitest';
import { deviceId } from '../../../src/base/units.js';
import { decodeRecords, encodeFrame } from '../../../src/messages/frame.js';
import type { Message } from '../../../src/messages/message.js';
import { type Disturbance, disturb, withLosses } from '../../../src/transport/threads/disturbance.js';

const update = (device: number): Message => ({
  ...{ kind: 'update', round: 4, device: deviceId(device), count: 1, loss: 0.5, rows: Uint32Array.of(device) },
  tensors: [{ dtype: 'f32', shape: [1, 2], data: [new Uint8Array(new Float32Array([device, 1]).buffer)] }],
});
const DEVICES = Array.from({ length: 400 }, (_, device) => device);
const NONE: Disturbance = { seed: 2, lost: 0, duplicated: 0, corrupted: 0 };

const play = (messages: readonly Message[], changes: Partial<Disturbance>) => {
  const { encoded, lost } = disturb(messages, encodeFrame(messages), { ...NONE, ...changes });
  const { records, sizes } = decodeRecords(encoded.frame, encoded.length, 'test');
  expect(sizes).toEqual(encoded.sizes);
  return { records, lost: [...lost].map(Number), devices: records.map((record) => ('device' in record ? Number(record.device) : null)) };
};

describe('a disturbed frame', () => {
  it('is what it was where no chance is set', () => {
    const messages = DEVICES.map(update);
    const { encoded } = disturb(messages, encodeFrame(messages), NONE);
    const { frame, length, sizes } = encodeFrame(messages);
    expect(encoded.sizes).toEqual(sizes);
    expect(Buffer.from(encoded.frame, 0, encoded.length).equals(Buffer.from(frame, 0, length))).toBe(true);
  });

  it('lacks what was lost, and says whose it was', () => {
    const { devices, lost } = play(DEVICES.map(update), { lost: 0.3 });
    expect(lost.length).toBeGreaterThan(80);
    expect(lost.length).toBeLessThan(160);
    expect(devices).toEqual(DEVICES.filter((device) => !lost.includes(device)));
    const costs = withLosses([], new Set(lost.map(deviceId)));
    expect(costs.map(({ device, lost: stage, bytesUp }) => [Number(device), stage, Number(bytesUp)])).toEqual(
      lost.map((device) => [device, 'after', 0]),
    );
  });

  it('has copies at its end', () => {
    const { devices } = play(DEVICES.map(update), { duplicated: 0.25 });
    expect(devices.slice(0, 400)).toEqual(DEVICES);
    expect(devices.length).toBeGreaterThan(450);
    expect(new Set(devices.slice(400)).size).toBe(devices.length - 400);
  });

  it('can be split into records after any flips of bits, and the faults of a device do not depend on the others in its frame', () => {
    const together = play(DEVICES.map(update), { corrupted: 0.5, lost: 0.2 });
    expect(together.records.filter((record) => record instanceof Error).length).toBeGreaterThan(5);
    const show = (record: unknown) => (record instanceof Error ? 'broken' : JSON.stringify(record));
    const apart = DEVICES.flatMap((device) => play([update(device)], { corrupted: 0.5, lost: 0.2 }).records.map(show));
    expect(together.records.map(show)).toEqual(apart);
  });

  it('leaves everything but updates alone', () => {
    const refusals = DEVICES.map((device): Message => ({ kind: 'refuse', round: 4, device: deviceId(device), reason: 'no ratings' }));
    const { records, lost } = play(refusals, { lost: 1, duplicated: 1, corrupted: 1 });
    expect([records, lost]).toEqual([refusals, []]);
  });
});
