import { describe, expect, it } from 'vitest';
import { type Machine, type Finding, findingsOf } from '../../../src/cli/doctor/findings.js';

const FIT: Machine = {
  node: { version: '20.19.0', needed: '>=20.19' },
  cores: 4,
  memory: { total: 16e9, available: 8e9, limit: undefined },
  limits: { addresses: Number.POSITIVE_INFINITY, files: 1024 },
  wasm: { simd: true, threads: true },
  sharedMemory: { error: undefined },
  tensorflow: { backend: 'wasm' },
  prometheus: '2.42.0',
  port: { host: '127.0.0.1', port: 0, error: undefined },
  results: { path: '/work/results', freeBytes: 1e11, error: undefined },
  cache: { path: '/home/me/.cache/metafleet', freeBytes: 1e11, error: undefined },
  proxies: {},
};

const unwell = (change: Partial<Machine>): readonly Finding[] => findingsOf({ ...FIT, ...change }).filter(({ state }) => state !== 'ok');

describe('a machine', () => {
  it('that has all is well, and needs no advice', () => {
    expect(unwell({})).toEqual([]);
    expect(findingsOf(FIT).every(({ advice }) => advice === null)).toBe(true);
  });

  it.each<[string, Partial<Machine>, Finding['state'], RegExp]>([
    ['Node', { node: { version: '18.20.4', needed: '>=20.19' } }, 'problem', /install Node >=20\.19/],
    ['Node', { node: { version: '20.9.0', needed: '>=20.19' } }, 'problem', /install Node/],
    ['cores', { cores: 1 }, 'warning', /more cores/],
    ['memory', { memory: { total: 16e9, available: 0.1e9, limit: 0.5e9 } }, 'problem', /limit of the container/],
    ['memory', { memory: { total: 16e9, available: 0.8e9, limit: undefined } }, 'warning', /modelMemory/],
    ['addresses', { sharedMemory: { error: 'could not allocate memory' } }, 'problem', /ulimit -v unlimited/],
    ['addresses', { limits: { addresses: 8e9, files: 1024 } }, 'warning', /ulimit -v unlimited/],
    ['open files', { limits: { addresses: undefined, files: 64 } }, 'warning', /ulimit -n/],
    ['WebAssembly', { wasm: { simd: false, threads: true } }, 'warning', /slower/],
    ['TensorFlow.js', { tensorflow: { error: 'no backend' } }, 'problem', /npm ci/],
    ['Prometheus', { prometheus: undefined }, 'warning', /dashboards only/],
    ['port', { port: { host: '127.0.0.1', port: 80, error: 'EACCES' } }, 'problem', /--metrics\.port 0/],
    ['results', { results: { path: '/r', freeBytes: 1e11, error: 'EROFS' } }, 'problem', /--results/],
    ['results', { results: { path: '/r', freeBytes: 1e6, error: undefined } }, 'problem', /free space/],
    ['cache', { cache: { path: '/c', freeBytes: 1e9, error: undefined } }, 'warning', /METAFLEET_CACHE/],
    ['proxy', { proxies: { HTTPS_PROXY: false } }, 'problem', /http:\/\/proxy/],
  ])('hears of its %s: %j is a %s', (check, change, state, advice) => {
    expect(unwell(change)).toEqual([{ check, state, found: expect.any(String), advice: expect.stringMatching(advice) }]);
  });

  it('newer than what is needed is well', () => {
    for (const version of ['20.20.0', '21.0.0', '24.1.0']) expect(unwell({ node: { version, needed: '>=20.19' } })).toEqual([]);
  });
});
