import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import { badInput, isMetafleetError, messageOf } from '../../base/errors.js';
import type { LivePage } from '../live/live-page.js';
import { listen } from './listen.js';
import { PAGE_POLICY, readPageFiles } from './page-files.js';
import { createSession, type Session } from './session.js';
import { carriesToken } from './token.js';

export type TelemetryServerOptions = {
  readonly host?: string;
  /** 0: any free port. */
  readonly port: number;
  readonly registry: Registry;
  /** The bearer token that every path requires, except /healthz. */
  readonly token?: string | undefined;
  /** The JSON of /status, called at each request. It never holds a rating. */
  readonly status: () => object;
  /** The live page, called at each request. A run has none until it has a name. */
  readonly page?: () => LivePage | undefined;
};

export type TelemetryServer = {
  /** Without a trailing slash. */
  readonly url: string;
  /** Ends open connections at once, also keep-alive ones of scrapers. Readers of the stream get the last frame. Idempotent. */
  close(): Promise<void>;
};

/** Shows only that the run lives. So probes need no token. */
const OPEN_PATH = '/healthz';

type Answer = { readonly type: string; readonly body: string | Buffer; readonly gzip?: Buffer };
type Route = (query: URLSearchParams) => Answer | Promise<Answer>;
type Context = {
  readonly routes: Readonly<Record<string, Route>>;
  readonly token: string | undefined;
  readonly session: Session | undefined;
  readonly page: () => LivePage | undefined;
};

/**
 * Serves GET /metrics, /healthz, /status and the live page, if there is one, on `host`:`port`.
 * If there is a token, every path answers 401 without it, also one that does not exist.
 * Rejects with CONFIG if it cannot listen on the address.
 */
export const startServer = async ({
  host = '127.0.0.1',
  port,
  registry,
  token,
  status,
  page = () => undefined,
}: TelemetryServerOptions): Promise<TelemetryServer> => {
  const json = (value: object): Answer => ({ type: 'application/json; charset=utf-8', body: `${JSON.stringify(value)}\n` });
  const routes: Record<string, Route> = {
    '/metrics': async () => ({ type: registry.contentType, body: await registry.metrics() }),
    [OPEN_PATH]: () => ({ type: 'text/plain; charset=utf-8', body: 'ok\n' }),
    '/status': () => json(status()),
    '/device': async (query) => json((await page()?.device(deviceIn(query))) ?? {}),
    ...Object.fromEntries([...readPageFiles()].map(([path, file]): [string, Route] => [path, () => file])),
  };
  let context: Context = { routes, token, session: undefined, page };
  const server = createServer((request, response) => void answer(context, request, response));
  const address = await listen(server, { host, port, what: 'metrics server' });
  if (token !== undefined) context = { ...context, session: createSession(token, address.port) };
  let closing: Promise<void> | undefined;
  return {
    url: address.url,
    close() {
      closing ??= (page()?.stream.close() ?? Promise.resolve()).then(
        () =>
          new Promise((resolve) => {
            server.close(() => resolve());
            server.closeAllConnections();
          }),
      );
      return closing;
    },
  };
};

const deviceIn = (query: URLSearchParams): number => {
  const id = query.get('id') ?? '';
  if (!/^\d{1,10}$/.test(id)) throw badInput('CONFIG', '/device?id=', 'a device id, from 0', JSON.stringify(id.slice(0, 40)));
  return Number(id);
};

const answer = async (context: Context, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const [path, query] = (request.url ?? '/').split('?', 2) as [string, string?];
  const route = Object.hasOwn(context.routes, path) ? context.routes[path] : undefined;
  const send = (code: number, { type, body, gzip }: Answer): void => {
    const packed = gzip !== undefined && /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
    const content = packed ? gzip : body;
    const headers = {
      'content-type': type,
      'content-length': Buffer.byteLength(content),
      'cache-control': 'no-store',
      vary: 'accept-encoding',
    };
    response.writeHead(code, packed ? { ...headers, 'content-encoding': 'gzip' } : headers);
    response.end(request.method === 'HEAD' ? undefined : content);
  };
  const sendText = (code: number, body: string): void => send(code, { type: 'text/plain; charset=utf-8', body: `${body}\n` });

  for (const [name, value] of HEADERS) response.setHeader(name, value);
  const search = new URLSearchParams(query);
  if (path === '/' && context.session?.admits(search.get('token'))) {
    response.setHeader('set-cookie', context.session.cookie);
    // The token leaves the address bar. So bookmarks and onlookers do not get it.
    response.setHeader('location', '/');
    return sendText(303, 'see /');
  }
  if (path !== OPEN_PATH && !isAllowed(context, request)) {
    response.setHeader('www-authenticate', 'Bearer realm="metafleet"');
    return sendText(401, 'unauthorized: send the token as "Authorization: Bearer …", or open /?token=… in a browser');
  }
  if (request.method !== 'GET' && request.method !== 'HEAD' && (route !== undefined || path === STREAM_PATH)) {
    response.setHeader('allow', 'GET, HEAD');
    return sendText(405, 'method not allowed: GET or HEAD');
  }
  if (path === STREAM_PATH && request.method === 'GET') {
    const page = context.page();
    if (page === undefined || !page.stream.attach(response))
      return sendText(503, page === undefined ? 'the run has not begun' : 'too many readers');
    return;
  }
  if (!route) return sendText(404, 'not found: try /, /metrics, /healthz, /status');
  try {
    send(200, await route(search));
  } catch (error) {
    sendText(isMetafleetError(error, 'CONFIG') ? 400 : 500, messageOf(error));
  }
};

const STREAM_PATH = '/events';
const HEADERS = Object.entries({
  'content-security-policy': PAGE_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
});

const isAllowed = ({ token, session }: Context, { headers }: IncomingMessage): boolean =>
  token === undefined || carriesToken(headers.authorization, token) || (session?.carried(headers.cookie) ?? false);
