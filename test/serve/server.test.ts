import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Refusal } from '../../src/serve/refusal.js';
import { serveRecommendations } from '../../src/serve/server.js';
import type { Service } from '../../src/serve/service.js';

/** Answers with what it was asked. */
const SERVICE: Service = {
  recommend: (user) => {
    if (user === 'nobody') throw new Refusal(404, 'user: expected an id of the data, found "nobody"');
    if (user === 'broken') throw new Error('/a/path/of/this/machine');
    return { user, recommendations: [] };
  },
  recommendTo: (ratings) => ({ user: null, unknown: ratings.length, recommendations: [] }),
  predict: (user, item) => ({ user, item, prediction: 4.5 }),
  warm: async () => {},
  cache: () => ({ hits: 3, misses: 2, bytes: 100, users: 1 }),
};

const started = async (token?: string, service = SERVICE) => {
  const server = await serveRecommendations({ service, host: '127.0.0.1', port: 0, token });
  onTestFinished(() => server.close());
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`${server.url}${path}`, init);
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json');
    return { code: response.status, body: isJson === true && text !== '' ? JSON.parse(text) : text };
  };
  return { server, ask };
};

const posted = (body: string, type = 'application/json'): RequestInit => ({ method: 'POST', body, headers: { 'content-type': type } });

describe('serveRecommendations', () => {
  it('answers users, new users and pairs', async () => {
    const { ask } = await started();
    expect(await ask('/recommend/J%C3%BCrg%2F1?top=5')).toEqual({ code: 200, body: { user: 'Jürg/1', recommendations: [] } });
    expect(await ask('/recommend', posted('{"ratings":{"a":5}}'))).toEqual({
      code: 200,
      body: { user: null, unknown: 1, recommendations: [] },
    });
    expect(await ask('/predict?user=u&item=i')).toEqual({ code: 200, body: { user: 'u', item: 'i', prediction: 4.5 } });
    expect(await ask('/healthz')).toEqual({ code: 200, body: 'ok\n' });
  });

  it.each([
    ['/recommend/nobody', {}, 404, 'user: expected an id of the data, found "nobody"'],
    ['/recommend/broken', {}, 500, 'internal error'],
    ['/recommend/%zz', {}, 400, 'path: expected percent-encoded UTF-8'],
    ['/recommend/u?top=0', {}, 400, '?top=: expected a whole number from 1 to 1000'],
    ['/predict?user=u', {}, 400, '?item=: expected an id'],
    ['/recommend', {}, 405, 'method not allowed: POST'],
    ['/recommend/u', posted('{}'), 405, 'method not allowed: GET or HEAD'],
    ['/recommend', posted('{}', 'text/plain'), 415, 'unsupported: send application/json'],
    ['/recommend', posted('{'), 400, 'body: expected JSON'],
    ['/recommend', posted(' '.repeat((1 << 20) + 1)), 413, 'too large'],
    ['/constructor', {}, 404, 'not found'],
  ] as const)('refuses %s %.0s with %i', async (path, init, code, error) => {
    const { ask } = await started();
    const answer = await ask(path, init);
    expect(answer).toEqual({ code, body: { error: expect.stringContaining(error) } });
  });

  it('ends a body of unknown length that grows too large', async () => {
    const { ask } = await started();
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1 << 16)) });
    const answer = await ask('/recommend', { ...posted(''), body: endless, duplex: 'half' } as RequestInit).catch(() => ({ code: 413 }));
    expect(answer.code).toBe(413);
  });

  it('asks for the token everywhere but at /healthz', async () => {
    const { ask } = await started('a-token-of-enough-characters');
    for (const path of ['/recommend/u', '/predict', '/metrics', '/nowhere']) expect((await ask(path)).code).toBe(401);
    expect((await ask('/healthz')).code).toBe(200);
    const headers = { authorization: 'Bearer a-token-of-enough-characters' };
    expect((await ask('/recommend/u', { headers })).code).toBe(200);
    expect((await ask('/recommend/u', { headers: { authorization: 'Bearer another-token-of-characters' } })).code).toBe(401);
  });

  it('counts requests by route and code, never by path', async () => {
    const { ask } = await started();
    await ask('/recommend/u');
    await ask('/recommend/v');
    await ask('/secret-path');
    const { body } = await ask('/metrics');
    expect(body).toContain('metafleet_serve_requests_total{route="recommend",code="200"} 2');
    expect(body).toContain('metafleet_serve_requests_total{route="other",code="404"} 1');
    expect(body).toContain('metafleet_serve_cache_bytes 100');
    expect(body).toContain('metafleet_serve_seconds_count{route="recommend"} 2');
    expect(body).not.toContain('secret');
  });

  it('answers a request that has come before it ends, and does not wait for a connection that says nothing', async () => {
    const { server } = await started();
    const port = Number(new URL(server.url).port);
    const silent = connect(port, '127.0.0.1');
    await new Promise((resolve) => silent.once('connect', resolve));
    // The request has come, and its body has not.
    const slow = connect(port, '127.0.0.1');
    const heard = new Promise<string>((resolve) => {
      let text = '';
      slow.on('data', (data) => {
        text += String(data);
      });
      slow.once('close', () => resolve(text));
    });
    slow.write(
      'POST /recommend HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 19\r\nexpect: 100-continue\r\n\r\n{"ratings":',
    );
    await new Promise((resolve) => slow.once('data', resolve));
    const closed = server.close();
    slow.write('{"a":5}}');
    expect(await heard).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n[\s\S]*"unknown":1/);
    await closed;
    await new Promise((resolve) => (silent.closed ? resolve(0) : silent.resume().once('close', resolve)));
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
  });

  it('says why it cannot listen', async () => {
    const { server } = await started();
    const port = Number(new URL(server.url).port);
    await expect(serveRecommendations({ service: SERVICE, host: '127.0.0.1', port })).rejects.toThrow(
      `serve: cannot listen on 127.0.0.1:${port}: the port is in use`,
    );
  });
});
