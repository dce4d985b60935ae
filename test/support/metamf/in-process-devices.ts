import { bytes } from '../../../src/base/units.js';
import type { Devices } from '../../../src/coordinator/round/devices.js';
import { type DeviceContext, transition } from '../../../src/device/actor/actor.js';
import type { Message } from '../../../src/messages/message.js';
import { IDLE_THREADS } from '../coordinator/samples.js';

/** The coordinator's port to its devices without threads or frames: actors answer at once, in the caller's thread. */
export const inProcessDevices = (context: DeviceContext): Devices => ({
  open: () => {
    let waiting: Message[] = [];
    return Promise.resolve({
      ready: () => Promise.resolve(),
      send: (messages) => {
        waiting.push(...messages.map((message) => transition(context, message).reply));
      },
      answers: () => {
        const answers = waiting.sort((a, b) => a.device - b.device);
        waiting = [];
        return Promise.resolve({ messages: answers, rejected: [], duplicates: 0, costs: [] });
      },
    });
  },
  takeTraffic: () => [],
  takeReport: () => ({
    deviceMillis: [],
    activated: 0,
    evicted: 0,
    residentModels: 0,
    residentBytes: bytes(0),
    ...IDLE_THREADS,
  }),
});
