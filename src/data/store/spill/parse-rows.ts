import { badInput } from '../../../base/errors.js';
import type { OriginalId, RowSink } from '../../import/row-sink.js';
import { type Chunk, createSpill, emptyChunk } from './chunk.js';
import { type SeenByThread, seenByThread } from './import-thread.js';
import { noteItem, noteTime, nothingSeen } from './parse.js';
import type { ChunkResult } from './parse-files.js';
import { type Partitioning, partitionOf } from './partitions.js';
import { valueGatherer } from './value-facts.js';

/** Rows of one chunk. */
const ROWS = 1 << 18;

export type SpillSink = RowSink & {
  /** What came in, once the last file has ended. */
  readonly finish: () => { readonly chunks: readonly ChunkResult[]; readonly seen: SeenByThread };
};

/** A sink that spills: any reader can write to it, and memory stays the same whatever the number of rows. Ids take what id-hash.ts says. */
export const spillSink = (
  spill: string,
  partitioning: Partitioning,
  declared: { readonly users?: number; readonly items?: number } = {},
): SpillSink => {
  const out = createSpill(spill, partitioning.count, partitionOf(partitioning), { sequence: true, times: true });
  const seen = nothingSeen();
  const gather = valueGatherer(seen.facts);
  const chunks: ChunkResult[] = [];
  const chunk: Chunk = emptyChunk(ROWS, new Uint8Array(1 << 20));
  let [file, rows, textEnd, path] = [-1, 0, 0, ''];

  const flush = (): void => {
    if (chunk.count === 0) return;
    const spilled = out.write(chunk);
    chunks.push({ spilled, rows: chunk.count, plain: true, thread: 0, file });
    chunk.count = 0;
    textEnd = 0;
  };
  const utf8 = (id: string, line: number): Uint8Array => {
    if (/\p{Surrogate}/u.test(id)) throw badInput('DATA', `${path}:${line}`, 'ids of whole characters', JSON.stringify(id.slice(0, 60)));
    return Buffer.from(id);
  };
  const check = (id: OriginalId, kind: 'user' | 'item', line: number): void => {
    const count = kind === 'user' ? declared.users : declared.items;
    const article = kind === 'user' ? 'a user' : 'an item';
    if (id === '') throw badInput('DATA', `${path}:${line}`, `${article} id`, `an empty field (empty ${kind})`);
    if (count !== undefined && !(typeof id === 'number' && id >= 0 && id < count)) {
      const found = `${JSON.stringify(String(id).slice(0, 60))} (${kind} id overflow)`;
      throw badInput('DATA', `${path}:${line}`, `${article} id from 0 to ${count - 1}`, found);
    }
  };

  return {
    begin: (each) => {
      path = each;
      file++;
      rows = 0;
    },
    add: (user, item, value, line, time = Number.NaN) => {
      check(user, 'user', line);
      check(item, 'item', line);
      const at = chunk.count++;
      if (typeof user === 'number') chunk.users[at] = user;
      else {
        const text = utf8(user, line);
        if (textEnd + text.length > chunk.text.length) {
          const wider = new Uint8Array(2 * (textEnd + text.length));
          wider.set(chunk.text);
          chunk.text = wider;
        }
        chunk.text.set(text, textEnd);
        chunk.users[at] = Number.NaN;
        chunk.textFrom[at] = textEnd;
        textEnd += text.length;
        chunk.textTo[at] = textEnd;
        seen.textUsers = true;
      }
      const known = seen.items.size();
      const index = typeof item === 'number' ? seen.items.integer(item) : seen.items.text(item);
      noteItem(seen, index, known, chunks.length, at);
      chunk.items[at] = index;
      gather(value);
      chunk.values[at] = value;
      chunk.times[at] = time;
      noteTime(seen, time);
      rows++;
      if (chunk.count === ROWS) flush();
    },
    end: () => {
      flush();
      return rows;
    },
    finish: () => {
      out.close();
      return { chunks, seen: seenByThread(seen) };
    },
  };
};
