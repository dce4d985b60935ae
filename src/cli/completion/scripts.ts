import { type Choices, flagValues, type Node } from './vocabulary.js';

/** The completion scripts of three shells. They hold all words, so that a Tab starts no process; folders of runs are looked for at each Tab. */
export type Shell = 'bash' | 'zsh' | 'fish';

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Flags with the same values share a branch. */
const byValues = (nodes: readonly Node[]): readonly (readonly [flags: readonly string[], values: Choices])[] => {
  const groups = new Map<string, { readonly flags: string[]; readonly values: Choices }>();
  for (const [flag, values] of flagValues(nodes)) {
    const key = JSON.stringify(values);
    const group = groups.get(key) ?? { flags: [], values };
    groups.set(key, group);
    group.flags.push(flag);
  }
  return [...groups.values()].map(({ flags, values }) => [flags, values]);
};

/** The part that bash and zsh share: which command the words before the cursor name. */
const findCommand = (nodes: readonly Node[], words: string): readonly string[] => [
  `  for word in ${words}; do`,
  `    case "\${at:+$at }$word" in`,
  `      ${nodes.flatMap(({ path }) => (path === '' ? [] : [quoted(path)])).join('|')}) at="\${at:+$at }$word" ;;`,
  '    esac',
  '  done',
];

const branch = ({ path, commands, flags, values }: Node, say: (values: Choices) => string, sayFlags: (node: Node) => string): string =>
  `    ${quoted(path)}) if [[ $cur == -* ]]; then ${sayFlags({ path, commands, flags, values, summary: '' })}; else ${say({ ...values, words: [...commands, ...values.words] })}; fi ;;`;

const bash = (nodes: readonly Node[]): string => {
  const say = ({ words, runs, files }: Choices): string =>
    [`_metafleet_words ${quoted(words.join(' '))}`, ...(runs ? ['_metafleet_runs'] : []), ...(files ? ['_metafleet_files'] : [])].join(
      '; ',
    );
  return [
    '# metafleet completion for bash. To use it: source <(npx metafleet completion bash)',
    '_metafleet_words() { COMPREPLY+=($(compgen -W "$1" -- "$cur")); }',
    `_metafleet_runs() { compopt -o filenames 2> /dev/null; COMPREPLY+=($(compgen -d -- "\${cur:-results/}")); }`,
    '_metafleet_files() { compopt -o filenames 2> /dev/null; COMPREPLY+=($(compgen -f -- "$cur")); }',
    '_metafleet() {',
    `  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD - 1]}" at='' word IFS=$' \\t\\n'`,
    '  COMPREPLY=()',
    '  # bash makes words of --flag=value three.',
    `  if [[ $cur == '=' ]]; then cur=''; elif [[ $prev == '=' ]]; then prev="\${COMP_WORDS[COMP_CWORD - 2]}"; fi`,
    ...findCommand(nodes, `"\${COMP_WORDS[@]:1:COMP_CWORD-1}"`),
    '  case "$prev" in',
    ...byValues(nodes).map(([flags, values]) => `    ${flags.join('|')}) ${say(values)}; return ;;`),
    '  esac',
    '  case "$at" in',
    ...nodes.map((node) => branch(node, say, ({ flags }) => `_metafleet_words ${quoted(flags.map(({ name }) => name).join(' '))}`)),
    '  esac',
    '}',
    'complete -F _metafleet metafleet',
    '',
  ].join('\n');
};

/** Name and description, as `_describe` takes them. */
const described = (name: string, description: string): string => quoted(`${name.replaceAll(':', '\\:')}:${description}`);

const zsh = (nodes: readonly Node[]): string => {
  const say = ({ words, runs, files }: Choices): string =>
    [
      ...(words.length > 0 ? [`compadd -- ${words.map(quoted).join(' ')}`] : []),
      ...(runs ? ['_metafleet_runs'] : []),
      ...(files ? ['_files'] : []),
      ':',
    ].join('; ');
  const sayFlags = ({ flags }: Node): string => {
    const listed = flags.map(({ name, description }) => described(name, description));
    return `listed=(${listed.join(' ')}); _describe -o flag listed`;
  };
  return [
    '#compdef metafleet',
    '# metafleet completion for zsh. To use it: source <(npx metafleet completion zsh), after compinit',
    '_metafleet_runs() { _files -/; [[ -n $cur ]] || compadd -Q -f -- results/*(N/); }',
    '_metafleet() {',
    `  local cur="\${words[CURRENT]}" prev="\${words[CURRENT-1]}" at='' word`,
    '  local -a listed',
    ...findCommand(nodes, `"\${words[@]:1:$((CURRENT - 2))}"`),
    '  case "$prev" in',
    ...byValues(nodes).map(([flags, values]) => `    ${flags.join('|')}) ${say(values)}; return ;;`),
    '  esac',
    '  case "$at" in',
    ...nodes.map((node) => branch(node, say, sayFlags)),
    '  esac',
    '}',
    'compdef _metafleet metafleet',
    '',
  ].join('\n');
};

const fish = (nodes: readonly Node[]): string => {
  const runs = '\'(__fish_complete_directories (commandline -ct) run; string match -r ".*/" -- results/*/)\'';
  const say = ({ words, runs: hasRuns, files }: Choices): string =>
    [files || hasRuns ? '' : '-f', ...(words.length > 0 ? [`-a ${quoted(words.join(' '))}`] : []), ...(hasRuns ? [`-a ${runs}`] : [])]
      .filter((part) => part !== '')
      .join(' ');
  const lines = nodes.flatMap((node) => {
    const { path, flags, commands, values } = node;
    const condition = `-n ${quoted(`test (__metafleet_at) = ${path === '' ? '""' : `"${path}"`}`)}`;
    return [
      ...commands.map((name) => {
        const summary = nodes.find((other) => other.path === `${path} ${name}`.trim())!.summary;
        return `complete -c metafleet ${condition} -f -a ${quoted(name)} -d ${quoted(summary)}`;
      }),
      ...(values.words.length > 0 || values.runs ? [`complete -c metafleet ${condition} ${say(values)}`] : []),
      ...flags.map(
        ({ name, description, values: own }) =>
          `complete -c metafleet ${condition} -l ${name.slice(2)}${own === null ? '' : ` -r ${say(own)}`} -d ${quoted(description)}`,
      ),
    ];
  });
  return [
    '# metafleet completion for fish. To use it: npx metafleet completion fish | source',
    'function __metafleet_at',
    '  set -l at',
    '  for word in (commandline -opc)[2..-1]',
    '    switch "$at $word"',
    `      case ${nodes.flatMap(({ path }) => (path === '' ? [] : [quoted(path.includes(' ') ? path : ` ${path}`)])).join(' ')}`,
    '        set at (string trim -- "$at $word")',
    '    end',
    '  end',
    '  echo "$at"',
    'end',
    'complete -c metafleet -e',
    ...lines,
    '',
  ].join('\n');
};

const SCRIPTS: Readonly<Record<Shell, (nodes: readonly Node[]) => string>> = { bash, zsh, fish };

export const SHELLS = Object.keys(SCRIPTS) as readonly Shell[];

export const scriptFor = (shell: Shell, nodes: readonly Node[]): string => SCRIPTS[shell](nodes);
