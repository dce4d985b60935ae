import type { DeviceId } from '../../base/units.js';
import type { HostChannel } from './host-channel.js';

/** Which hosts are there, and the devices of each. */
export type HostTable = {
  readonly attach: (host: number, firstDevice: number, channel: HostChannel) => void;
  readonly detach: (host: number) => void;
  /** No host will come back: all waiting ends with this error. */
  readonly fail: (error: Error) => void;
  /** Resolves when every host is there. */
  readonly complete: () => Promise<void>;
  /** The channel of a host that is there. */
  readonly channelOf: (host: number) => HostChannel;
  readonly hostOf: (device: DeviceId) => number;
  readonly forEach: (visit: (channel: HostChannel, host: number) => void) => void;
};

type Entry = { readonly firstDevice: number; readonly channel: HostChannel };

export const createHostTable = (count: number): HostTable => {
  const entries = Array.from({ length: count }, (): Entry | undefined => undefined);
  let broken: Error | undefined;
  let wake: (() => void)[] = [];
  const wakeAll = (): void => {
    for (const resolve of wake) resolve();
    wake = [];
  };
  return {
    attach: (host, firstDevice, channel) => {
      entries[host] = { firstDevice, channel };
      wakeAll();
    },
    detach: (host) => {
      entries[host]?.channel.close();
      entries[host] = undefined;
    },
    fail: (error) => {
      broken = error;
      wakeAll();
    },
    complete: async () => {
      while (broken === undefined && entries.includes(undefined)) await new Promise<void>((resolve) => wake.push(resolve));
      if (broken !== undefined) throw broken;
    },
    channelOf: (host) => entries[host]!.channel,
    hostOf: (device) => {
      let host = count - 1;
      while (host > 0 && entries[host]!.firstDevice > device) host -= 1;
      return host;
    },
    forEach: (visit) =>
      entries.forEach((entry, host) => {
        if (entry !== undefined) visit(entry.channel, host);
      }),
  };
};
