import { onTestFinished } from 'vitest';
import type { ErrorCode } from '../../../src/base/errors.js';
import { bytes, type DeviceId, deviceId, joules, type Millis, millis, type Seconds, seconds } from '../../../src/base/units.js';
import type { Devices } from '../../../src/coordinator/round/devices.js';
import type { DeviceCost } from '../../../src/messages/device-cost.js';
import { encodeFrame } from '../../../src/messages/frame.js';
import type { Message, Update } from '../../../src/messages/message.js';
import type { StoreUsage } from '../../../src/transport/exchange/envelope.js';

/**
 * A way to reach hosts, as the tests of this folder drive it. On one side is the coordinator's port, on the other are two hosts that
 * the test plays. The first host has devices 0 to 9, the second 10 to 19.
 */
export type TransportUnderTest = {
  readonly devices: Devices;
  readonly hosts: readonly [PlayedHost, PlayedHost];
  /** A host dies, and the transport notices. */
  lose(host: 0 | 1, reason: string): void;
  /** A host closes its end of its channel, and nobody else tells of it. */
  hangUp(host: 0 | 1): void;
  /** A host that was lost is there again. */
  bringBack(host: 0 | 1): void;
  /** A host cannot be brought back. */
  giveUp(error: Error): void;
  close(): void;
};

export type TransportOptions = {
  /** Bytes in unanswered frames from which a host that has a frame waiting is given no more. */
  readonly mostUnanswered?: number;
};

export type CreateTransport = (options?: TransportOptions) => TransportUnderTest;

export type PlayedHost = {
  /** The next frame that this host was sent, as soon as it is there. */
  next(): Promise<Asked>;
};

/** A frame that a host was sent. It answers each with one, in order. */
export type Asked = {
  readonly messages: readonly Message[];
  readonly at: readonly Seconds[] | undefined;
  answer(answer: Answer): void;
  /** The host could make no sense of it. */
  fail(code: ErrorCode | null, message: string): void;
};

export type Answer = {
  /** Encoded as a host does, or bytes in the place of a frame. */
  readonly frame: readonly Message[] | Uint8Array;
  readonly costs?: readonly DeviceCost[];
  readonly deviceMillis?: readonly Millis[];
  readonly store?: StoreUsage;
};

/** One transport for a test, closed at its end. */
export const opened = (create: CreateTransport, options?: TransportOptions): TransportUnderTest => {
  const transport = create(options);
  onTestFinished(() => transport.close());
  return transport;
};

export const NO_STORE: StoreUsage = { models: 0, bytes: bytes(0), evicted: 0, delivered: 0 };

export const ids = (...devices: readonly number[]): readonly DeviceId[] => devices.map(deviceId);

export const assign = (device: number, round = 1): Message => ({ kind: 'assign', round, device: deviceId(device), purpose: 'train' });

export const update = (device: number, round = 1): Update => ({
  ...{ kind: 'update', round, device: deviceId(device), count: 2, loss: device / 8, rows: Uint32Array.of(1, device + 2) },
  tensors: [{ dtype: 'f32', shape: [2, 1], data: [new Uint8Array(Float32Array.of(device, -device).buffer)] }],
});

/** Messages as plain data: bytes of a tensor may come in any view. */
export const plain = (messages: readonly Message[]): readonly object[] =>
  messages.map((message) => {
    if (message.kind !== 'update' && message.kind !== 'model') return message;
    return { ...message, tensors: message.tensors.map((tensor) => ({ ...tensor, data: tensor.data.map((piece) => [...piece]) })) };
  });

/** Honest updates of all that a frame asks. */
export const updatesFor = ({ messages }: Asked): readonly Update[] => messages.map(({ device, round }) => update(device, round));

/** `lost`: where the device fell silent. */
export const costOf = (device: number, lost: DeviceCost['lost'] = null): DeviceCost => ({
  ...{ device: deviceId(device), profile: 0, lost, down: seconds(1), compute: seconds(2), up: seconds(3) },
  ...{ bytesDown: bytes(10), bytesUp: bytes(20), operations: 30, energy: joules(4) },
  used: { memory: 0.1, storage: 0.2, dataPlan: 0.3, battery: 0.4, compute: 0.5 },
});

/** Frame bytes of these messages. */
export const frameOf = (messages: readonly Message[]): Uint8Array => {
  const { frame, length } = encodeFrame(messages);
  return new Uint8Array(frame.slice(0, length));
};

/** A device's local step, in a unit of its own. */
export const took = (...times: readonly number[]): readonly Millis[] => times.map(millis);
