import type { MessagePort } from 'node:worker_threads';
import type { HookWatch } from '../../definitions/hook-watch.js';
import { createPortChannel } from '../channels/port-channel.js';
import { expose } from './control.js';
import { type HostSetup, serveDevices } from './host.js';

/** A device host on a thread. */
export type HostTask = {
  readonly host: number;
  readonly setup: HostSetup;
  readonly control: MessagePort;
  readonly traffic: MessagePort;
  readonly watch?: HookWatch;
};

/** Serves until it is stopped. Piscina keeps the thread, and with it the host's state, while the promise is pending. */
export const serveHost = async ({ host, setup, control, traffic, watch }: HostTask): Promise<void> => {
  await serveDevices({ host, setup, watch, channel: createPortChannel(traffic), expose: (api) => expose(api, control) });
  control.close();
};
