import type { MetricValues } from '../../events/evaluation.js';
import { printConfig } from '../../runs/config/parse-config.js';
import type { ThetaTensor } from '../model/recommender.js';
import type { StoredModel } from '../stored-model.js';

/** What an export holds, for its card. */
export type Exported = {
  readonly files: readonly (readonly [name: string, what: string])[];
  readonly theta: readonly Pick<ThetaTensor, 'name' | 'shape'>[];
  /** Of Θ as exported. */
  readonly digest: string;
  /** Original ids of users whose models were exported. */
  readonly users: readonly string[];
  readonly version: string;
};

const formatCount = (count: number): string => count.toLocaleString('en-US');

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n');

/** The example opens files that are there. */
const loading = (users: readonly string[]): string => {
  const user = users[0];
  const lines = [
    'from safetensors import safe_open',
    'with safe_open("theta.safetensors", framework="numpy") as theta:',
    '    print(theta.metadata())',
    '    for name in theta.keys():',
    '        print(name, theta.get_tensor(name).shape)',
  ];
  const own = [
    'with safe_open("users.safetensors", framework="numpy") as models:',
    `    print([name for name in models.keys() if name.startswith(${JSON.stringify(`${user}/`)})])`,
  ];
  return ['```python', ...lines, ...(user === undefined ? [] : own), '```'].join('\n');
};

const metricRows = (model: StoredModel): readonly (readonly string[])[] => {
  const { summary } = model;
  if (summary === undefined) return [];
  const which = model.checkpoint.startsWith('best') ? 'best' : 'last';
  const [valid, test] = [summary.valid[which], summary.test[which]];
  const of = (values: MetricValues | null, name: string): string => values?.[name]?.toFixed(4) ?? '-';
  return summary.metrics.map((name) => [name.toUpperCase(), of(valid, name), of(test, name)]);
};

/** README.md of an export: what the model is, what it learned from, how good it is, how it was trained, and how to load it. */
export const modelCard = (model: StoredModel, exported: Exported): string => {
  const { run, config, summary, dataset, dataDigest, checkpoint, recommender } = model;
  const algorithm = summary?.algorithm ?? config.algorithm;
  const parts = ['train', 'valid', 'test'] as const;
  const counts = parts.map((part) => `${formatCount(dataset.parts[part].items.length)} ${part}`).join(', ');
  const { lowest, highest } = dataset.scale;
  const metrics = metricRows(model);
  return `---
library_name: metafleet
tags: [recommendation, federated-learning, ${algorithm}]
---

# ${run}

A recommender that metafleet ${exported.version} trained with the algorithm ${algorithm} on a simulated fleet of devices.

${table(
  ['file', 'holds'],
  exported.files.map(([name, what]) => [`\`${name}\``, what]),
)}

## Data

${dataset.name}: ${formatCount(dataset.users)} users, ${formatCount(dataset.items)} items, ${counts} ratings, from ${lowest} to ${highest}.
The SHA-256 of the ratings as they were split is \`${dataDigest}\`. The data are not part of this export, and have their own licence.

## Quality

${
  metrics.length === 0
    ? 'The run has no summary, so nothing is known.'
    : `${table(['metric', 'validation', 'test'], metrics)}\n\nThe values are those of ${checkpoint}, after round ${recommender.round}.`
}

## Parameters

The SHA-256 of all parameters is \`${exported.digest}\`. They are float32, row-major.

${table(
  ['tensor', 'shape'],
  exported.theta.map(({ name, shape }) => [`\`${name}\``, shape.join(' × ')]),
)}

## How to load

${loading(exported.users)}

${exported.users.length === 0 ? '' : `\`users.safetensors\` has the tensors of the model of each chosen user, under \`<user id>/<tensor>\`. Rows of items follow \`items.ndjson\`.\n\n`}## Privacy

Parameters were learned from ratings. A user embedding, and a model that was generated for a user, say something about this user.

## Settings

\`\`\`yaml
${printConfig(config, false).trim()}
\`\`\`
`;
};
