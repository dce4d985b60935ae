import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MetafleetError } from '../../base/errors.js';

/** Whether only programs of this machine reach the address. */
export const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || host.startsWith('127.');

/** `what`: the name of the server in errors. */
export type ListenOptions = { readonly host: string; readonly port: number; readonly what: string };

/** `url`: without a trailing slash. */
export type Listening = { readonly port: number; readonly url: string };

/** Begins to listen. Rejects with CONFIG, which says why the address cannot be had. */
export const listen = (server: Server, { host, port, what }: ListenOptions): Promise<Listening> =>
  new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      const why = WHY[error.code ?? ''] ?? error.message;
      reject(new MetafleetError('CONFIG', `${what}: cannot listen on ${host}:${port}: ${why}`, { cause: error }));
    };
    server.once('error', fail);
    try {
      server.listen({ host, port }, () => {
        server.off('error', fail);
        const address = server.address() as AddressInfo;
        resolve({ port: address.port, url: urlOf(address) });
      });
    } catch (error) {
      // A port out of range throws at once.
      fail(error as NodeJS.ErrnoException);
    }
  });

const WHY: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use; take another, or 0 for any free one',
  EACCES: 'this user may not open the port; take one above 1023',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'the host name is unknown',
};

const urlOf = ({ address, family, port }: AddressInfo): string => `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
