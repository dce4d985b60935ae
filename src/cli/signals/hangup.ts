import { readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

/**
 * Whether this process was started with SIGHUP ignored, as `nohup` and `trap '' HUP` do. Node sets ignored signals back to their
 * default before any script runs (`ResetSignalHandlers` of src/node.cc), and the system keeps no record. So this looks at the traces.
 */
export type Traces = {
  /** What the shell says it has started: bash, zsh and ksh do. */
  readonly startedAs: string | undefined;
  /** The signals that the parent ignores, as /proc shows them (hex). A child inherits them. */
  readonly parentIgnores: string | undefined;
  /** Target of standard input and its flags when it was opened (octal). GNU nohup opens /dev/null for writing in place of a terminal. */
  readonly input: { readonly target: string; readonly flags: string } | undefined;
  /** Targets of standard output and standard error. */
  readonly outputs: readonly (string | undefined)[];
};

const SIGHUP_BIT = 1n;
const ACCESS_MODE = 0o3;
const WRITE_ONLY = 0o1;

export const showsNohup = ({ startedAs, parentIgnores, input, outputs }: Traces): boolean =>
  (startedAs !== undefined && basename(startedAs) === 'nohup') ||
  (parentIgnores !== undefined && (BigInt(`0x${parentIgnores}`) & SIGHUP_BIT) !== 0n) ||
  (input?.target === '/dev/null' && (Number.parseInt(input.flags, 8) & ACCESS_MODE) === WRITE_ONLY) ||
  outputs.some((target) => target !== undefined && basename(target) === 'nohup.out');

const seen = <T>(look: () => T): T | undefined => {
  try {
    return look();
  } catch {
    // Systems without /proc.
    return undefined;
  }
};

const field = (file: string, name: string): string | undefined =>
  new RegExp(`^${name}:\\s*(\\w+)$`, 'm').exec(readFileSync(file, 'utf8'))?.[1];

const readTraces = (): Traces => ({
  startedAs: process.env['_'],
  parentIgnores: seen(() => field(`/proc/${process.ppid}/status`, 'SigIgn')),
  input: seen(() => ({ target: readlinkSync('/proc/self/fd/0'), flags: field('/proc/self/fdinfo/0', 'flags') ?? '0' })),
  outputs: [1, 2].map((file) => seen(() => readlinkSync(`/proc/self/fd/${file}`))),
});

export const hangupIsIgnored = (): boolean => process.platform !== 'win32' && showsNohup(readTraces());
