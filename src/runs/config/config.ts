// Above 300 lines: every key of a run, with its meaning and its bounds, stands in one place.
import { z } from 'zod';
import { ACCOUNTANTS } from '../../coordinator/privacy/ledger.js';
import { SCHEDULE_UNITS, SCHEDULES } from '../../coordinator/schedule.js';
import { DELIVERIES, POLICIES, WEIGHTINGS } from '../../coordinator/settings.js';
import { STAGE_UNITS } from '../../coordinator/stages.js';
import { DUPLICATES } from '../../data/policies/duplicates.js';
import { OUTSIDE } from '../../data/policies/values.js';
import { AUTO, SPLIT_DEFAULTS, SPLITS } from '../../data/splits/spec.js';
import { CANDIDATES } from '../../device/actor/measure.js';
import { ATTACKS } from '../../device/faults/byzantine.js';
import { MODEL_DTYPES } from '../../messages/tensor-form.js';
import { definitionSections, KINDS, loadedModules, namesOfKey } from './definitions.js';

/**
 * The configuration of a run: every key with its meaning, unit, bounds and default, in one place.
 * The flags of `metafleet run` and the comments of `--print-config` come from it.
 */
const count = (least: number) => z.int().min(least);
const share = z.number().min(0).lt(1);

/**
 * λ of the mean loss if none is given: a prior as precise as so many ratings, for any size of the set.
 * `most` bounds it: in a very small set the prior would leave nothing to learn.
 * It was found by validation error: within 20 % of the best λ on MovieLens-1M (1.2e-4) and on MovieLens small (1e-3).
 */
export const PRIOR = { ratings: 80, most: 2e-3 } as const;

/** The default cohort. A fleet with fewer devices takes part as a whole. */
export const DEFAULT_COHORT = 64;

/** `stopOn: auto` takes this metric if it is measured: the models are trained on it. */
export const PREFERRED_METRIC = 'mse';

/** The default of evaluation.metrics, and what takes its place for implicit feedback. */
export const DEFAULT_METRICS: readonly string[] = ['mae', PREFERRED_METRIC];
export const IMPLICIT_METRICS: readonly string[] = ['ndcg@10', 'recall@10', 'hr@10'];

const evaluation = z.strictObject({
  every: count(0)
    .default(1)
    .describe('epochs between measurements on the validation and test ratings; 0: never, since measuring visits the whole fleet'),
  delivery: z.enum(DELIVERIES).default('subset').describe('delivery of the models that are measured; both give the same errors in f32'),
  metrics: z
    .array(z.string().min(1))
    .min(1)
    .max(64)
    .default([...DEFAULT_METRICS])
    .describe(
      `what is measured: mae, mse, rmse, hr@k, precision@k, recall@k, ndcg@k, mrr, auc; the default of implicit feedback is ${IMPLICIT_METRICS.join(', ')}`,
    ),
  candidates: z
    .union([z.enum(CANDIDATES), count(1)])
    .default('all')
    .describe(
      'items that a device scores for ranking metrics; all: every item outside of its training part (for the test part outside of validation too); warm or cold: those of them that are; a number: held-out items among so many it never rated',
    ),
  relevant: z
    .union([z.literal('all'), z.number()])
    .default('all')
    .describe('rating from which a held-out item is relevant for ranking metrics; all: every held-out item'),
});

