// An import in a process of its own, so that its memory is its own: prints one line of JSON.
import { readFileSync } from 'node:fs';
import { importSource } from '../../../src/data/store/import-source.js';

const [source, out] = process.argv.slice(2);
const start = performance.now();
const { ratings, users, items } = await importSource(source!, { out: out!, force: true });
const { user, system } = process.cpuUsage();
const peak = 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
const report = { seconds: (performance.now() - start) / 1000, cpu_seconds: (user + system) / 1e6, peak_bytes: peak, ratings, users, items };
console.log(JSON.stringify(report));
