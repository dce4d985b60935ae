import type { MessagePort } from 'node:worker_threads';
import type { FrameDown, FrameUp, HostFailure } from '../exchange/envelope.js';
import type { Channel } from '../exchange/host-channel.js';
import { arrivedOn } from './arrived.js';

const buffersOf = (message: FrameDown | FrameUp | HostFailure): ArrayBuffer[] => {
  if ('failure' in message) return [];
  return 'spent' in message && message.spent !== undefined ? [message.frame, message.spent] : [message.frame];
};

/** One end of a channel between threads of this process: frames are transferred, not copied. */
export const createPortChannel = <Sent extends FrameDown | FrameUp | HostFailure, Received>(port: MessagePort): Channel<Sent, Received> => {
  let isClosed = false;
  return {
    send: (message) => port.postMessage(message, buffersOf(message)),
    arrived: () => (isClosed ? [] : arrivedOn<Received>(port)),
    listen: (listener) =>
      void port.on('message', (message: Received) => {
        if (!isClosed) listener(message);
      }),
    onEnd: (listener) =>
      void port.once('close', () => {
        if (!isClosed) listener();
      }),
    close: () => {
      isClosed = true;
      port.close();
    },
  };
};
