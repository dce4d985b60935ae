import { Registry } from 'prom-client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { PAGE_POLICY, readPageFiles } from '../../../src/telemetry/server/page-files.js';
import { startServer } from '../../../src/telemetry/server/server.js';

const TOKEN = 'a-token-of-enough-letters';
const start = async (token?: string) => {
  const server = await startServer({ port: 0, registry: new Registry(), status: () => ({}), token });
  onTestFinished(() => server.close());
  return server.url;
};

describe('the files of the live page', () => {
  it('weigh at most 150 kB together, compressed', () => {
    const files = readPageFiles();
    expect([...files.keys()]).toEqual(expect.arrayContaining(['/', '/page/main.js', '/page/style.css', '/page/uplot.js']));
    const total = [...files.values()].reduce((sum, { gzip }) => sum + gzip.length, 0);
    expect(total).toBeGreaterThan(10_000);
    expect(total).toBeLessThanOrEqual(150_000);
  });

  it('work offline: they name no address outside, no inline script, no inline style', () => {
    for (const [path, { body }] of readPageFiles()) {
      const text = body.toString().replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/ ?.*$/gm, '');
      const addresses = [...text.matchAll(/(?:https?:)?\/\/[\w.-]+\.[a-z]{2,}[^\s"'`)]*/g)].map(([address]) => address);
      expect({ path, addresses }).toEqual({ path, addresses: [] });
      if (path === '/') expect(text).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=/);
      for (const [, name] of text.matchAll(/^import .* from ["'](.*)["'];$/gm))
        expect(readPageFiles().has(name!.replace('./', '/page/'))).toBe(true);
    }
  });

  it('are served compressed if the browser takes that, under a policy that forbids all other sources', async () => {
    const url = await start();
    const response = await fetch(url);
    expect(response.headers.get('content-security-policy')).toBe(PAGE_POLICY);
    expect(response.headers.get('content-encoding')).toBe('gzip');
    expect(await response.text()).toContain('<title>metafleet</title>');
    const plain = await fetch(`${url}/page/main.js`, { headers: { 'accept-encoding': 'identity' } });
    expect([plain.headers.get('content-encoding'), plain.headers.get('content-type')]).toEqual([null, 'text/javascript; charset=utf-8']);
    expect((await fetch(`${url}/page/../server.js`)).status).toBe(404);
    expect((await fetch(`${url}/page/main.js.map`)).status).toBe(404);
  });
});

describe('the token, in a browser', () => {
  it('is given once in the address, and then by a cookie that is not the token', async () => {
    const url = await start(TOKEN);
    for (const path of ['/', '/events', '/device?id=1', '/page/main.js', `/?token=${TOKEN}x`])
      expect((await fetch(url + path, { redirect: 'manual' })).status).toBe(401);
    const signIn = await fetch(`${url}/?token=${TOKEN}`, { redirect: 'manual' });
    expect([signIn.status, signIn.headers.get('location')]).toEqual([303, '/']);
    const cookie = signIn.headers.get('set-cookie')!;
    expect(cookie).toMatch(/^metafleet-\d+=[0-9a-f]{64}; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain(TOKEN);
    const value = cookie.split(';')[0]!;
    expect((await fetch(url, { headers: { cookie: `other=1; ${value}` } })).status).toBe(200);
    expect((await fetch(`${url}/metrics`, { headers: { cookie: value } })).status).toBe(200);
    expect((await fetch(url, { headers: { cookie: value.replace(/.$/, 'g') } })).status).toBe(401);
    expect((await fetch(url, { headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(200);
    // The token in an address opens the page alone: links to other paths would leave it in logs.
    expect((await fetch(`${url}/status?token=${TOKEN}`)).status).toBe(401);
  });
});