const splitting = z.strictObject({
  valid: z
    .union([z.literal('auto'), share])
    .default(SPLIT_DEFAULTS.valid)
    .describe(
      `share that validates; time: of all records, folds: of the records outside of the fold (auto: ${AUTO.ofRecords}); cold-users: of the users (auto: ${AUTO.ofUsers})`,
    ),
  test: z
    .union([z.literal('auto'), share])
    .default(SPLIT_DEFAULTS.test)
    .describe(`share that is tested; time: of all records (auto: ${AUTO.ofRecords}); cold-users: of the users (auto: ${AUTO.ofUsers})`),
  leave: count(1).default(SPLIT_DEFAULTS.leave).describe('leave-last: records of each user that are tested, and as many that validate'),
  folds: count(2).default(SPLIT_DEFAULTS.folds).describe('folds: into how many folds the records of each user are dealt'),
  fold: count(0).default(SPLIT_DEFAULTS.fold).describe('folds: the one that is tested, from 0'),
  coldItems: z
    .union([z.literal('auto'), share])
    .default(SPLIT_DEFAULTS.coldItems)
    .describe(
      `share of the items that training never meets (auto: ${AUTO.ofItems} with cold-items, 0 with cold-users); with cold-users, cold users have records of these alone`,
    ),
  records: z
    .union([z.literal('all'), count(2)])
    .default(SPLIT_DEFAULTS.records)
    .describe('cold-users: records that each user keeps, drawn at random; users with fewer are left out'),
  support: z
    .number()
    .positive()
    .default(SPLIT_DEFAULTS.support)
    .describe("cold-users: a cold user's records that are its support set, in training on its own device; a count, or a share below 1"),
  describedOnly: z
    .boolean()
    .default(false)
    .describe('keep only items that have every item feature, and their records; for any drawn split'),
});

const optimizer = z.strictObject({
  kind: z.enum(['adam', 'adagrad', 'sgd']).default('adam').describe('rule of a step; rate and decay are tuned for adam'),
  rate: z.number().positive().default(2e-3).describe('learning rate at the start'),
  schedule: z
    .enum(SCHEDULES)
    .default('cosine')
    .describe(
      'course of the learning rate: geometric: times rateDecay each epoch; step: every stepEpochs; cosine: half a wave to rateFloor',
    ),
  scheduleBy: z.enum(SCHEDULE_UNITS).default('round').describe('whether the learning rate changes from epoch to epoch or with every round'),
  rateDecay: z.number().positive().max(1).default(0.975).describe('factor on the learning rate, of the geometric and the step schedule'),
  stepEpochs: count(1).default(10).describe('epochs between changes of the step schedule'),
  annealEpochs: count(0)
    .default(0)
    .describe("epochs that the cosine schedule takes; 0: as many as the run's, which a resumed run then keeps"),
  rateFloor: z.number().min(0).max(1).default(0).describe('share of the learning rate that the cosine schedule ends at'),
  warmup: count(0).default(0).describe('rounds in which the learning rate rises linearly from nothing'),
  beta1: share.default(0.9).describe('decay of the first moment (adam)'),
  beta2: share.default(0.999).describe('decay of the second moment (adam)'),
  epsilon: z.number().positive().default(1e-8).describe('added to the root of the second moment (adam, adagrad)'),
  momentum: share.default(0.9).describe('share of the last step that the next goes on with (sgd)'),
  nesterov: z.boolean().default(false).describe("Nesterov's momentum (sgd)"),
  decay: z
    .union([z.literal('auto'), z.number().min(0)])
    .default('auto')
    .describe(
      `L2 weight λ (eq. 10), of every tensor without a value of its own; auto: ${PRIOR.ratings} / training ratings, at most ${PRIOR.most}`,
    ),
  decayOf: z
    .record(z.string(), z.number().min(0))
    .default({ U: 0 })
    .describe('L2 weight by tensor: U, M, hidden, rise, layer1, layer2, low, or a finer name such as low.bias'),
  decoupled: z.boolean().default(false).describe('subtract learning rate·λ·weight (AdamW) instead of adding λ·weight to the gradient'),
  tensorMoments: z
    .array(z.string())
    .default(['low'])
    .describe('tensors with ONE second moment for the whole tensor instead of one per element (adam)'),
  rowMoments: z
    .array(z.string())
    .default([])
    .describe('sparse tensors (U, low) with one second moment for each row instead of one per element'),
  popularity: z
    .number()
    .min(0)
    .default(0)
    .describe(
      'exponent p of the L2 weight of item rows (low): times ((mean count + 1) / (count + 1))^p of rounds that touched a row; needs decoupled',
    ),
  lazy: z
    .array(z.string())
    .default([])
    .describe('sparse tensors (U, low) whose rows without a gradient are left alone: a step then costs what was touched'),
  clip: z.number().min(0).default(5).describe('global norm the mean gradient is clipped to, before L2; 0: never'),
});

const chance = z.number().min(0).max(1).default(0);

