import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { badInput, messageOf } from '../../base/errors.js';
import { beforeLeaving } from '../../base/leaving.js';
import type { Names } from '../../inference/ids.js';
import { createRecommending, type Recommendation, type RecommendOptions, ratingsIn, SEEN } from '../../inference/recommend.js';
import type { StoredModel } from '../../inference/stored-model.js';
import { formatCount } from '../../report/format.js';
import { jsonLine } from '../json-output.js';
import { createCountdown } from './countdown.js';
import { noteLine } from './model-flags.js';
import { type RecommendFlags, sizesOf } from './recommend-flags.js';
import { onStopRequest } from './stop-request.js';

/** One line of `recommend --all`. */
export type UserLine = { readonly user: string; readonly recommendations: readonly Recommendation[] };

/** Where lines go. `put` is false when nobody reads any more. */
type Sink = { put(line: UserLine): Promise<boolean>; end(): Promise<void>; abort(): Promise<void> };

const writable =
  (stream: NodeJS.WritableStream & { readonly destroyed: boolean }) =>
  async (line: UserLine): Promise<boolean> => {
    if (stream.destroyed) return false;
    if (!stream.write(jsonLine(line))) await Promise.race([once(stream, 'drain'), once(stream, 'close')]);
    return !stream.destroyed;
  };

/** A file that has its name when it is whole. */
const ndjsonFile = (path: string): Sink => {
  const temporary = `${path}.${process.pid}.tmp`;
  const file = createWriteStream(temporary);
  const ended = finished(file).catch((error: unknown) => {
    throw badInput('CONFIG', path, 'a file that can be written', messageOf(error));
  });
  ended.catch(() => {});
  return {
    put: async (line) => Promise.race([writable(file)(line), ended.then(() => false)]),
    end: async () => {
      file.end();
      await ended;
      await rename(temporary, path);
    },
    abort: async () => {
      file.destroy();
      await ended.catch(() => {});
      await rm(temporary, { force: true });
    },
  };
};

/** Rows of a row group. */
const GROUP_ROWS = 1 << 16;

/** Rows user, rank, item, prediction, title. */
const parquetFile = async (path: string): Promise<Sink> => {
  const { ParquetWriter, fileWriter } = await import('hyparquet-writer');
  const temporary = `${path}.${process.pid}.tmp`;
  const open = () => {
    try {
      return fileWriter(temporary);
    } catch (error) {
      throw badInput('CONFIG', path, 'a file that can be written', messageOf(error));
    }
  };
  const text = { type: 'BYTE_ARRAY', converted_type: 'UTF8' } as const;
  const writer = new ParquetWriter({
    writer: open(),
    schema: [
      { name: 'root', num_children: 5 },
      { name: 'user', ...text, repetition_type: 'REQUIRED' },
      { name: 'rank', type: 'INT32', repetition_type: 'REQUIRED' },
      { name: 'item', ...text, repetition_type: 'REQUIRED' },
      { name: 'prediction', type: 'FLOAT', repetition_type: 'REQUIRED' },
      { name: 'title', ...text, repetition_type: 'OPTIONAL' },
    ],
    createdBy: 'metafleet',
  });
  let rows: (readonly [user: string, of: Recommendation])[] = [];
  const flush = async (): Promise<void> => {
    if (rows.length === 0) return;
    const some = rows;
    rows = [];
    await writer.write({
      columnData: [
        { name: 'user', data: some.map(([user]) => user) },
        { name: 'rank', data: Int32Array.from(some, ([, { rank }]) => rank) },
        { name: 'item', data: some.map(([, { item }]) => item) },
        { name: 'prediction', data: Float32Array.from(some, ([, { prediction }]) => prediction) },
        { name: 'title', data: some.map(([, { title }]) => title) },
      ],
    });
  };
  return {
    put: async ({ user, recommendations }) => {
      for (const each of recommendations) rows.push([user, each]);
      if (rows.length >= GROUP_ROWS) await flush();
      return true;
    },
    end: async () => {
      await flush();
      await writer.finish();
      await rename(temporary, path);
    },
    abort: () => rm(temporary, { force: true }),
  };
};

const openSink = async ({ out, format }: RecommendFlags): Promise<Sink> => {
  if (out === undefined) return { put: writable(process.stdout), end: async () => {}, abort: async () => {} };
  return format === 'parquet' ? parquetFile(out) : ndjsonFile(out);
};

/** Lets signals in between two users. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

type Work = { readonly model: StoredModel; readonly names: Names; readonly options: RecommendOptions };

const userLines = function* ({ model: { dataset, recommender }, names, options }: Work): Generator<UserLine> {
  const recommending = createRecommending(dataset, names);
  let user = 0;
  for (const model of recommender.models(Array.from({ length: dataset.users }, (_, dense) => dense))) {
    const rated = ratingsIn(dataset, user, options.seen);
    yield { user: names.users.idOf(user++), recommendations: recommending.best(model, rated, options) };
  }
};

/** Every user in the order of the data. A signal ends it after the user it is at, and a file that is not whole is removed. */
export const recommendAll = async (flags: RecommendFlags, model: StoredModel, names: Names): Promise<void> => {
  const options = { ...sizesOf(flags, 0), seen: SEEN[flags.seen] };
  const total = model.dataset.users;
  const sink = await openSink(flags);
  const stay = beforeLeaving(sink.abort);
  const request = onStopRequest();
  const countdown = createCountdown(total, 'users', process.stderr);
  let count = 0;
  let complete = false;
  try {
    for (const line of userLines({ model, names, options })) {
      if (!(await sink.put(line))) return;
      countdown.done(++count);
      await breathe();
      if (request.isAsked()) break;
    }
    complete = !request.isAsked();
    if (complete) await sink.end();
  } finally {
    countdown.close();
    if (!complete) await sink.abort();
    request.release();
    stay();
  }
  const [all, done] = [formatCount(total), formatCount(count)];
  if (complete) noteLine(`recommended to ${all} users${flags.out === undefined ? '' : `, in ${flags.out}`}`);
  else noteLine(`stopped after ${done} of ${all} users${flags.out === undefined ? '' : `; ${flags.out} was not written`}`);
};
