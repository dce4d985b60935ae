import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Job } from 'kubernetes-models/batch/v1/Job';
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap';
import { expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { metafleet } from '../../support/cli/command.js';
import { folderOf } from '../../support/data/data-files.js';

const SWEEP = `
base:
  data: synthetic:users=24,items=20,ratings=300
  cohort: 8
  threads: 1
  epochs: 1000
  rounds: 3
  patience: 0
  evaluation: { every: 0 }
grid: { seed: [1, 2] }
`;
const IMAGE = `registry.example/metafleet@sha256:${'a'.repeat(64)}`;

type Pod = { readonly containers: readonly { readonly args: readonly string[] }[] };
type Described = {
  readonly kind: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: { readonly completions?: number; readonly template: { readonly spec: Pod } };
};

const folderWithSweep = (): Promise<string> => folderOf({ 'Tiny.yaml': SWEEP });

const render = async (cwd: string, ...words: readonly string[]): Promise<readonly Described[]> => {
  const { code, out, err } = await metafleet(['k8s', 'render', 'Tiny.yaml', '--image', IMAGE, ...words], { cwd });
  expect(code, err).toBe(0);
  return parseAllDocuments(out).map((document) => document.toJS() as Described);
};

/** Throws for what Kubernetes' own schemas do not allow; they know no other fields. */
const validate = (manifest: Described): void => {
  if (manifest.kind === 'Job') new Job(manifest as unknown as ConstructorParameters<typeof Job>[0]).validate();
  else new ConfigMap(manifest as unknown as ConstructorParameters<typeof ConfigMap>[0]).validate();
};

it('manifests are what Kubernetes takes, and a broken one is not', async () => {
  const cwd = await folderWithSweep();
  const manifests = [...(await render(cwd)), ...(await render(cwd, '--collect'))];
  expect(manifests.map(({ kind }) => kind)).toEqual(['ConfigMap', 'Job', 'Job']);
  for (const manifest of manifests) validate(manifest);
  const job = manifests[1]!;
  expect(() => validate({ ...job, spec: { ...job.spec!, completions: 'two' as unknown as number } })).toThrow('completions');
  expect(() => validate({ ...job, spec: { completions: 2 } as Described['spec'] & object })).toThrow('template');
});

it('the commands of the pods run the sweep, point by point, and collect it', async () => {
  const cwd = await folderWithSweep();
  const [config, job] = await render(cwd);
  const [collect] = await render(cwd, '--collect');
  await mkdir(join(cwd, 'sweep'));
  for (const [name, text] of Object.entries(config!.data!)) await writeFile(join(cwd, 'sweep', name), text);
  // The volumes of the pods are folders here.
  const asPod = (
    { spec }: Described,
    index: number,
  ): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> => {
    const words = spec!.template.spec.containers[0]!.args.map((word) =>
      word.replace(/^\/(work|sweep)\//, `${cwd}/$1/`).replace('$(JOB_COMPLETION_INDEX)', String(index)),
    );
    return metafleet(words, { cwd });
  };
  for (let index = 0; index < job!.spec!.completions!; index++) {
    const { code, err } = await asPod(job!, index);
    expect(code, err).toBe(0);
  }
  const { code, out, err } = await asPod(collect!, 0);
  expect(code, err).toBe(0);
  expect(out).toContain(`2 of 2 runs in ${cwd}/work/results/sweep-tiny/points.csv`);
});

it.each([
  [['--image', 'metafleet:latest'], 'flag --image: expected an image with its digest, NAME@sha256:…, found "metafleet:latest"'],
  [['--memory', 'much'], 'flag --memory: expected a quantity such as 4Gi, found "much"'],
  [['--parallelism', '0'], 'flag --parallelism: expected a whole number of at least 1, found "0"'],
  [
    ['--name', 'No_Label'],
    'flag --name: expected at most 40 of a to z, 0 to 9 and -, with a letter or digit at both ends, found "No_Label"',
  ],
])('refuses %s by name', async (words, line) => {
  const { code, err } = await metafleet(['k8s', 'render', 'Tiny.yaml', '--image', IMAGE, ...words], { cwd: await folderWithSweep() });
  expect([code, err]).toEqual([1, `metafleet: ${line}\n`]);
});

it('--json gives the same manifests as one list', async () => {
  const cwd = await folderWithSweep();
  const { out } = await metafleet(['k8s', 'render', 'Tiny.yaml', '--image', IMAGE, '--json'], { cwd });
  expect(JSON.parse(out)).toEqual(await render(cwd));
});
