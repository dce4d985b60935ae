import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { bytes, millis } from '../../../src/base/units.js';
import { createRecorder } from '../../../src/coordinator/round/recorder.js';
import { decodeFrame, encodeFrame } from '../../../src/messages/frame.js';
import { createPortChannel } from '../../../src/transport/channels/port-channel.js';
import { createDevicesLink } from '../../../src/transport/exchange/devices-link.js';
import type { FrameDown, FrameUp, HostFailure } from '../../../src/transport/exchange/envelope.js';
import { type Answer, type Asked, type CreateTransport, NO_STORE, type PlayedHost } from './transport.js';

const DEVICES = 20;
const SHARE = 10;
const THREAD = { lagMillis: millis(0), gcMillis: millis(0), heapBytes: bytes(0) };

const encoded = (frame: Answer['frame']): { readonly frame: ArrayBuffer; readonly length: number } => {
  if (!(frame instanceof Uint8Array)) return encodeFrame(frame);
  return { frame: frame.slice().buffer, length: frame.length };
};

/** The end of a message port that a host's thread would hold. */
const playHost = (port: MessagePort): PlayedHost => {
  const arrived: Asked[] = [];
  let waiting: ((asked: Asked) => void)[] = [];
  port.on('message', ({ exchange, frame, length, at }: FrameDown) => {
    const asked: Asked = {
      messages: decodeFrame(frame, length, 'frame').messages,
      at,
      answer: ({ frame: up, costs = [], deviceMillis = [], store = NO_STORE }) => {
        const beside = { costs, deviceMillis, store, thread: THREAD, waited: millis(0), sent: millis(0) };
        port.postMessage({ exchange, ...encoded(up), ...beside } satisfies FrameUp);
      },
      fail: (code, message) => port.postMessage({ exchange, failure: { code, message } } satisfies HostFailure),
    };
    const [next, ...others] = waiting;
    waiting = others;
    if (next === undefined) arrived.push(asked);
    else next(asked);
  });
  return {
    next: () => {
      const asked = arrived.shift();
      return asked === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(asked);
    },
  };
};

/** As between threads, with both ends on this one. */
export const createMessagePorts: CreateTransport = ({ mostUnanswered } = {}) => {
  const link = createDevicesLink(2, createRecorder({ devices: DEVICES }), mostUnanswered === undefined ? undefined : bytes(mostUnanswered));
  const ports: MessagePort[] = [];
  const ends: MessagePort[] = [];
  const hosts: [PlayedHost, PlayedHost] = [0, 1].map((host) => attach(host)) as [PlayedHost, PlayedHost];
  function attach(host: number): PlayedHost {
    const { port1, port2 } = new MessageChannel();
    ports.push(port1, port2);
    ends[host] = port2;
    link.attach(host, host * SHARE, createPortChannel(port1));
    return playHost(port2);
  }
  return {
    devices: link,
    hosts,
    lose: link.lost,
    hangUp: (host) => ends[host]!.close(),
    bringBack: (host) => {
      hosts[host] = attach(host);
    },
    giveUp: link.fail,
    close: () => {
      for (const port of ports) port.close();
    },
  };
};
