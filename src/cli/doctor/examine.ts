import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmdirSync, statfsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { availableParallelism, freemem, totalmem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../../base/errors.js';
import { cacheFolder } from '../../data/catalogue/cache.js';
import { isProxyAddress, PROXY_VARIABLES } from '../../data/catalogue/download.js';
import { probeFeatures } from '../../tensor/kernels/probe.js';
import { loadTensorflow } from '../../tensor/tfjs.js';
import type { Machine, Folder } from './findings.js';

/** What to look at, apart from the machine itself. */
export type Places = { readonly results: string; readonly host: string; readonly port: number };

const PAGES_OF_4_GIB = 65_536;
const PROMETHEUS_MILLIS = 20_000;

const memory = (): Machine['memory'] => {
  const total = totalmem();
  // Without a control group, Node gives 0 or a number beyond all memory.
  const constrained = process.constrainedMemory() ?? 0;
  const limit = constrained > 0 && constrained < total ? constrained : undefined;
  // Of the system, not of the control group: Node 20 has no other.
  const available = Math.min(freeOfSystem(), limit === undefined ? total : limit - process.memoryUsage.rss());
  return { total, available, limit };
};

/** What can be had without swapping. `freemem` leaves out caches where the C library does. */
const freeOfSystem = (): number => {
  try {
    const line = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'));
    if (line !== null) return Number(line[1]) * 1024;
  } catch {
    // Not Linux.
  }
  return freemem();
};

const limits = (): Machine['limits'] => {
  let text: string;
  try {
    text = readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return { addresses: undefined, files: undefined };
  }
  const soft = (name: string): number | undefined => {
    const found = new RegExp(`^${name} +(\\S+)`, 'm').exec(text)?.[1];
    return found === undefined ? undefined : found === 'unlimited' ? Number.POSITIVE_INFINITY : Number(found);
  };
  return { addresses: soft('Max address space'), files: soft('Max open files') };
};

const errorOf = (work: () => unknown): string | undefined => {
  try {
    work();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
};

const reserve = (): unknown => new WebAssembly.Memory({ initial: 1, maximum: PAGES_OF_4_GIB, shared: true });

const tensorflow = async (): Promise<Machine['tensorflow']> => {
  try {
    return { backend: (await loadTensorflow()).tf.getBackend() };
  } catch (error) {
    return { error: messageOf(error) };
  }
};

const prometheus = async (): Promise<string | undefined> => {
  try {
    const { stdout, stderr } = await promisify(execFile)('prometheus', ['--version'], { timeout: PROMETHEUS_MILLIS });
    return /version (\S+)/.exec(stdout + stderr)?.[1] ?? 'found';
  } catch {
    return undefined;
  }
};

const portError = (host: string, port: number): Promise<string | undefined> =>
  new Promise((settle) => {
    const server = createServer();
    server.once('error', (error) => settle(messageOf(error)));
    try {
      server.listen({ host, port }, () => server.close(() => settle(undefined)));
    } catch (error) {
      settle(messageOf(error));
    }
  });

/** The folder itself, or the one above it where it would be made. Whether a file can be written there is known when one was. */
const folder = (path: string): Folder => {
  const full = resolve(path);
  let place = full;
  while (!existsSync(place) && dirname(place) !== place) place = dirname(place);
  const error = errorOf(() => rmdirSync(mkdtempSync(join(place, '.metafleet-doctor-'))));
  let freeBytes: number | undefined;
  errorOf(() => {
    const { bavail, bsize } = statfsSync(place);
    freeBytes = bavail * bsize;
  });
  return { path: full, freeBytes, error };
};

const proxies = (): Machine['proxies'] =>
  Object.fromEntries(
    PROXY_VARIABLES.flatMap((name) => {
      const value = process.env[name] ?? '';
      return value === '' ? [] : [[name, isProxyAddress(value)]];
    }),
  );

/** Looks at the machine as this process sees it. Nothing is left behind. */
export const examine = async ({ results, host, port }: Places): Promise<Machine> => {
  const { engines } = createRequire(import.meta.url)('#package') as { engines: { node: string } };
  return {
    node: { version: process.versions.node, needed: engines.node },
    cores: availableParallelism(),
    memory: memory(),
    limits: limits(),
    wasm: probeFeatures(),
    sharedMemory: { error: errorOf(reserve) },
    tensorflow: await tensorflow(),
    prometheus: await prometheus(),
    port: { host, port, error: await portError(host, port) },
    results: folder(results),
    cache: folder(cacheFolder()),
    proxies: proxies(),
  };
};
