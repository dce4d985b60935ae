import { readFileSync } from 'node:fs';

/**
 * Bytes of address space that this process may map (`ulimit -v`), or undefined where there is no such limit, or no way to know it.
 * On 64-bit machines V8 reserves about 10 GB of addresses for each WebAssembly memory, whatever its maximum.
 * It finds accesses beyond the end by their page faults. With `--disable-wasm-trap-handler` it checks each access instead, and reserves the maximum.
 */
export const addressSpaceLimit = (limits: () => string = () => readFileSync('/proc/self/limits', 'utf8')): number | undefined => {
  try {
    const found = /^Max address space\s+(\d+)/m.exec(limits());
    return found === null ? undefined : Number(found[1]);
  } catch {
    return undefined;
  }
};

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

/** What a user can do where memory was refused, as the end of an error's line. Empty without a limit. */
export const addressSpaceAdvice = (limit: number | undefined): string =>
  limit === undefined
    ? ''
    : `; this shell allows ${gigabytes(limit)} of addresses (ulimit -v): lift it, set NODE_OPTIONS=--disable-wasm-trap-handler, or use fewer threads`;
