/**
 * What Kubernetes needs to run the points of a sweep. The sweep file is a ConfigMap. An Indexed Job has one completion for each point.
 * A second Job collects the points. Results, and data that sweep files name, lie on one volume that all pods mount.
 */
export type SweepOnKubernetes = {
  /** Name of the objects: a DNS label of at most MOST_NAME characters. */
  readonly name: string;
  /** The sweep file. */
  readonly text: string;
  readonly points: number;
  readonly image: string;
  /** PersistentVolumeClaim with the results; of access mode ReadWriteMany if pods run on several nodes. */
  readonly claim: string;
  readonly parallelism: number;
  readonly cpu: string;
  readonly memory: string;
};

type Manifest = { readonly apiVersion: string; readonly kind: string; readonly metadata: object } & Readonly<Record<string, unknown>>;

/** Names of pods add an index and a suffix, and are DNS labels, too. */
export const MOST_NAME = 40;

/** The user `node` of the images of Node. */
const USER = 1000;
/** A run ends after its round and writes a checkpoint. Rounds are shorter. */
const GRACE_SECONDS = 30;
const RETRIES_PER_POINT = 6;

const FILE = 'sweep.yaml';

const metadata = (name: string): object => ({
  name,
  labels: { 'app.kubernetes.io/name': 'metafleet', 'app.kubernetes.io/instance': name },
});

/** `words`: the arguments of `metafleet sweep FILE`. */
const podOf = ({ name, image, claim, cpu, memory }: SweepOnKubernetes, words: readonly string[]): object => ({
  restartPolicy: 'Never',
  terminationGracePeriodSeconds: GRACE_SECONDS,
  automountServiceAccountToken: false,
  enableServiceLinks: false,
  securityContext: { runAsNonRoot: true, runAsUser: USER, runAsGroup: USER, fsGroup: USER, seccompProfile: { type: 'RuntimeDefault' } },
  containers: [
    {
      name: 'metafleet',
      image,
      args: ['sweep', `/sweep/${FILE}`, ...words, '--name', name, '--results', '/work/results'],
      // Relative paths of data in the sweep file are those of the volume.
      workingDir: '/work',
      env: [
        { name: 'HOME', value: '/tmp' },
        { name: 'METAFLEET_CACHE', value: '/work/cache' },
      ],
      resources: { requests: { cpu, memory }, limits: { cpu, memory } },
      securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
      volumeMounts: [
        { name: 'work', mountPath: '/work' },
        { name: 'sweep', mountPath: '/sweep', readOnly: true },
        { name: 'tmp', mountPath: '/tmp' },
      ],
    },
  ],
  volumes: [
    { name: 'work', persistentVolumeClaim: { claimName: claim } },
    { name: 'sweep', configMap: { name } },
    { name: 'tmp', emptyDir: {} },
  ],
});

/** Evictions and drained nodes do not count as failures: the point goes on from its checkpoint in another pod. */
const DISRUPTION = { rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }] };

/** The ConfigMap and the Job that runs all points. */
export const sweepManifests = (sweep: SweepOnKubernetes): readonly Manifest[] => {
  const { name, text, points, parallelism } = sweep;
  return [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata(name), data: { [FILE]: text } },
    {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: metadata(name),
      spec: {
        completionMode: 'Indexed',
        completions: points,
        parallelism: Math.min(parallelism, points),
        backoffLimitPerIndex: RETRIES_PER_POINT,
        podFailurePolicy: DISRUPTION,
        template: { metadata: metadata(name), spec: podOf(sweep, ['--point', '$(JOB_COMPLETION_INDEX)']) },
      },
    },
  ];
};

/** The Job that puts the points into one table. It fails while a point is missing. */
export const collectManifests = (sweep: SweepOnKubernetes): readonly Manifest[] => {
  const name = `${sweep.name}-collect`;
  return [
    {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: metadata(name),
      spec: { backoffLimit: 0, template: { metadata: metadata(name), spec: podOf(sweep, ['--collect']) } },
    },
  ];
};
