import { basename, extname } from 'node:path';
import { Command } from 'commander';
import { stringify } from 'yaml';
import { badInput } from '../../base/errors.js';
import { addJson, answer, type JsonFlag } from '../json-output.js';
import { readSweep } from '../studies/read-sweep.js';
import { collectManifests, MOST_NAME, type SweepOnKubernetes, sweepManifests } from './manifests.js';

type Flags = JsonFlag & {
  readonly image: string;
  readonly claim: string;
  readonly parallelism: string;
  readonly cpu: string;
  readonly memory: string;
  readonly name?: string;
  readonly collect?: boolean;
};

/** A DNS label (RFC 1123), as Kubernetes has them. */
const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
/** A quantity of Kubernetes: plain or decimal numbers with a suffix. */
const QUANTITY = /^\d+(\.\d+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/;

const checked = (flag: string, text: string, pattern: RegExp, expected: string): string => {
  if (!pattern.test(text)) throw badInput('CONFIG', `flag --${flag}`, expected, `"${text}"`);
  return text;
};

const nameOf = (file: string, { name }: Flags): string => {
  const label = name ?? `sweep-${basename(file, extname(file)).toLowerCase()}`;
  const fits = LABEL.test(label) && label.length <= MOST_NAME;
  if (!fits)
    throw badInput(
      'CONFIG',
      'flag --name',
      `at most ${MOST_NAME} of a to z, 0 to 9 and -, with a letter or digit at both ends`,
      `"${label}"`,
    );
  return label;
};

const render = async (file: string, flags: Flags): Promise<void> => {
  const { sweep, text } = await readSweep(file);
  const described: SweepOnKubernetes = {
    name: nameOf(file, flags),
    text,
    points: sweep.points.length,
    image: checked('image', flags.image, /@sha256:[0-9a-f]{64}$/, 'an image with its digest, NAME@sha256:…'),
    claim: checked('claim', flags.claim, LABEL, 'the name of a PersistentVolumeClaim'),
    parallelism: Number(checked('parallelism', flags.parallelism, /^[1-9]\d{0,4}$/, 'a whole number of at least 1')),
    cpu: checked('cpu', flags.cpu, QUANTITY, 'a quantity such as 2 or 500m'),
    memory: checked('memory', flags.memory, QUANTITY, 'a quantity such as 4Gi'),
  };
  const manifests = flags.collect === true ? collectManifests(described) : sweepManifests(described);
  answer(flags, { document: () => manifests, text: () => manifests.map((one) => `---\n${stringify(one, { lineWidth: 0 })}`).join('') });
};

/** `metafleet k8s render FILE`: what Kubernetes needs to run a sweep, for `kubectl apply -f -`. */
export const k8sCommand = (): Command =>
  new Command('k8s').addCommand(
    addJson(
      new Command('render')
        .summary('print the manifests of a sweep: one pod for each point')
        .argument('<file>', 'sweep file (YAML)')
        .requiredOption('--image <image>', 'image of metafleet with its digest: NAME@sha256:…')
        .option('--claim <name>', 'PersistentVolumeClaim with data and results', 'metafleet')
        .option('--parallelism <number>', 'most pods at a time', '4')
        .option('--cpu <quantity>', 'processors of a pod', '2')
        .option('--memory <quantity>', 'memory of a pod', '4Gi')
        .option('--name <name>', "name of the Job and of the results folder (default: sweep- and the file's name)")
        .option('--collect', 'print the Job that collects the points instead'),
    ).action(render),
  );
