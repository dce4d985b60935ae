import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Registry } from 'prom-client';
import { isMetafleetError, messageOf } from '../base/errors.js';
import { createInstruments } from '../telemetry/prometheus/instruments.js';
import { listen } from '../telemetry/server/listen.js';
import { carriesToken } from '../telemetry/server/token.js';
import { Refusal } from './refusal.js';
import { parseBody, readBody, sizesIn } from './requests.js';
import type { Service } from './service.js';

export type ServeOptions = {
  readonly service: Service;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** The bearer token that every path requires, except /healthz. */
  readonly token?: string | undefined;
};

export type RecommendServer = {
  /** Without a trailing slash. */
  readonly url: string;
  /** Takes no new requests, answers those that have come, and ends. Idempotent. */
  close(): Promise<void>;
};

/** Requests that are answered late are ended then. */
const CLOSING_MILLIS = 5000;
const HEADERS_MILLIS = 10_000;
const REQUEST_MILLIS = 30_000;
/** Longer than a queue of models takes: a client that asks again meanwhile must not find its connection closed. */
const KEEP_ALIVE_MILLIS = 60_000;
const MOST_CONNECTIONS = 1024;

/** Bounds of the histogram of answer times, in seconds. */
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

type Context = { readonly service: Service; readonly token: string | undefined; readonly registry: Registry };
type Answer = { readonly type: string; readonly body: string };
type Route = {
  readonly name: string;
  readonly methods: readonly string[];
  /** Without a token. */
  readonly isOpen?: boolean;
  answer(context: Context, request: IncomingMessage, query: URLSearchParams): Answer | Promise<Answer>;
};

const json = (value: unknown): Answer => ({ type: 'application/json; charset=utf-8', body: `${JSON.stringify(value)}\n` });
const GET = ['GET', 'HEAD'];

const parameter = (query: URLSearchParams, name: string): string => {
  const value = query.get(name);
  if (value === null || value === '') throw new Refusal(400, `?${name}=: expected an id, found nothing`);
  return value;
};

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Refusal(400, 'path: expected percent-encoded UTF-8, found something else');
  }
};

const ROUTES: Readonly<Record<string, Route>> = {
  '/healthz': { name: 'healthz', methods: GET, isOpen: true, answer: () => ({ type: 'text/plain; charset=utf-8', body: 'ok\n' }) },
  '/metrics': {
    name: 'metrics',
    methods: GET,
    answer: async ({ registry }) => ({ type: registry.contentType, body: await registry.metrics() }),
  },
  '/predict': {
    name: 'predict',
    methods: GET,
    answer: ({ service }, _request, query) => json(service.predict(parameter(query, 'user'), parameter(query, 'item'))),
  },
  '/recommend': {
    name: 'recommend-new',
    methods: ['POST'],
    answer: async ({ service }, request) => {
      const { ratings, ...sizes } = parseBody(await readBody(request));
      return json(service.recommendTo(ratings, sizes));
    },
  },
};

const USER = /^\/recommend\/([^/]+)$/;

const routeOf = (path: string): Route | undefined => {
  const user = USER.exec(path)?.[1];
  if (user === undefined) return Object.hasOwn(ROUTES, path) ? ROUTES[path] : undefined;
  const answer: Route['answer'] = ({ service }, _request, query) => json(service.recommend(decoded(user), sizesIn(query)));
  return { name: 'recommend', methods: GET, answer };
};

/** Nothing of an unknown error is shown: it may hold a path of this machine. */
const codeOf = (error: unknown): number => {
  if (error instanceof Refusal) return error.code;
  return isMetafleetError(error, 'CONFIG') ? 400 : 500;
};

const HEADERS = Object.entries({
  'content-security-policy': "default-src 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
});

