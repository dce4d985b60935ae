import type { MessagePort } from 'node:worker_threads';
import type { HostChannel } from '../exchange/host-channel.js';
import { createPortChannel } from './port-channel.js';

/**
 * Where a host is reached, as data that another thread can be given. Each kind has one way to open a channel.
 * A port is transferred with it: `portsOf` names it.
 */
export type HostAddress = { readonly kind: 'port'; readonly port: MessagePort };

export const portsOf = ({ port }: HostAddress): readonly MessagePort[] => [port];

/** The coordinator's end of a channel to the host. */
export const openChannel = ({ port }: HostAddress): HostChannel => createPortChannel(port);
