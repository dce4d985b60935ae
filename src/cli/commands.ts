import type { Command } from 'commander';

/**
 * The commands, in the order in which they are shown. The code of a command is loaded when the command is asked for.
 * So `--version` does not wait for a chart library.
 */
export type CommandEntry = {
  readonly name: string;
  readonly summary: string;
  /** `words`: the command line after the program's name. Modules that it names add flags. `whole`: the program with all commands. */
  readonly load: (words: readonly string[], whole: () => Promise<Command>) => Promise<Command>;
};

/** Options of users' modules are flags, too. So modules are loaded before a command that takes configuration keys is made. */
const withModules = async (words: readonly string[]): Promise<void> => {
  const { installModulesOfFlags } = await import('./modules.js');
  await installModulesOfFlags(words);
};

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'run',
    summary: 'train on a simulated fleet and report errors and costs',
    load: async (words) => {
      await withModules(words);
      return (await import('./run.js')).runCommand();
    },
  },
  {
    name: 'models',
    summary: 'list the central models, or describe one of them',
    load: async () => (await import('./models.js')).modelsCommand(),
  },
  {
    name: 'new',
    summary: 'begin a module of your own from a working example',
    load: async () => (await import('./new.js')).newCommand(),
  },
  {
    name: 'report',
    summary: 'write one HTML file about a run, or about several side by side',
    load: async () => (await import('./report.js')).reportCommand(),
  },
  {
    name: 'device',
    summary: 'print the steps of one device of a run, round by round, if it was recorded',
    load: async () => (await import('./device.js')).deviceCommand(),
  },
  {
    name: 'recommend',
    summary: 'recommend items to a user of a finished run, and say why',
    load: async () => (await import('./inference/recommend.js')).recommendCommand(),
  },
  {
    name: 'predict',
    summary: 'predict ratings of pairs of user and item by a finished run',
    load: async () => (await import('./inference/predict.js')).predictCommand(),
  },
  {
    name: 'export',
    summary: 'write the parameters of a finished run as safetensors, with a model card',
    load: async () => (await import('./inference/export.js')).exportCommand(),
  },
  {
    name: 'serve',
    summary: 'answer recommendations of a finished run over HTTP',
    load: async () => (await import('./inference/serve.js')).serveCommand(),
  },
  {
    name: 'data',
    summary: 'datasets: list, fetch, describe, split, import',
    load: async () => (await import('./data/data.js')).dataCommand(),
  },
  {
    name: 'sweep',
    summary: 'run a grid or list of configurations, predict what each costs, and fit how costs grow',
    load: async () => (await import('./studies/sweep.js')).sweepCommand(),
  },
  {
    name: 'k8s',
    summary: 'print what Kubernetes needs to run a sweep, one pod for each point',
    load: async () => (await import('./k8s/k8s.js')).k8sCommand(),
  },
  {
    name: 'paper',
    summary: "train what the paper's tables and figures need, and print them next to the published ones",
    load: async (words) => {
      await withModules(words);
      return (await import('./studies/paper.js')).paperCommand();
    },
  },
  {
    name: 'attack',
    summary: "measure what a coordinator learns of users from the updates of a run's devices",
    load: async (words) => {
      await withModules(words);
      return (await import('./studies/attack.js')).attackCommand();
    },
  },
  {
    name: 'tune',
    summary:
      'search configuration keys by successive halving, choosing by the validation metric of stopOn; the same command continues a search',
    load: async (words) => {
      await withModules(words);
      return (await import('./studies/tune.js')).tuneCommand();
    },
  },
  {
    name: 'load',
    summary: 'run a load scenario against the fleet; exit code 99 when a threshold is crossed',
    load: async () => (await import('./studies/load.js')).loadCommand(),
  },
  {
    name: 'doctor',
    summary: 'look at this machine: what runs need, what is missing, and what to do about it',
    load: async () => (await import('./doctor/doctor.js')).doctorCommand(),
  },
  {
    name: 'completion',
    summary: 'write a script with which a shell completes commands, flags and values',
    load: async (_, whole) => (await import('./completion/completion.js')).completionCommand(whole),
  },
];