const fleet = z.strictObject({
  profiles: z
    .string()
    .min(1)
    .default('none')
    .describe('what devices are like: mix, watch, phone-low, phone-mid, phone-high, laptop, or a YAML file; none: they have no limits'),
  availability: z
    .string()
    .min(1)
    .default('always')
    .describe('when devices can be reached: always, diurnal, or a trace file (CSV of device,from,to in seconds, or FedScale JSON)'),
  leastAvailable: z.number().min(0).max(1).default(0.125).describe('diurnal: share of the devices that can be reached at the worst hour'),
  mostAvailable: z.number().min(0).max(1).default(0.5).describe('diurnal: share of the devices that can be reached at the best hour'),
  peakHour: z.number().min(0).lt(24).default(2).describe('diurnal: the best hour, local time'),
  zones: z
    .array(z.number().min(-12).max(14))
    .min(1)
    .default([-8, -5, -3, 0, 1, 3, 5.5, 8, 9])
    .describe('offsets from UTC in hours; each device lives in one of them, all equally likely'),
  startHour: z.number().min(0).lt(24).default(0).describe('hour of the day, UTC, at which virtual time begins'),
  dropoutBefore: chance.describe('chance that a device falls silent when it is asked to take part'),
  dropoutDuring: chance.describe('chance that a device falls silent while it trains'),
  dropoutAfter: chance.describe('chance that a device falls silent before it has sent its update'),
});

const policy = z.strictObject({
  kind: z
    .enum(POLICIES)
    .default('wait-all')
    .describe('when a round ends: all have answered; a deadline; the fastest `cohort` updates; buffered (FedBuff): any `cohort` updates'),
  timeout: z.number().positive().default(600).describe('virtual seconds after which a device that has not answered is given up'),
  deadline: z.number().positive().default(60).describe('virtual seconds a round lasts, where kind is deadline'),
  overSelection: z.number().min(1).default(1.3).describe('deadline and fastest: devices asked, as a multiple of `cohort`'),
  concurrency: count(0).default(0).describe('buffered: devices at work at any time; 0: twice the `cohort`'),
  weighting: z.enum(WEIGHTINGS).default('inverse-sqrt').describe('buffered: weight of an update s steps old: 1/sqrt(1+s), or 1'),
  maxStaleness: count(0).default(20).describe('buffered: steps after which an update is thrown away'),
});

const defence = z.strictObject({
  normMultiple: z
    .number()
    .min(0)
    .default(100)
    .describe("an update is thrown away when its norm per rating exceeds this multiple of the recent updates' median; 0: never"),
  mostNorm: z.number().min(0).default(0).describe('an update is thrown away when its norm per rating exceeds this; 0: never'),
});

const privacy = z.strictObject({
  delta: z.number().gt(0).lt(1).default(1e-5).describe('chance δ that is left out of the guarantee ε; below one in the number of users'),
  stopAt: z.number().min(0).default(0).describe('ε that the run may spend; a round that would spend more is not run. 0: no bound'),
  accountant: z
    .enum(ACCOUNTANTS)
    .default('pld')
    .describe('how ε is computed: pld: privacy loss distributions, tight; rdp: Rényi divergences, a looser bound at less cost'),
});

const probability = z.number().min(0).max(1).default(0);

const stage = z.strictObject({
  length: z.number().min(0),
  devices: count(1).optional(),
  cohort: count(1).optional(),
  arrivals: z.number().min(0).optional(),
});

const stages = z.strictObject({
  unit: z
    .enum(STAGE_UNITS)
    .default('rounds')
    .describe('what the length of a stage counts: rounds, seconds of virtual time, or seconds of wall time (then results depend on speed)'),
  list: z
    .array(stage)
    .default([])
    .describe(
      'stages { length, devices, cohort, arrivals }, each a straight line from the values before to its own; the run ends with the last',
    ),
});