/** Answers, and returns the name of the route and the status code. */
const handle = async (context: Context, request: IncomingMessage, response: ServerResponse): Promise<readonly [string, number]> => {
  const [path, query] = (request.url ?? '/').split('?', 2) as [string, string?];
  const route = routeOf(path);
  const send = (code: number, { type, body }: Answer): readonly [string, number] => {
    response.writeHead(code, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
    response.end(request.method === 'HEAD' ? undefined : body);
    return [route?.name ?? 'other', code];
  };
  const refuse = (code: number, error: string): readonly [string, number] => send(code, json({ error }));
  for (const [name, value] of HEADERS) response.setHeader(name, value);
  if (route?.isOpen !== true && context.token !== undefined && !carriesToken(request.headers.authorization, context.token)) {
    response.setHeader('www-authenticate', 'Bearer realm="metafleet"');
    return refuse(401, 'unauthorized: send the token as "Authorization: Bearer …"');
  }
  if (route === undefined) return refuse(404, 'not found: try /recommend/<user>, /predict?user=…&item=…, /healthz, /metrics');
  if (!route.methods.includes(request.method ?? '')) {
    response.setHeader('allow', route.methods.join(', '));
    return refuse(405, `method not allowed: ${route.methods.join(' or ')}`);
  }
  try {
    return send(200, await route.answer(context, request, new URLSearchParams(query)));
  } catch (error) {
    const code = codeOf(error);
    // What is left of a body that nobody reads would hold the connection.
    if (code === 413) response.setHeader('connection', 'close');
    return refuse(code, code === 500 ? 'internal error' : messageOf(error));
  }
};

/** Ends the server once the requests that have come are answered. Connections that say nothing are not waited for. */
const createClosing = (server: Server): (() => Promise<void>) => {
  let pending = 0;
  let answered = (): void => {};
  server.on('request', (_request, response: ServerResponse) => {
    pending += 1;
    response.once('close', () => {
      pending -= 1;
      if (pending === 0) answered();
    });
  });
  return () =>
    new Promise((resolve) => {
      const end = (): void => server.closeAllConnections();
      const late = setTimeout(end, CLOSING_MILLIS);
      server.close(() => {
        clearTimeout(late);
        resolve();
      });
      answered = end;
      if (pending === 0) end();
    });
};

/** Serves recommendations of one run. Rejects with CONFIG if it cannot listen on the address. */
export const serveRecommendations = async ({ service, host, port, token }: ServeOptions): Promise<RecommendServer> => {
  const registry = new Registry();
  const instruments = createInstruments(registry);
  const requests = instruments.counters('serve_requests_total', ['route', 'code'], 'Requests by route and status code');
  const seconds = instruments.histograms('serve_seconds', ['route'], SECONDS, 'Seconds from a request to its answer, by route');
  instruments.sampled('serve_cache_bytes', 'Bytes of predictions of users that are kept', () => service.cache().bytes);
  instruments.sampled('serve_cache_users', 'Users whose predictions are kept', () => service.cache().users);
  instruments.sampled('serve_cache_hits', 'Requests that were answered from kept predictions', () => service.cache().hits);
  instruments.sampled('serve_cache_misses', 'Requests for which a model was generated', () => service.cache().misses);
  const context: Context = { service, token, registry };
  let closing: Promise<void> | undefined;
  const server = createServer((request, response) => {
    const start = performance.now();
    if (closing !== undefined) response.setHeader('connection', 'close');
    handle(context, request, response).then(
      ([route, code]) => {
        requests({ route, code: String(code) }).value += 1;
        seconds({ route }).observe((performance.now() - start) / 1000);
      },
      () => response.destroy(),
    );
  });
  server.headersTimeout = HEADERS_MILLIS;
  server.requestTimeout = REQUEST_MILLIS;
  server.keepAliveTimeout = KEEP_ALIVE_MILLIS;
  server.maxConnections = MOST_CONNECTIONS;
  const close = createClosing(server);
  const { url } = await listen(server, { host, port, what: 'serve' });
  return {
    url,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
};
