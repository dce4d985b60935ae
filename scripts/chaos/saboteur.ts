// Loaded before anything else in every thread of a child. Ends the process, as kill -9 would, at the n-th call to the file system that a
// thread which writes checkpoints makes. Of a write, half is done first where CHAOS_TORN says so. Without a number, it lists them.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const CALLS = ['openSync', 'writeSync', 'readSync', 'fsyncSync', 'closeSync', 'renameSync', 'linkSync', 'rmSync'] as const;
const { CHAOS_CALL, CHAOS_COUNT, CHAOS_TORN } = process.env;
const fatal = Number(CHAOS_CALL);
let calls = 0;
let writes = false;

type Call = (...args: unknown[]) => unknown;

const sabotaged =
  (name: (typeof CALLS)[number], call: Call): Call =>
  (...args) => {
    // The other threads read what they are made of; the one that writes checkpoints shows by the first it opens.
    writes ||= name === 'openSync' && String(args[0]).includes('.checkpoint') && args[1] !== 'r';
    if (!writes) return call(...args);
    calls += 1;
    if (CHAOS_COUNT !== undefined) fs.appendFileSync(CHAOS_COUNT, `${name}\n`);
    if (calls !== fatal) return call(...args);
    if (name === 'writeSync' && CHAOS_TORN !== undefined) {
      const data = args[1] as Uint8Array;
      call(args[0], data, 0, data.length >> 1);
    }
    process.kill(process.pid, 'SIGKILL');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    return undefined;
  };

if ((CHAOS_CALL ?? CHAOS_COUNT) !== undefined) {
  for (const name of CALLS) {
    const call = fs[name] as Call;
    Object.assign(fs, { [name]: sabotaged(name, call) });
  }
  syncBuiltinESMExports();
}