const perturbations = z.strictObject({
  slowHosts: probability.describe('share of the device hosts that are slow, at least one where it is not 0'),
  slowMillis: z
    .number()
    .min(0)
    .max(60_000)
    .default(100)
    .describe('wall milliseconds that a slow host stands still before each frame of models'),
  degradedLinks: probability.describe('share of the devices with a bad link (section fleet)'),
  linkFactor: z.number().min(1).default(10).describe('how many times less bandwidth and more latency a bad link has'),
  lost: probability.describe('chance that an update is lost on its way'),
  duplicated: probability.describe('chance that an update arrives twice'),
  corrupted: probability.describe('chance that bits of an update flip on its way'),
  delayed: probability.describe('chance that an update is delayed (section fleet)'),
  delaySeconds: z.number().min(0).default(60).describe('mean virtual seconds of a delay, exponentially distributed'),
  skewedClocks: probability.describe(
    'share of the devices whose clock is wrong, which moves when they are reachable and charge (section fleet)',
  ),
  skewHours: z.number().min(0).max(24).default(6).describe('most hours by which a wrong clock is ahead or behind'),
  byzantine: probability.describe('share of the devices that send attacks in place of updates'),
  attacks: z
    .array(z.enum(ATTACKS))
    .default([...ATTACKS])
    .describe('what byzantine devices send, drawn anew each round: nan, norm, shape, round'),
  attackFactor: z.number().positive().default(1000).describe('norm: how many times longer, and the other way, than the honest update'),
});

const checkpoint = z.strictObject({
  every: z.number().min(0).default(10).describe('minutes between checkpoints, taken at the end of an epoch; 0: only when the run ends'),
  keep: count(1)
    .max(100)
    .default(2)
    .describe('last checkpoints that are kept: should the newest be damaged, --resume takes the one before'),
  best: z
    .boolean()
    .default(true)
    .describe('keep the weights of the best epoch in best.checkpoint, written with the checkpoint that follows it'),
});

const recorder = z.strictObject({
  share: z
    .number()
    .min(0)
    .max(1)
    .default(0.05)
    .describe('share of the devices whose rounds are recorded step by step, 10,000 of them at most; the seed chooses them; 0: none'),
  size: z.number().min(1).default(16).describe("MB (10^6 bytes) for the records in the run's folder; the oldest go first"),
});

const metrics = z.strictObject({
  enabled: z.boolean().default(true).describe('serve /metrics, /healthz and /status over HTTP while the run lasts'),
  host: z.string().min(1).default('127.0.0.1').describe('address to listen on; 0.0.0.0: every one of this machine'),
  port: count(0).max(65535).default(0).describe('port to listen on; 0: any free one'),
  tokenFile: z
    .string()
    .default('')
    .describe('file that holds the bearer token to ask for; empty: that of METAFLEET_METRICS_TOKEN in the environment, if any'),
});

