import type { DeviceId } from '../../base/units.js';
import type { PrivateColumns } from '../../device/actor/columns.js';
import { disconnect, orDeath, type Remote } from '../threads/control.js';
import type { HostControl } from '../threads/host.js';
import type { HostLauncher, LaunchedHost } from './host-launcher.js';

/** The hosts of a run, one for each shard of devices. It starts, asks and ends them, and leaves decisions to the supervisor. */
export type Hosts = {
  /** Starts a host with its shard, in place of the one before. False: it died before it was there, or no host may start any more. */
  readonly start: (host: number) => Promise<boolean>;
  /** Ends the connection to a host that has died. */
  readonly forget: (host: number) => void;
  /** Ends a host's thread, as a crash would. */
  readonly kill: (host: number) => void;
  /** Predicted ratings by the model that a device holds. null: it holds none with these items. */
  readonly predict: (device: DeviceId, items: Uint32Array) => Promise<Float32Array | null>;
  readonly load: () => { readonly queued: number; readonly threads: number };
  /** Asks every host to end. */
  readonly stop: () => void;
  readonly destroy: () => Promise<void>;
};

export type HostsOptions = {
  readonly shards: readonly PrivateColumns[];
  readonly launcher: HostLauncher;
  /** Joins a loaded host to the coordinator. `activity`: the number of training ratings of each of its devices. */
  readonly attach: (host: number, activity: Uint32Array, address: LaunchedHost['address']) => Promise<void>;
  readonly onEnd: (host: number, error: unknown) => void;
  readonly isClosing: () => boolean;
};

type Slot = {
  launched: LaunchedHost | undefined;
  /** Absent until the host has its shard, and after its death. */
  remote: Remote<HostControl> | undefined;
  /** Resolves when the host has ended. */
  gone: Promise<null>;
};

export const createHosts = ({ shards, launcher, attach, onEnd, isClosing }: HostsOptions): Hosts => {
  const slots = shards.map((): Slot => ({ launched: undefined, remote: undefined, gone: Promise.resolve(null) }));

  const start = async (host: number): Promise<boolean> => {
    const slot = slots[host]!;
    await slot.launched?.destroy();
    if (isClosing()) return false;
    const launched = launcher.launch(host);
    const { remote, ended } = launched;
    let dead = false;
    slot.launched = launched;
    slot.gone = ended.catch((error: unknown) => {
      dead = true;
      onEnd(host, error);
      return null;
    });
    try {
      const activity = await orDeath(remote.load(shards[host]!) as Promise<Uint32Array>, ended);
      slot.remote = remote;
      await attach(host, activity, launched.address);
      return !dead;
    } catch (error) {
      launched.abandon();
      if (dead) return false;
      throw error;
    }
  };

  return {
    start,
    forget: (host) => {
      const slot = slots[host]!;
      if (slot.remote !== undefined) disconnect(slot.remote);
      slot.remote = undefined;
    },
    kill: (host) => slots[host]?.launched?.kill(),
    predict: async (device, items) => {
      const slot = slots[shards.findLastIndex(({ firstDevice }) => firstDevice <= device)];
      // A host that dies takes its models with it.
      return slot?.remote === undefined ? null : Promise.race([slot.remote.predict(device, items), slot.gone]);
    },
    load: () => {
      const loads = slots.map(({ launched }) => launched?.load() ?? { queued: 0, threads: 0 });
      return {
        queued: loads.reduce((sum, { queued }) => sum + queued, 0),
        threads: loads.reduce((sum, { threads }) => sum + threads, 0),
      };
    },
    stop: () => {
      for (const slot of slots) {
        const { remote } = slot;
        if (remote === undefined) continue;
        slot.remote = undefined;
        void remote.stop().catch(() => {});
        disconnect(remote);
      }
    },
    destroy: async () => void (await Promise.all(slots.map(({ launched }) => launched?.destroy()))),
  };
};
