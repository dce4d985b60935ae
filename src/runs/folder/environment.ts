import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';

export type Environment = {
  readonly metafleet: string;
  readonly node: string;
  /** Such as `linux x64`. */
  readonly platform: string;
  readonly cpu: string;
  /** Logical processors this process may use. */
  readonly cpus: number;
  /** Kernels that did the arithmetic: `simd` or `reference`. */
  readonly kernels: string;
};

export const describeEnvironment = (known: { readonly metafleet: string; readonly kernels: string }): Environment => ({
  ...known,
  node: process.versions.node,
  platform: `${process.platform} ${process.arch}`,
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cpus: availableParallelism(),
});

/** What only the process itself knows. */
export type ProcessSample = {
  /** Since the sampler was made. */
  readonly wallMillis: number;
  /** Highest resident set of the process so far, all threads. */
  readonly rssPeakBytes: number;
};

/** A sampler of this process; wall time counts from the call. */
export const processSampler = (): (() => ProcessSample) => {
  const start = performance.now();
  return () => ({ wallMillis: performance.now() - start, rssPeakBytes: peakResidentBytes() });
};

/** Linux keeps getrusage's peak over exec, so that a child of a large process inherits the parent's; VmHWM starts afresh. */
const peakResidentBytes = (): number => {
  try {
    const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
    if (line) return Number(line[1]) * 1024;
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS * 1024;
};
