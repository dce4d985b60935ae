import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { MetafleetError, messageOf } from '../base/errors.js';
import { carriesToken } from './token.js';

export type TelemetryServerOptions = {
  readonly host?: string;
  /** 0: any free port. */
  readonly port: number;
  readonly registry: Registry;
  /** Asked for, as a bearer token, on every path but /healthz. */
  readonly token?: string | undefined;
  /** What /status shows, as JSON; asked for at each request. Never a rating. */
  readonly status: () => object;
};

export type TelemetryServer = {
  /** Without a trailing slash. */
  readonly url: string;
  /** Ends open connections at once, scrapers' keep-alive ones included; idempotent. */
  close(): Promise<void>;
};

/** Tells nothing but that the run lives: probes need no token. */
const OPEN_PATH = '/healthz';

type Answer = { readonly type: string; readonly body: string };

/**
 * GET /metrics, /healthz and /status on `host`:`port`; 401 without the token, where there is one, whatever the path is.
 * Rejects with CONFIG when the address cannot be listened on.
 */
export const startServer = async ({
  host = '127.0.0.1',
  port,
  registry,
  token,
  status,
}: TelemetryServerOptions): Promise<TelemetryServer> => {
  const routes: Readonly<Record<string, () => Answer | Promise<Answer>>> = {
    '/metrics': async () => ({ type: registry.contentType, body: await registry.metrics() }),
    [OPEN_PATH]: () => ({ type: 'text/plain; charset=utf-8', body: 'ok\n' }),
    '/status': () => ({ type: 'application/json; charset=utf-8', body: `${JSON.stringify(status())}\n` }),
  };
  const server = createServer((request, response) => void answer(routes, token, request, response));
  await listen(server, host, port);
  let closing: Promise<void> | undefined;
  return {
    url: urlOf(server.address() as AddressInfo),
    close() {
      closing ??= new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      return closing;
    },
  };
};

const answer = async (
  routes: Readonly<Record<string, () => Answer | Promise<Answer>>>,
  token: string | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const path = (request.url ?? '/').split('?', 1)[0]!;
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
  const send = (code: number, { type, body }: Answer): void => {
    response.writeHead(code, { 'content-type': type, 'content-length': Buffer.byteLength(body), 'cache-control': 'no-store' });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
  const sendText = (code: number, body: string): void => send(code, { type: 'text/plain; charset=utf-8', body: `${body}\n` });

  if (token !== undefined && path !== OPEN_PATH && !carriesToken(request.headers.authorization, token)) {
    response.setHeader('www-authenticate', 'Bearer realm="metafleet"');
    return sendText(401, 'unauthorized: send the token as "Authorization: Bearer …"');
  }
  if (!route) return sendText(404, `not found: try ${Object.keys(routes).join(', ')}`);
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return sendText(405, 'method not allowed: GET or HEAD');
  }
  try {
    send(200, await route());
  } catch (error) {
    sendText(500, messageOf(error));
  }
};

const listen = (server: Server, host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => reject(cannotListen(host, port, error));
    server.once('error', fail);
    try {
      server.listen({ host, port }, () => {
        server.off('error', fail);
        resolve();
      });
    } catch (error) {
      // A port out of range throws at once.
      fail(error as NodeJS.ErrnoException);
    }
  });

const cannotListen = (host: string, port: number, error: NodeJS.ErrnoException): MetafleetError => {
  const why: Readonly<Record<string, string>> = {
    EADDRINUSE: 'the port is in use; take another, or 0 for any free one',
    EACCES: 'this user may not open the port; take one above 1023',
    EADDRNOTAVAIL: 'this machine has no such address',
    ENOTFOUND: 'the host name is unknown',
  };
  return new MetafleetError('CONFIG', `metrics server: cannot listen on ${host}:${port}: ${why[error.code ?? ''] ?? error.message}`, {
    cause: error,
  });
};

const urlOf = ({ address, family, port }: AddressInfo): string => `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
