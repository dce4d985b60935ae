import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { Registry } from 'prom-client';
import { afterEach, describe, expect, it } from 'vitest';
import { isMetafleetError } from '../../../src/base/errors.js';
import { createMetrics } from '../../../src/telemetry/prometheus/metrics.js';
import { startServer, type TelemetryServer } from '../../../src/telemetry/server/server.js';
import { parseExposition } from '../../support/telemetry/exposition.js';
import { round } from '../../support/telemetry/telemetry-events.js';

const open: TelemetryServer[] = [];
const start = async (changes: Partial<Parameters<typeof startServer>[0]> = {}): Promise<TelemetryServer> => {
  const server = await startServer({ port: 0, registry: new Registry(), status: () => ({ round: 7 }), ...changes });
  open.push(server);
  return server;
};
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});
const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('telemetry server', () => {
  it('serves metrics that Prometheus can read', async () => {
    const metrics = createMetrics();
    metrics.observe(round(64));
    const { url } = await start({ registry: metrics.registry });
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const response = await fetch(`${url}/metrics`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(parseExposition(await response.text()).value('metafleet_rounds_total')).toBe(1);
  });
  it('serves health, and the status of the moment', async () => {
    let at = 1;
    const { url } = await start({ status: () => ({ round: at }) });
    expect(await (await fetch(`${url}/healthz`)).text()).toBe('ok\n');
    at = 2;
    expect(await (await fetch(`${url}/status?pretty`)).json()).toEqual({ round: 2 });
  });
  it('answers 404 to other paths, 405 to other methods, 500 when the status fails', async () => {
    const { url } = await start({
      status: () => {
        throw new Error('no run');
      },
    });
    expect((await fetch(`${url}/nothing`)).status).toBe(404);
    expect((await fetch(`${url}/constructor`)).status).toBe(404);
    const post = await fetch(`${url}/metrics`, { method: 'POST' });
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    const failed = await fetch(`${url}/status`);
    expect([failed.status, await failed.text()]).toEqual([500, 'no run\n']);
    expect((await fetch(`${url}/healthz`, { method: 'HEAD' })).status).toBe(200);
  });
  it('says in one line that a port is in use', async () => {
    const first = await start();
    const port = Number(new URL(first.url).port);
    const error = await rejection(startServer({ port, registry: new Registry(), status: () => ({}) }));
    expect(isMetafleetError(error, 'CONFIG')).toBe(true);
    expect((error as Error).message).toBe(
      `metrics server: cannot listen on 127.0.0.1:${port}: the port is in use; take another, or 0 for any free one`,
    );
  });
  it.each([
    [{ port: 70_000 }, /127\.0\.0\.1:70000/],
    [{ port: 0, host: '203.0.113.1' }, /this machine has no such address/],
  ])('refuses to listen on %j', async (address, message) => {
    const error = await rejection(startServer({ registry: new Registry(), status: () => ({}), ...address }));
    expect(isMetafleetError(error, 'CONFIG')).toBe(true);
    expect(String(error)).toMatch(message);
  });
  it('closes though clients keep their connections, without waiting for them or for their time to be up, and closes twice', async () => {
    const server = await start();
    const agent = new Agent({ keepAlive: true });
    await new Promise<void>((resolve, reject) => {
      get(`${server.url}/healthz`, { agent }, (response) => response.resume().on('end', resolve)).on('error', reject);
    });
    // A connection that never asks anything.
    const silent = connect(Number(new URL(server.url).port), '127.0.0.1');
    await new Promise((resolve) => silent.once('connect', resolve));
    const ended = new Promise((resolve) => silent.once('close', resolve));
    silent.on('error', () => undefined);
    // A server that lets time decide says 408 to a client that has asked nothing.
    let said = '';
    silent.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    await Promise.all([server.close(), server.close()]);
    await ended;
    expect(said).toBe('');
    agent.destroy();
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
  });
});