const ownKeys = z.strictObject({
  data: z
    .string()
    .min(1)
    .default('ml-small')
    .describe('dataset: a name of `metafleet data list`, a file or folder, or synthetic:users=…,items=…,ratings=…'),
  split: z
    .enum(SPLITS)
    .default('auto')
    .describe(
      "auto: the data's own split where it has one, else random; random: per user 80/10/10; leave-last: each user's last records; time: one instant for all; folds; cold-users: disjoint users; cold-items: items that training never meets (section splitting)",
    ),
  splitting: splitting.prefault({}),
  feedback: z
    .enum(['auto', 'explicit', 'implicit'])
    .default('auto')
    .describe('explicit: ratings; implicit: every record is an interaction of value 1; auto: as the data are'),
  features: z
    .union([z.enum(['all', 'none']), z.array(z.string().min(1)).min(1)])
    .default('all')
    .describe('columns of the files of users and items that are features; all: those that are recognised'),
  sideFiles: z
    .array(z.string().min(1))
    .default([])
    .describe('files of users and items, in addition to those with a known name in the folder of the records (docs/data.md)'),
  columns: z
    .array(z.union([z.string(), count(1)]))
    .max(4)
    .default([])
    .describe('columns of user, item, rating and time in a file: header names, or numbers from 1; [ ]: as the format has them'),
  delimiter: z
    .string()
    .default('')
    .describe('what separates the fields of a delimited file, a blank: any blanks; empty: as the format has it'),
  encoding: z.string().default('').describe('of a text file: utf-8, latin1, gbk, shift_jis …; empty: utf-8, or as the format has it'),
  header: z
    .enum(['auto', 'yes', 'no'])
    .default('auto')
    .describe('whether the first line of a delimited file names columns; auto: by what it says'),
  scale: z
    .array(z.number())
    .max(3)
    .default([])
    .describe('lowest and highest rating of a file, and the step between ratings; [ ]: from the catalogue or the data'),
  outside: z.enum(OUTSIDE).default('refuse').describe('ratings outside of the scale: refuse, or clip to the nearest that it has'),
  rescale: z
    .array(z.number())
    .max(2)
    .default([])
    .describe('lowest and highest rating that ratings are stretched to, in a straight line; [ ]: as they are'),
  unrated: z
    .union([z.enum(['auto', 'none']), z.array(z.number())])
    .default('auto')
    .describe(
      'values that stand for "not rated", such as [0]; auto: those of the format, such as 0 in Book-Crossing; none: all are ratings',
    ),
  unratedAs: z
    .union([z.literal('drop'), z.number()])
    .default('drop')
    .describe('what becomes of pairs that are not rated: drop, or the rating that they get'),
  duplicates: z
    .enum(DUPLICATES)
    .default('refuse')
    .describe('several ratings of one user and item: refuse; first, last (by time, if there is one); mean, sum, max of them'),
  minItem: count(0).default(0).describe('fewest ratings of an item; items with fewer are left out, once, before minUser'),
  minUser: count(0).default(0).describe('fewest ratings of a user; users with fewer are left out, once'),
  core: count(0).default(0).describe('k-core: every user and every item has at least so many ratings; 0: no matter'),
  binarize: z
    .union([z.literal('none'), z.number()])
    .default('none')
    .describe('ratings from here on become implicit feedback of value 1, and those below are left out; none: ratings stay'),
  dataBudget: z
    .number()
    .positive()
    .max(1)
    .default(1)
    .describe("share β of each device's training ratings that exists at all, at least one of them; chosen once, by the seed"),
  algorithm: z
    .string()
    .min(1)
    .default('metamf')
    .describe(
      'what is learned: metamf, fedavg or maml on a fleet, a central model of `metafleet models`, or a path to a module; its options are in the section of its name',
    ),
  seed: count(0)
    .max(Number.MAX_SAFE_INTEGER)
    .default(1)
    .describe('of every random choice: the same seed gives the same result, bit for bit'),
  threads: count(0).max(256).default(0).describe('threads for devices and for kernels; 0: one per core. The result does not depend on it'),
  epochs: count(1).default(30).describe('most epochs to train'),
  rounds: count(0).default(0).describe('most rounds to train; 0: as many as the epochs take'),
  patience: count(0).default(10).describe('measurements without a better value of stopOn before the run stops; 0: never'),
  stopOn: z
    .string()
    .min(1)
    .default('auto')
    .describe(
      `metric of the validation part that decides on the best epoch; auto: ${PREFERRED_METRIC} where it is measured, else the first of evaluation.metrics`,
    ),
  cohort: count(1).default(DEFAULT_COHORT).describe('devices per round; in a smaller fleet the default is as many as there are'),
  ratings: z
    .union([z.literal('all'), count(1)])
    .default('all')
    .describe('ratings a device learns from in a round: a number, or all'),
  sampling: z
    .string()
    .min(1)
    .default('shuffled')
    .describe(
      'how a cohort is drawn: shuffled (every device once an epoch), uniform, poisson, activity, round-robin, available, oort, or a path to a module',
    ),
  aggregation: z
    .string()
    .min(1)
    .default('mean')
    .describe(
      "what becomes of a round's updates: mean, median, trimmed-mean, krum, multi-krum, norm-clip, or a path to a module (docs/aggregation.md)",
    ),
  updates: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'what happens to updates before they are aggregated, in order: clip, adaptive-clip, noise, laplace, central-noise, secure-sum, top-k, random-k, quantize, or paths to modules; each at most once (docs/privacy.md, docs/small-updates.md)',
    ),
  delivery: z
    .enum(DELIVERIES)
    .default('subset')
    .describe('what a device downloads; full: all item rows; subset: those of its batch, among decoys'),
  decoys: count(0).default(0).describe('item rows a device asks for and uploads in addition to those of its batch'),
  dtype: z
    .enum(MODEL_DTYPES)
    .default('f32')
    .describe('numbers on the wire, both ways; f16: relative error 2^-11; int8: at most 1/254 of the largest in a row'),
  modelMemory: z
    .number()
    .positive()
    .default(256)
    .describe('MB (10^6 bytes) for generated models on all devices together; the oldest are evicted'),
  hostHeap: count(0)
    .default(0)
    .describe('MB of JavaScript heap for each thread of devices; one that needs more dies and is restored. 0: as Node has it'),
  moduleTimeout: z
    .number()
    .positive()
    .default(60)
    .describe("seconds that one call of a hook of a user's module may last; after that the run ends, with its last checkpoint kept"),
  evaluation: evaluation.prefault({}),
  optimizer: optimizer.prefault({}),
  fleet: fleet.prefault({}),
  policy: policy.prefault({}),
  defence: defence.prefault({}),
  privacy: privacy.prefault({}),
  stages: stages.prefault({}),
  perturbations: perturbations.prefault({}),
  baselines: z
    .boolean()
    .default(true)
    .describe('compare with the global mean, user means, a biased baseline and centrally trained matrix factorization'),
  checkpoint: checkpoint.prefault({}),
  recorder: recorder.prefault({}),
  metrics: metrics.prefault({}),
  results: z.string().min(1).default('results').describe('folder for the run folders'),
});

