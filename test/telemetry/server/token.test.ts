import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startServer } from '../../../src/telemetry/server/server.js';
import { carriesToken, readToken, TOKEN_VARIABLE } from '../../../src/telemetry/server/token.js';

const TOKEN = 'correct-horse.battery~staple==';

const fileWith = (text: string): string => {
  const folder = mkdtempSync(join(tmpdir(), 'metafleet-token-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'token');
  writeFileSync(file, text);
  return file;
};

describe('the token', () => {
  it('comes from the file, else from the environment, else there is none', () => {
    expect(readToken(fileWith(`${TOKEN}\n`), { [TOKEN_VARIABLE]: 'another-token-of-the-environment' })).toBe(TOKEN);
    expect(readToken('', { [TOKEN_VARIABLE]: TOKEN })).toBe(TOKEN);
    expect(readToken('', {})).toBeUndefined();
    expect(readToken('', { [TOKEN_VARIABLE]: '' })).toBeUndefined();
  });
  it('is refused, without being shown, when it is short, empty or cannot be sent', () => {
    for (const text of ['secret', '', 'two words are not one token']) {
      const file = fileWith(text);
      expect(() => readToken(file)).toThrow(
        `${file}: expected a token of at least 16 letters, digits and -._~+/, found ${text.length} characters`,
      );
    }
    expect(() => readToken('', { [TOKEN_VARIABLE]: 'short' })).toThrow(`environment variable ${TOKEN_VARIABLE}: expected a token`);
    expect(() => readToken('/nowhere/token')).toThrow('key metrics.tokenFile: expected a readable file that holds the token');
  });
  it('is carried by a bearer header alone, whole', () => {
    expect(carriesToken(`Bearer ${TOKEN}`, TOKEN)).toBe(true);
    expect(carriesToken(`bearer  ${TOKEN}`, TOKEN)).toBe(true);
    for (const header of [undefined, '', TOKEN, `Basic ${TOKEN}`, `Bearer ${TOKEN}=`, `Bearer ${TOKEN.slice(0, -1)}`, 'Bearer'])
      expect([header, carriesToken(header, TOKEN)]).toEqual([header, false]);
  });
  it('is asked for on every path but /healthz, unknown ones included', async () => {
    const server = await startServer({ port: 0, registry: new Registry(), status: () => ({}), token: TOKEN });
    onTestFinished(() => server.close());
    const statusOf = async (path: string, headers = {}) => (await fetch(`${server.url}${path}`, { headers })).status;
    for (const path of ['/metrics', '/status', '/', '/healthz/..%2fmetrics', '/elsewhere'])
      expect([path, await statusOf(path)]).toEqual([path, 401]);
    expect(await statusOf('/healthz')).toBe(200);
    const authorization = `Bearer ${TOKEN}`;
    expect([await statusOf('/metrics', { authorization }), await statusOf('/elsewhere', { authorization })]).toEqual([200, 404]);
    expect(await statusOf('/metrics', { authorization: 'Bearer wrong-wrong-wrong-wrong' })).toBe(401);
    expect((await fetch(`${server.url}/metrics`)).headers.get('www-authenticate')).toBe('Bearer realm="metafleet"');
  });
});
