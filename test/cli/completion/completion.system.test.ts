import { execFile, spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { SHELLS, type Shell, scriptFor } from '../../../src/cli/completion/scripts.js';
import { type Node, vocabularyOf } from '../../../src/cli/completion/vocabulary.js';
import { createWholeProgram } from '../../../src/cli/program.js';
import { metafleet, temporaryFolder } from '../../support/cli/command.js';

/** Asks a real shell, in which the script was sourced, what it would complete the last of these words to. */
const ASK: Readonly<Record<Shell, readonly [command: string, program: string]>> = {
  bash: ['bash', `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _metafleet; printf "%s\\n" "\${COMPREPLY[@]}"`],
  // The functions that fill in zsh's menu say here what they are given: there is no terminal.
  zsh: [
    'zsh',
    `compdef() { :; }; compadd() { printf "%s\\n" "\${(@)argv[2,-1]}"; }; _describe() { printf "%s\\n" "\${(@)\${(P)3}%%:*}"; }
     _files() { printf "%s\\n" results/*(N) "file.yaml"; }
     source "$1"; shift; words=("$@"); CURRENT=$#; _metafleet`,
  ],
  fish: ['fish', 'source $argv[1]; complete -C (string join " " -- $argv[2..-1])'],
};

let nodes: readonly Node[] = [];
beforeAll(async () => {
  nodes = vocabularyOf(await createWholeProgram());
});

const completer = async (shell: Shell) => {
  const cwd = await temporaryFolder();
  const script = join(cwd, 'script');
  await writeFile(script, scriptFor(shell, nodes));
  await mkdir(join(cwd, 'results', 'first-run'), { recursive: true });
  await writeFile(join(cwd, 'file.yaml'), '');
  const [command, program] = ASK[shell];
  return async (...words: string[]): Promise<readonly string[]> => {
    const place = shell === 'fish' ? ['-c', program, script] : ['-c', program, shell, script];
    const { stdout, stderr } = await promisify(execFile)(command, [...place, 'metafleet', ...words], {
      cwd,
      env: { ...process.env, HOME: cwd },
    });
    expect(stderr).toBe('');
    const last = words.at(-1) ?? '';
    const candidates = stdout.split('\n').map((line) => line.split('\t')[0]!.trim());
    return candidates.filter((word) => word !== '' && word.startsWith(last));
  };
};

describe.each(SHELLS)('%s', (shell) => {
  // The shell is not installed: `.ci/run` installs all three.
  it.skipIf(spawnSync(shell, ['--version']).error !== undefined)(
    'completes commands, flags, and values of flags and arguments',
    async () => {
      const complete = await completer(shell);
      expect(await complete('')).toEqual(expect.arrayContaining(['run', 'data', 'doctor', 'completion']));
      expect(await complete('data', '')).toEqual(expect.arrayContaining(['list', 'fetch', 'describe']));
      expect(await complete('run', '--metamf.h')).toEqual(['--metamf.hidden']);
      expect(await complete('run', '--algorithm', '')).toEqual(expect.arrayContaining(['metamf', 'fedavg']));
      expect(await complete('run', '--quiet', '--data', 'ml-')).toEqual(expect.arrayContaining(['ml-small', 'ml-1m']));
      expect(await complete('data', 'fetch', 'ci')).toEqual(['ciao']);
      expect(await complete('tune', '--preset', 'ml')).toEqual(['ml-1m']);
      expect((await complete('run', '--resume', 'results/')).map((path) => path.replace(/\/$/, ''))).toContain('results/first-run');
      expect((await complete('report', 'results/')).map((path) => path.replace(/\/$/, ''))).toContain('results/first-run');
      expect(await complete('load', 'fi')).toEqual(['file.yaml']);
      // A flag of another command is none here.
      expect(await complete('report', '--coh')).toEqual([]);
    },
  );
});

describe('completion', () => {
  it('knows every command and every flag of the program, as a document too', async () => {
    const { code, out } = await metafleet(['completion', '--json'], { cwd: await temporaryFolder() });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({ commands: nodes });
    expect(nodes.map(({ path }) => path)).toEqual(expect.arrayContaining(['', 'run', 'data fetch', 'paper table2', 'new algorithm']));
  });

  it('asks for a shell', async () => {
    const { code, out, err } = await metafleet(['completion'], { cwd: await temporaryFolder() });
    expect({ code, out, err }).toEqual({ code: 1, out: '', err: 'metafleet: shell: expected bash, zsh, fish, found nothing\n' });
  });
});
