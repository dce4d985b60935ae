import { spawn } from 'node:child_process';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { badInput, MetafleetError, messageOf } from '../../base/errors.js';
import { beforeLeaving } from '../../base/leaving.js';

/** What fetching needs from outside, so that tests can count and replace it. */
export type FetchTools = {
  /** Puts the tarball of a package into `folder`, through the user's own npm configuration; resolves to its path. */
  readonly npmPack: (spec: string, folder: string) => Promise<string>;
  /** Writes what is at `address` to the file `path`. */
  readonly download: (address: string, path: string, note: (text: string) => void) => Promise<void>;
};

const NPM_LIMIT_MS = 10 * 60_000;
/** A server that says nothing for this long is gone. */
const IDLE_LIMIT_MS = 60_000;

const BY_HAND = 'or fetch it by hand and give its folder instead of the name';

/** Variables that name a proxy. npm reads the same ones, so that both kinds of download take the same way. */
export const PROXY_VARIABLES = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY'] as const;

/** Whether a text is the address of a proxy. */
export const isProxyAddress = (text: string): boolean => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);

/** The proxy settings of the environment, as a sender of requests. Throws FETCH for an address that is none, without showing it: it may hold a password. */
const openWay = async () => {
  const { EnvHttpProxyAgent, fetch } = await import('undici');
  for (const name of PROXY_VARIABLES) {
    const value = process.env[name];
    if (value !== undefined && value !== '' && !isProxyAddress(value))
      throw badInput('FETCH', `environment variable ${name}`, 'the address of a proxy, such as http://proxy.example:3128', 'another text');
  }
  const dispatcher = new EnvHttpProxyAgent();
  return { request: (address: string, signal: AbortSignal) => fetch(address, { signal, dispatcher }), close: () => dispatcher.destroy() };
};

/** What to add to the reason of a failure, where a proxy may be the cause. */
const proxyNote = (): string => {
  const set = PROXY_VARIABLES.find((name) => (process.env[name] ?? '') !== '');
  return set === undefined ? '' : `; ${set} names a proxy`;
};

/**
 * Runs `npm pack`. Registry, certificates and credentials are npm's business: it is run where the user stands. Proxies are those of `openWay`.
 * @throws MetafleetError FETCH when npm is missing, fails, or takes more than ten minutes.
 */
const npmPack: FetchTools['npmPack'] = async (spec, folder) => {
  const windows = process.platform === 'win32'; // npm is a .cmd file there, which only a shell runs
  const destination = windows ? `"${folder}"` : folder;
  const child = spawn('npm', ['pack', spec, '--pack-destination', destination, '--ignore-scripts', '--loglevel=error'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    shell: windows,
    timeout: NPM_LIMIT_MS,
  });
  const stay = beforeLeaving(() => void child.kill());
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk.toString()).slice(-4000);
  });
  const code = await new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(messageOf(error)));
    child.once('close', (exit, signal) => resolve(exit ?? signal ?? 'no exit code'));
  });
  stay();
  if (code !== 0) {
    const said = complaints.split('\n').filter((line) => /^npm (error|ERR!)/.test(line) && !/complete log/.test(line));
    const reason =
      said
        .slice(0, 3)
        .map((line) => line.replace(/^npm (error|ERR!)\s*/, ''))
        .join('; ') || `${code}`;
    throw new MetafleetError(
      'FETCH',
      `npm pack ${spec}: expected a tarball, found ${reason}${proxyNote()} (check npm's registry settings, ${BY_HAND})`,
    );
  }
  const tarballs = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
  if (tarballs.length !== 1) throw badInput('FETCH', `npm pack ${spec}`, 'one .tgz file', `${tarballs.length}`);
  return join(folder, tarballs[0]!);
};

const megabytes = (count: number): string => (count / 1e6).toFixed(1);

/** By the proxy of HTTPS_PROXY or HTTP_PROXY, except for hosts in NO_PROXY; streamed to disk. @throws MetafleetError FETCH for anything but a complete 200 answer. */
const download: FetchTools['download'] = async (address, path, note) => {
  const way = await openWay();
  const aborter = new AbortController();
  let idle = setTimeout(() => aborter.abort(), IDLE_LIMIT_MS);
  const alive = (): void => {
    clearTimeout(idle);
    idle = setTimeout(() => aborter.abort(), IDLE_LIMIT_MS);
  };
  const file = await open(path, 'w');
  try {
    const response = await way.request(address, aborter.signal);
    if (response.status !== 200 || response.body === null) {
      await response.body?.cancel();
      throw badInput('FETCH', address, 'HTTP status 200', `${response.status}`);
    }
    const length = Number(response.headers.get('content-length') ?? 0);
    const encoded = response.headers.has('content-encoding');
    let received = 0;
    let shown = 0;
    for await (const chunk of response.body) {
      alive();
      await file.writeFile(chunk);
      received += chunk.length;
      const tenth = length > 0 ? Math.floor((10 * received) / length) : Math.floor(received / 10e6);
      if (tenth > shown) {
        shown = tenth;
        note(`${address}: ${megabytes(received)}${length > 0 ? ` of ${megabytes(length)}` : ''} MB`);
      }
    }
    if (length > 0 && !encoded && received !== length) throw badInput('FETCH', address, `${length} B`, `${received} B`);
  } catch (error) {
    if (error instanceof MetafleetError) throw error;
    const cause = error instanceof Error && error.cause !== undefined ? `: ${messageOf(error.cause)}` : '';
    const reason = aborter.signal.aborted ? `silence for ${IDLE_LIMIT_MS / 1000} s` : messageOf(error) + cause;
    throw new MetafleetError('FETCH', `${address}: expected a download, found ${reason}${proxyNote()} (try again, ${BY_HAND})`, {
      cause: error,
    });
  } finally {
    clearTimeout(idle);
    await file.close();
    await way.close();
  }
};

export const realTools: FetchTools = { npmPack, download };
