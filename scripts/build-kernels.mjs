// Compiles src/tensor/assembly, and all other assembly/ folders with it, to dist/src/tensor/kernels.wasm. Fails if the module would own memory: many threads
// instantiate it on one shared memory, so a data segment or a mutable global of its own would be shared by accident.
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = fileURLToPath(new URL('..', import.meta.url));
/** The export of every entry is the module's. */
const entries = readdirSync(`${root}src`, { recursive: true })
  .map((file) => `src/${file.replaceAll('\\', '/')}`)
  .filter((file) => file.endsWith('/assembly/index.ts'))
  .sort();
const outFile = 'dist/src/tensor/kernels.wasm';
/** Section ids of the WebAssembly binary format. */
const GLOBAL = 6,
  DATA = 11;

mkdirSync(new URL('../dist/src/tensor/', import.meta.url), { recursive: true });
const { error, stdout, stderr } = await asc.main([
  ...entries,
  '--baseDir',
  root,
  '--outFile',
  outFile,
  '-O3',
  '--noAssert',
  '--converge',
  '--runtime',
  'stub',
  '--enable',
  'simd',
  '--enable',
  'threads',
  '--importMemory',
  '--sharedMemory',
  '--noExportMemory',
  '--initialMemory',
  '1',
  '--maximumMemory',
  '65536',
  '--memoryBase',
  '16',
  '--use',
  'abort=',
  ...process.argv.slice(2),
]);
process.stdout.write(stdout.toString());
process.stderr.write(stderr.toString());
if (error) {
  console.error(error.message);
  process.exit(1);
}

const bytes = readFileSync(new URL(`../${outFile}`, import.meta.url));
const wasm = new WebAssembly.Module(bytes);
const imports = WebAssembly.Module.imports(wasm).map((entry) => `${entry.module}.${entry.name}`);
const state = sectionsOf(bytes).filter((id) => id === GLOBAL || id === DATA);
if (imports.join() !== 'env.memory' || state.length > 0) {
  console.error(
    `${outFile}: expected env.memory as the only import, no globals and no data, found imports ${imports.join()} and sections ${state.join()}`,
  );
  process.exit(1);
}

/** Ids of a module's sections: after magic and version, each is an id, a LEB128 size and its content. */
function sectionsOf(module) {
  const ids = [];
  for (let at = 8; at < module.length; ) {
    ids.push(module[at++]);
    let size = 0;
    for (let shift = 0, more = true; more; shift += 7) {
      size |= (module[at] & 127) << shift;
      more = module[at++] > 127;
    }
    at += size;
  }
  return ids;
}
