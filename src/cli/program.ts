import { Command } from 'commander';
import { COMMANDS, type CommandEntry } from './commands.js';
import { VERSION } from './version.js';

/** Commander's own complaints in the form of all others: one line. */
const oneLine = (text: string): string =>
  `metafleet: ${text
    .replace(/^error: /, '')
    .trim()
    .replace(/\s*\n\s*/g, ' ')}\n`;

/** Commands made elsewhere do not inherit a program's settings. */
const complainInOneLine = (command: Command): Command => {
  command.configureOutput({ outputError: (text, write) => write(oneLine(text)) });
  for (const child of command.commands) complainInOneLine(child);
  return command;
};

/** The first word that is no flag: the program itself has no flag with a value. `help run` asks for the command after it. */
const askedFor = (words: readonly string[]): string | undefined => {
  const [first, second] = words.filter((word) => !word.startsWith('-'));
  return first === 'help' ? second : first;
};

/** A command that is not asked for: its line in the list of commands. */
const listed = ({ name, summary }: CommandEntry): Command => new Command(name).description(summary);

/** The `metafleet` program with the code of the commands for which `isLoaded` holds. Throws CONFIG or MODULE for modules in flags. */
const assemble = async (words: readonly string[], isLoaded: (entry: CommandEntry) => boolean): Promise<Command> => {
  const program = new Command('metafleet')
    .description('Train recommenders on a simulated fleet of devices, and measure what it costs')
    .version(VERSION)
    .showSuggestionAfterError();
  for (const entry of COMMANDS)
    program.addCommand(isLoaded(entry) ? (await entry.load(words, createWholeProgram)).description(entry.summary) : listed(entry));
  return complainInOneLine(program);
};

/** The program for one command line: only the command that it asks for is loaded. */
export const createProgram = (words: readonly string[]): Promise<Command> => {
  const name = askedFor(words);
  return assemble(words, (entry) => entry.name === name);
};

/** The program with all of its commands, to look at. */
export const createWholeProgram = (): Promise<Command> => assemble([], () => true);