/** Keys that belong to no definition. No definition may have such a name. */
export const OWN_KEYS: readonly string[] = Object.keys(ownKeys.shape);

/** A key that chooses definitions by name: the default and the description of `schema`, and these values. */
const choiceOf = (schema: z.ZodType, names: readonly string[]): z.ZodType => {
  const initial = schema.parse(undefined);
  const name = z.enum(names as [string, ...string[]]);
  const choice = Array.isArray(initial) ? z.array(name).default(initial as string[]) : name.default(initial as string);
  return choice.describe(schema.description ?? '');
};

/** The keys of every run, and a section for each definition with options: those of users' modules once they are loaded. */
export const configSchema = (): z.ZodType<Config> => {
  if (built?.modules !== loadedModules()) built = { modules: loadedModules(), schema: buildSchema() };
  return built.schema;
};
/** A schema takes longer to build than to use. */
let built: { readonly modules: number; readonly schema: z.ZodType<Config> } | undefined;

const buildSchema = (): z.ZodType<Config> => {
  const shape = Object.entries(ownKeys.shape).flatMap(([key, schema]): [string, z.ZodType][] => {
    if (KINDS.some((known) => known.key === key)) return [[key, choiceOf(schema, namesOfKey(key))]];
    return key === 'optimizer' ? [[key, schema], ...Object.entries(definitionSections())] : [[key, schema]];
  });
  return z.strictObject(Object.fromEntries(shape)) as unknown as z.ZodType<Config>;
};

export type Config = z.infer<typeof ownKeys> & { readonly [section: string]: unknown };
/** The keys that a file may set. */
export type ConfigInput = z.input<typeof ownKeys>;

/** Named starting points. Files and flags override them. */
export const PRESETS = {
  default: {},
  /** The regime of MetaMF's authors in federated words (section 4.4 of the paper and its published code). */
  paper: {
    cohort: 64,
    ratings: 1,
    sampling: 'activity',
    epochs: 100,
    patience: 0,
    delivery: 'subset',
    optimizer: { kind: 'adam', rate: 1e-4, schedule: 'geometric', rateDecay: 1, decay: 1e-3, decayOf: {}, tensorMoments: [], clip: 5 },
    metamf: { variant: 'full', dropout: 0, userInit: 1, centring: 'none', itemOffset: 'none' },
  },
  /** Best found by validation error; test MSE 0.7561, MAE 0.6793 on the official split after 1,805 rounds (seed 1). */
  'ml-1m': { epochs: 20, optimizer: { annealEpochs: 20, decay: 1.2e-4 } },
  /** Test MSE 0.9821, MAE 0.7576 on the official split after 348 rounds (seed 1): more epochs overfit. */
  ciao: { epochs: 3, optimizer: { annealEpochs: 3, decay: 2.25e-4 } },
} as const;

export type PresetName = keyof typeof PRESETS;
