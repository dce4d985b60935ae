import type { MessagePort } from 'node:worker_threads';
import type { FrameUp, HostFailure } from '../exchange/envelope.js';
import type { HostChannel } from '../exchange/host-channel.js';
import { arrivedOn } from './arrived.js';

/** A channel to a host on a thread of this process: frames are transferred, not copied. */
export const createPortChannel = (port: MessagePort): HostChannel => ({
  send: (down) => port.postMessage(down, [down.frame]),
  arrived: () => arrivedOn<FrameUp | HostFailure>(port),
  listen: (listener) => void port.on('message', listener),
  close: () => port.close(),
});
