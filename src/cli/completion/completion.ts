import { Argument, Command } from 'commander';
import { badInput } from '../../base/errors.js';
import { addJson, answer, type JsonFlag } from '../json-output.js';
import { SHELLS, type Shell, scriptFor } from './scripts.js';
import { vocabularyOf } from './vocabulary.js';

/** `metafleet completion bash|zsh|fish`: a script for a shell, made from the program itself. `whole`: the program with all of its commands. */
export const completionCommand = (whole: () => Promise<Command>): Command =>
  addJson(new Command('completion').addArgument(new Argument('[shell]', 'the shell that is to complete').choices(SHELLS))).action(
    async (shell: Shell | undefined, { json }: JsonFlag) => {
      if (shell === undefined && json !== true) throw badInput('CONFIG', 'shell', SHELLS.join(', '), 'nothing');
      const commands = vocabularyOf(await whole());
      answer({ json }, { document: () => ({ commands }), text: () => scriptFor(shell!, commands) });
    },
  );
