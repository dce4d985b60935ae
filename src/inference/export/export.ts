import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { badInput, isMetafleetError, MetafleetError, messageOf } from '../../base/errors.js';
import { bytesOf } from '../../base/views.js';
import { printConfig } from '../../runs/config/parse-config.js';
import { type IdNames, idIn, type Names } from '../ids.js';
import type { Recommender } from '../model/recommender.js';
import type { StoredModel } from '../stored-model.js';
import { modelCard } from './model-card.js';
import { type SafeTensor, writeSafetensors } from './safetensors.js';

export type ExportOptions = {
  readonly model: StoredModel;
  readonly names: Names;
  /** A folder that does not exist yet, or is empty. */
  readonly out: string;
  /** Original ids of users whose generated models are exported, too. */
  readonly users: readonly string[];
  /** Of metafleet. */
  readonly version: string;
};

const lines = function* (names: IdNames, title: (dense: number) => string | null): Generator<string> {
  for (let dense = 0; dense < names.count; dense++) {
    const text = title(dense);
    yield `${JSON.stringify({ index: dense, id: names.idOf(dense), ...(text === null ? {} : { title: text }) })}\n`;
  }
};

/** The tensors of each user's model. One user's model is in memory at a time. */
const userTensors = (recommender: Recommender, users: readonly number[], { idOf }: IdNames): readonly SafeTensor[] => {
  const [first] = recommender.models(users.slice(0, 1));
  const shapes = first?.tensors() ?? [];
  let held: { readonly user: number; readonly values: ReadonlyMap<string, Float32Array> } | undefined;
  const valuesOf = (user: number, name: string): Float32Array => {
    if (held?.user !== user) {
      const [model] = recommender.models([user]);
      held = { user, values: new Map((model!.tensors() ?? []).map((tensor) => [tensor.name, tensor.values])) };
    }
    return held.values.get(name)!;
  };
  return users.flatMap((user) =>
    shapes.map(({ name, shape }) => ({ name: `${idOf(user)}/${name}`, shape, bytes: () => [bytesOf(valuesOf(user, name))] })),
  );
};

const writeInto = async (folder: string, { model, names, users, version }: ExportOptions): Promise<readonly string[]> => {
  const { recommender, run } = model;
  const chosen = [...new Set(users.map((id) => idIn(names.users, id, 'flag --users', 'user')))].sort((a, b) => a - b);
  const theta = recommender.theta();
  const digest = recommender.digest();
  const facts = { format: 'metafleet', run, algorithm: model.summary?.identity ?? model.config.algorithm, digest };
  const files: (readonly [string, string])[] = [
    ['theta.safetensors', 'Θ, all parameters of the coordinator'],
    ['items.ndjson', 'for each item: its row in tensors, its id, and its title if the data has one'],
    ['users.ndjson', 'for each user: its row in tensors, and its id'],
    ['config.yaml', 'the configuration of the run'],
  ];
  await writeSafetensors(join(folder, 'theta.safetensors'), theta, facts);
  if (chosen.length > 0) {
    files.push(['users.safetensors', 'models of the chosen users']);
    await writeSafetensors(join(folder, 'users.safetensors'), userTensors(recommender, chosen, names.users), facts);
  }
  await pipeline(Readable.from(lines(names.items, names.title)), createWriteStream(join(folder, 'items.ndjson')));
  await pipeline(Readable.from(lines(names.users, () => null)), createWriteStream(join(folder, 'users.ndjson')));
  const ids = chosen.map((user) => names.users.idOf(user));
  await writeFile(join(folder, 'config.yaml'), printConfig(model.config, false));
  await writeFile(join(folder, 'README.md'), modelCard(model, { files, theta, digest, users: ids, version }));
  return [...files.map(([name]) => name), 'README.md'];
};

/** Writes an export into a folder: all of it, or nothing. Returns the names of its files. Throws CONFIG. */
export const exportModel = async (options: ExportOptions): Promise<readonly string[]> => {
  const { out } = options;
  const there = await readdir(out).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw badInput('CONFIG', out, 'a folder that does not exist yet', messageOf(error));
  });
  if (there.length > 0) throw badInput('CONFIG', out, 'a folder that does not exist yet, or is empty', `${there.length} files in it`);
  const made = `${out.replace(/[\\/]+$/, '')}.${process.pid}.tmp`;
  try {
    await mkdir(made, { recursive: true });
    const names = await writeInto(made, options);
    await rm(out, { recursive: true, force: true });
    await rename(made, out);
    return names;
  } catch (error) {
    await rm(made, { recursive: true, force: true }).catch(() => {});
    if (isMetafleetError(error)) throw error;
    throw new MetafleetError('CONFIG', `${out}: cannot be written: ${messageOf(error)}`, { cause: error });
  }
};
