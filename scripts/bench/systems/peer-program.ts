import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { ml1mPlace } from '../rounds/training.js';

/** The programs of scripts/bench/peers, each in the virtual environment that peers/setup.sh makes. */
const PROGRAMS = { metamf: 'metamf_torch.py', pfl: 'fedavg_pfl.py', flower: 'fedavg_flower.py' } as const;
export type PeerName = keyof typeof PROGRAMS;

const FOLDER = join('scripts', 'bench', 'peers');

/** What the programs print of themselves: one line of JSON. */
export type PeerResult = Readonly<Record<string, string | number>>;

const pythonOf = (peer: PeerName): string =>
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'metafleet', 'peers', peer, 'bin', 'python');

export const isInstalled = (peer: PeerName): boolean => existsSync(pythonOf(peer)) && existsSync(join(FOLDER, PROGRAMS[peer]));

export const howToInstall = (peer: PeerName): string => `${peer} is left out: ${join(FOLDER, 'setup.sh')} ${peer} makes its environment`;

/** The same ratings as metafleet's, where this machine has MovieLens-1M. */
const dataFlags = (): string[] => {
  const place = ml1mPlace();
  return place === undefined ? [] : ['--data', resolve(place, 'train.tsv')];
};

export const runPeer = async (peer: PeerName, flags: Readonly<Record<string, number>>): Promise<PeerResult> => {
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const options = { cwd: FOLDER, maxBuffer: 1 << 24 };
  const { stdout } = await promisify(execFile)(pythonOf(peer), [PROGRAMS[peer], ...args, ...dataFlags()], options);
  const line = stdout.trim().split('\n').at(-1) ?? '';
  return JSON.parse(line) as PeerResult;
};
