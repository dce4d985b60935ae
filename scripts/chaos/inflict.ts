import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunEvent } from '../../src/events/run-event.js';
import type { Run } from '../../src/runs/trainer/run.js';
import type { Fault } from './faults.js';
import { pathsIn, runScenario } from './world.js';

/** `struck`: whether the fault found anything to hit; a point that came too late proves nothing. */
export type Ending = { readonly digest: string; readonly struck: boolean };

type Children = { readonly env?: Readonly<Record<string, string>>; readonly onLine?: (line: string, kill: () => void) => void };

/** One process of the scenario in this folder: its digest, or null where it was killed. Anything else is an error. */
const child = (scenario: string, folder: string, { env = {}, onLine = () => {} }: Children = {}): Promise<string | null> =>
  new Promise((resolve, reject) => {
    const [script, saboteur] = ['child.js', 'saboteur.js'].map((name) => fileURLToPath(new URL(name, import.meta.url)));
    const started = spawn(process.execPath, ['--import', saboteur!, script!, scenario, folder], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let complaint = '';
    let seen = 0;
    started.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
      for (const line of out.split('\n').slice(seen, -1)) {
        seen += 1;
        onLine(line, () => started.kill('SIGKILL'));
      }
    });
    started.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint += text;
    });
    started.on('error', reject);
    started.on('close', (code, signal) => {
      const digest = /^digest (\w+)$/m.exec(out)?.[1];
      if (digest !== undefined) resolve(digest);
      else if (signal === 'SIGKILL') resolve(null);
      else reject(new Error(`a process ended with ${signal ?? `code ${code}`}: ${complaint.trim().split('\n').slice(-3).join(' ')}`));
    });
  });

/** Calls that the saves of a scenario make to the disk, in order. */
export const callsOf = (scenario: string): Promise<readonly string[]> =>
  inFolder(async (folder) => {
    const log = join(folder, 'calls');
    await child(scenario, folder, { env: { CHAOS_COUNT: log } });
    return readFileSync(log, 'utf8').trim().split('\n');
  });

const inFolder = async <T>(work: (folder: string) => Promise<T>): Promise<T> => {
  const folder = mkdtempSync(join(tmpdir(), 'metafleet-chaos-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

export const undisturbed = async (scenario: string): Promise<string> => (await runScenario(scenario, {})).digest;

type InProcess = Extract<Fault, { kind: 'host' | 'coordinator' }>;

/** Strikes once, `delay` after the event it waits for. */
const striker = (fault: InProcess) => {
  let done = false;
  let hosts = 0;
  const timers: NodeJS.Timeout[] = [];
  const state = { struck: false };
  const strike = (run: Run): void => {
    const hit = (): void => {
      state.struck = true;
      if (fault.kind === 'host') run.killThread(fault.host);
      else run.killCoordinator();
    };
    if (fault.delay === 0) hit();
    else timers.push(setTimeout(hit, fault.delay));
  };
  const onEvent = (event: RunEvent, run: Run | undefined): void => {
    if (run === undefined || done) return;
    if (fault.on === 'host-restored') {
      if (event.type === 'round' && event.round === fault.at) run.killThread(1 - fault.host);
      if (event.type !== 'host-restored' || ++hosts > 1) return;
    } else if (event.type !== fault.on || event.round !== fault.at) return;
    done = true;
    strike(run);
  };
  return { onEvent, state, stop: () => timers.forEach(clearTimeout) };
};

const inProcess = (fault: InProcess): Promise<Ending> =>
  inFolder(async (folder) => {
    const { onEvent, state, stop } = striker(fault);
    const { digest } = await runScenario(fault.scenario, { checkpoints: pathsIn(folder) }, onEvent).finally(stop);
    return { digest, struck: state.struck };
  });

/** Takes up what was left until it ends by itself. */
const carryOn = async (scenario: string, folder: string): Promise<string> => {
  const digest = await child(scenario, folder);
  if (digest === null) throw new Error('a process that nobody touched was killed');
  return digest;
};

const killedWriting = ({ scenario, call, torn }: Extract<Fault, { kind: 'process-writing' }>): Promise<Ending> =>
  inFolder(async (folder) => {
    const env = { CHAOS_CALL: String(call), ...(torn ? { CHAOS_TORN: '1' } : {}) };
    const first = await child(scenario, folder, { env });
    return first === null ? { digest: await carryOn(scenario, folder), struck: true } : { digest: first, struck: false };
  });

const killedAnywhere = ({ scenario, at, delay }: Extract<Fault, { kind: 'process' }>): Promise<Ending> =>
  inFolder(async (folder) => {
    const first = await child(scenario, folder, {
      onLine: (line, kill) => {
        if (line === `round ${Math.max(1, at)}`) setTimeout(kill, delay);
      },
    });
    return first === null ? { digest: await carryOn(scenario, folder), struck: true } : { digest: first, struck: false };
  });

const damage = (path: string, how: 'cut' | 'flip' | 'gone', where: number): void => {
  const content = readFileSync(path);
  const at = Math.floor(where * content.length);
  if (how === 'gone') rmSync(path);
  else if (how === 'cut') truncateSync(path, at);
  else writeFileSync(path, content.fill(content[at]! ^ 16, at, at + 1));
};

const damaged = ({ scenario, damage: how, where }: Extract<Fault, { kind: 'file' }>): Promise<Ending> =>
  inFolder(async (folder) => {
    const checkpoints = pathsIn(folder);
    await runScenario(scenario, { checkpoints }, (event, run) => {
      if (event.type === 'epoch' && event.epoch === 2) run?.interrupt();
    });
    damage(checkpoints.last, how, where);
    let refused = false;
    const { digest } = await runScenario(scenario, { checkpoints, resume: checkpoints.last }, (event) => {
      refused ||= event.type === 'checkpoint-refused';
    });
    return { digest, struck: refused };
  });

/** Does to a run what the fault says, and has it carried on to its end. */
export const inflict = (fault: Fault): Promise<Ending> => {
  switch (fault.kind) {
    case 'host':
    case 'coordinator':
      return inProcess(fault);
    case 'process-writing':
      return killedWriting(fault);
    case 'process':
      return killedAnywhere(fault);
    case 'file':
      return damaged(fault);
  }
};
