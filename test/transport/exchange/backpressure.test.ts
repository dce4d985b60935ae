import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Bytes, bytes, deviceId, millis } from '../../../src/base/units.js';
import { createCoordinator } from '../../../src/coordinator/coordinator.js';
import { createRecorder } from '../../../src/coordinator/round/recorder.js';
import { type DeviceContext, transition } from '../../../src/device/actor/actor.js';
import { decodeFrame, encodeFrame } from '../../../src/messages/frame.js';
import { createPortChannel } from '../../../src/transport/channels/port-channel.js';
import { createDevicesLink } from '../../../src/transport/exchange/devices-link.js';
import type { FrameDown, FrameUp } from '../../../src/transport/exchange/envelope.js';
import { contextFor, createFakeEngine, meanOf, settingsOf } from '../../support/coordinator/in-process-coordinator.js';

/** So many turns of the event loop without a frame: nothing more is to be sent. A slow machine takes longer for a turn, not more turns. */
const QUIET_TURNS = 50;

/** A host of real actors that answers one frame at a time, and only when it is given no more. */
const serveSlowly = (port: MessagePort, context: DeviceContext) => {
  const held = { now: 0, most: 0, largest: 0 };
  const waiting: FrameDown[] = [];
  let quiet = 0;
  let looking = false;
  const answer = ({ exchange, frame, length }: FrameDown): void => {
    const encoded = encodeFrame(decodeFrame(frame, length, 'test frame').messages.map((message) => transition(context, message).reply));
    held.now -= length;
    const store = { models: 0, bytes: bytes(0), evicted: 0, delivered: 0 };
    const thread = { lagMillis: millis(0), gcMillis: millis(0), heapBytes: bytes(0) };
    const beside = { deviceMillis: [], costs: [], store, thread, waited: millis(0), sent: millis(0) };
    port.postMessage({ exchange, frame: encoded.frame, length: encoded.length, ...beside } satisfies FrameUp, [encoded.frame]);
  };
  const look = (): void => {
    quiet += 1;
    if (quiet > QUIET_TURNS) {
      quiet = 0;
      answer(waiting.shift()!);
    }
    looking = waiting.length > 0;
    if (looking) setImmediate(look);
  };
  port.on('message', (down: FrameDown) => {
    held.now += down.length;
    held.most = Math.max(held.most, held.now);
    held.largest = Math.max(held.largest, down.length);
    waiting.push(down);
    quiet = 0;
    if (!looking) setImmediate(look);
    looking = true;
  });
  return held;
};

/** Two rounds of ten devices, each with a frame of its own. */
const trainWith = async (mostUnanswered?: Bytes) => {
  const engine = await createFakeEngine({}, 1);
  const { algorithm, world } = engine;
  const { port1, port2 } = new MessageChannel();
  const held = serveSlowly(port2, contextFor({ algorithm }));
  const link = createDevicesLink(1, createRecorder({ devices: world.devices }), mostUnanswered);
  const activity = new Uint32Array(world.devices).fill(3);
  const settings = settingsOf({ cohort: 10 });
  const coordinator = createCoordinator({ ...engine, devices: link, settings, activity, aggregator: meanOf(engine), emit: () => {} });
  try {
    link.attach(0, 0, createPortChannel(port1));
    await coordinator.train(2);
    return { held, digest: coordinator.digest() };
  } finally {
    port2.close();
    await coordinator.close();
  }
};

describe('a host that is slow', () => {
  it('is given no more than its bound and a chunk, or two chunks, and the digest is what it would have been', async () => {
    const free = await trainWith();
    expect(free.held.most).toBeGreaterThan(8 * free.held.largest);
    const bound = bytes(2 * free.held.largest + 1);
    const bounded = await trainWith(bound);
    expect(bounded.held.most).toBeLessThan(bound + bounded.held.largest);
    expect(bounded.held.most).toBeGreaterThan(bounded.held.largest);
    const ahead = await trainWith(bytes(1));
    expect(ahead.held.most).toBeGreaterThan(ahead.held.largest);
    expect(ahead.held.most).toBeLessThanOrEqual(2 * ahead.held.largest);
    expect([bounded.digest, ahead.digest]).toEqual([free.digest, free.digest]);
  });

  it('and dies ends the wait of whoever has more for it', async () => {
    const link = createDevicesLink(1, createRecorder({ devices: 1 }), bytes(1));
    const { port1, port2 } = new MessageChannel();
    onTestFinished(() => port2.close());
    link.attach(0, 0, createPortChannel(port1));
    const exchange = await link.open();
    for (let frames = 0; frames < 2; frames++) {
      await exchange.ready();
      exchange.send([{ kind: 'assign', round: 1, device: deviceId(0), purpose: 'train' }]);
    }
    const waiting = exchange.ready();
    link.lost(0, 'killed');
    await expect(waiting).rejects.toThrow('host 0 died: killed');
  });
});
