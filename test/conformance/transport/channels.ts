import { MessageChannel, Worker } from 'node:worker_threads';
import { onTestFinished } from 'vitest';
import { createPortChannel } from '../../../src/transport/channels/port-channel.js';
import type { CoordinatorChannel, HostChannel } from '../../../src/transport/exchange/host-channel.js';

/** A kind of channel, as the tests of channels.test.ts drive it. */
export type ChannelsUnderTest = {
  readonly name: string;
  /** Both ends, in the hands of the test. */
  readonly pair: () => Promise<{ readonly host: HostChannel; readonly coordinator: CoordinatorChannel }>;
  /** The coordinator's end. A thread or process that answers each frame with a failure of the same exchange has the other. `kill` ends it, as a crash would. */
  readonly mortal: () => Promise<{ readonly host: HostChannel; readonly kill: () => void }>;
};

const ECHO = `
const { port } = require('node:worker_threads').workerData;
port.on('message', ({ exchange }) => port.postMessage({ exchange, failure: { code: null, message: 'echo' } }));
`;

const messagePorts: ChannelsUnderTest = {
  name: 'message ports',
  pair: async () => {
    const { port1, port2 } = new MessageChannel();
    onTestFinished(() => port1.close());
    return { host: createPortChannel(port1), coordinator: createPortChannel(port2) };
  },
  mortal: async () => {
    const { port1, port2 } = new MessageChannel();
    const worker = new Worker(ECHO, { eval: true, workerData: { port: port2 }, transferList: [port2] });
    onTestFinished(() => void worker.terminate());
    return { host: createPortChannel(port1), kill: () => void worker.terminate() };
  },
};

/** All there are. */
export const CHANNELS: readonly ChannelsUnderTest[] = [messagePorts];
