import { formatBytes } from '../../report/format.js';

/** What `metafleet doctor` looks at, and what it thinks of it: pure, so that every answer can be tried. */
export type Finding = {
  readonly check: string;
  readonly state: 'ok' | 'warning' | 'problem';
  readonly found: string;
  /** What to do about it. Nothing where all is well. */
  readonly advice: string | null;
};

export type Folder = { readonly path: string; readonly freeBytes: number | undefined; readonly error: string | undefined };

/** Sizes in bytes. undefined: this system does not say. */
export type Machine = {
  readonly node: { readonly version: string; readonly needed: string };
  readonly cores: number;
  readonly memory: { readonly total: number; readonly available: number; readonly limit: number | undefined };
  /** Soft limits of the process; Infinity: none. */
  readonly limits: { readonly addresses: number | undefined; readonly files: number | undefined };
  readonly wasm: { readonly simd: boolean; readonly threads: boolean };
  /** Why a shared memory of full size cannot be reserved. */
  readonly sharedMemory: { readonly error: string | undefined };
  readonly tensorflow: { readonly backend: string } | { readonly error: string };
  readonly prometheus: string | undefined;
  readonly port: { readonly host: string; readonly port: number; readonly error: string | undefined };
  readonly results: Folder;
  readonly cache: Folder;
  /** `name: whether it is the address of a proxy`, for variables that are set. Their values may hold passwords. */
  readonly proxies: Readonly<Record<string, boolean>>;
};

const GIGABYTE = 1e9;
/** A run of the default set takes half of this. */
const LITTLE_MEMORY = 1 * GIGABYTE;
const TOO_LITTLE_MEMORY = 0.3 * GIGABYTE;
const LITTLE_SPACE = 2 * GIGABYTE;
const TOO_LITTLE_SPACE = 0.05 * GIGABYTE;
const FEW_FILES = 256;

const ok = (check: string, found: string): Finding => ({ check, state: 'ok', found, advice: null });
const warning = (check: string, found: string, advice: string): Finding => ({ check, state: 'warning', found, advice });
const problem = (check: string, found: string, advice: string): Finding => ({ check, state: 'problem', found, advice });

const numbers = (version: string): readonly number[] => version.replace(/^\D*/, '').split('.').map(Number);

const isOlder = (version: string, needed: string): boolean => {
  const [found, wanted] = [numbers(version), numbers(needed)];
  const at = wanted.findIndex((part, index) => (found[index] ?? 0) !== part);
  return at >= 0 && (found[at] ?? 0) < wanted[at]!;
};

const nodeFinding = ({ version, needed }: Machine['node']): Finding =>
  isOlder(version, needed)
    ? problem('Node', version, `install Node ${needed}: https://nodejs.org`)
    : ok('Node', `${version}, needed: ${needed}`);

const coresFinding = (cores: number): Finding =>
  cores < 2
    ? warning('cores', '1 for this process', 'runs work, but slowly: give the process more cores, or keep the fleet small')
    : ok('cores', `${cores} for this process`);

const memoryFinding = ({ total, available, limit }: Machine['memory']): Finding => {
  const found = `${formatBytes(available)} available of ${formatBytes(limit ?? total)}${limit === undefined ? '' : ' (limit of the control group)'}`;
  const raise = limit === undefined ? 'end other programs, or take a smaller dataset' : 'raise the memory limit of the container';
  if (available < TOO_LITTLE_MEMORY) return problem('memory', found, raise);
  return available < LITTLE_MEMORY ? warning('memory', found, `${raise}; modelMemory bounds what a run keeps`) : ok('memory', found);
};

const addressesFinding = ({ addresses }: Machine['limits'], { error }: Machine['sharedMemory']): Finding => {
  const limit = addresses === undefined ? '' : addresses === Number.POSITIVE_INFINITY ? ', no limit' : `, limit ${formatBytes(addresses)}`;
  if (error !== undefined)
    return problem('addresses', `no shared memory of 4 GiB: ${error}${limit}`, 'raise the limit: ulimit -v unlimited');
  return addresses !== undefined && Number.isFinite(addresses)
    ? warning(
        'addresses',
        `shared memory of 4 GiB can be reserved${limit}`,
        'a run reserves several of them, most of it never used: ulimit -v unlimited',
      )
    : ok('addresses', `shared memory of 4 GiB can be reserved${limit}`);
};

const filesFinding = ({ files }: Machine['limits']): Finding => {
  if (files === undefined) return ok('open files', 'this system does not say');
  const found = files === Number.POSITIVE_INFINITY ? 'no limit' : `${files} at once`;
  return files < FEW_FILES ? warning('open files', found, `raise the limit: ulimit -n ${FEW_FILES * 4}`) : ok('open files', found);
};

const wasmFinding = ({ simd, threads }: Machine['wasm']): Finding => {
  const missing = [...(simd ? [] : ['SIMD']), ...(threads ? [] : ['threads'])];
  return missing.length === 0
    ? ok('WebAssembly', 'SIMD and threads')
    : warning(
        'WebAssembly',
        `no ${missing.join(' and no ')}`,
        'kernels in JavaScript serve, several times slower: take a newer processor or Node',
      );
};

const tensorflowFinding = (tensorflow: Machine['tensorflow']): Finding =>
  'backend' in tensorflow
    ? ok('TensorFlow.js', `backend ${tensorflow.backend}`)
    : problem('TensorFlow.js', tensorflow.error, 'install the packages again: npm ci');

const prometheusFinding = (version: string | undefined): Finding =>
  version === undefined
    ? warning('Prometheus', 'not found', 'needed for dashboards only: install it (Debian: apt-get install prometheus)')
    : ok('Prometheus', version);

const portFinding = ({ host, port, error }: Machine['port']): Finding => {
  const where = `${host}:${port === 0 ? 'any free port' : port}`;
  return error === undefined
    ? ok('port', `${where} can be opened`)
    : problem('port', `${where}: ${error}`, 'choose another: --metrics.port 0 takes any free one, --metrics.enabled false none');
};

const folderFinding = (check: string, { path, freeBytes, error }: Folder, elsewhere: string): Finding => {
  if (error !== undefined) return problem(check, `${path}: ${error}`, elsewhere);
  if (freeBytes === undefined) return ok(check, path);
  const found = `${path}, ${formatBytes(freeBytes)} free`;
  const advice = `free space on that disk, or ${elsewhere}`;
  if (freeBytes < TOO_LITTLE_SPACE) return problem(check, found, advice);
  return freeBytes < LITTLE_SPACE ? warning(check, found, advice) : ok(check, found);
};

const proxyFinding = (proxies: Machine['proxies']): Finding => {
  const names = Object.keys(proxies);
  const wrong = names.filter((name) => proxies[name] === false);
  if (wrong.length > 0)
    return problem('proxy', `${wrong.join(', ')}: not the address of a proxy`, 'give it the form http://proxy.example:3128');
  return ok('proxy', names.length === 0 ? 'none' : `${names.join(', ')} set; NO_PROXY names exceptions`);
};

export const findingsOf = (facts: Machine): readonly Finding[] => [
  nodeFinding(facts.node),
  coresFinding(facts.cores),
  memoryFinding(facts.memory),
  addressesFinding(facts.limits, facts.sharedMemory),
  filesFinding(facts.limits),
  wasmFinding(facts.wasm),
  tensorflowFinding(facts.tensorflow),
  prometheusFinding(facts.prometheus),
  portFinding(facts.port),
  folderFinding('results', facts.results, 'name another folder: --results'),
  folderFinding('cache', facts.cache, 'name another folder: METAFLEET_CACHE'),
  proxyFinding(facts.proxies),
];
