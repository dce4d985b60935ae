import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCheckpointWriter, serveCheckpoints, type WriteJob } from '../../../src/coordinator/checkpoint/checkpoint-writer.js';
import { readSealed } from '../../../src/coordinator/checkpoint/sealed-file.js';

const MAGIC = 'METAFLT1';

let folder: string;
let path: string;
let ports: MessagePort[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'metafleet-writer-'));
  path = join(folder, 'last.checkpoint');
  ports = [];
});
afterEach(() => {
  for (const port of ports) port.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Shared memory that holds a text. */
const shared = (text: string): Uint8Array => {
  const bytes = new Uint8Array(new SharedArrayBuffer(text.length));
  bytes.set(Buffer.from(text));
  return bytes;
};
const jobOf = (text: string, changes: Partial<WriteJob> = {}): WriteJob => ({
  ...{ path, magic: MAGIC, header: { text }, stretches: [shared(text)], keep: 1, hold: false },
  ...changes,
});

/** What a checkpoint holds, by its header and by its content. */
const held = (at = path): readonly string[] => {
  let [name, into] = ['', Buffer.alloc(0)];
  readSealed(at, MAGIC, (header) => {
    name = (header as { text: string }).text;
    into = Buffer.alloc(name.length);
    return [into];
  });
  return [name, into.toString()];
};

/** The thread's side, on this one: what it replies to an order, up to its last word on it. */
const serve = (): ((order: WriteJob | { readonly again: string }) => Promise<readonly unknown[]>) => {
  const { port1, port2 } = new MessageChannel();
  ports.push(port1, port2);
  serveCheckpoints(port2);
  return (order) =>
    new Promise((resolve) => {
      const replies: unknown[] = [];
      const listen = (reply: { readonly kind: string }): void => {
        replies.push(reply);
        if (reply.kind === 'copied') return;
        port1.off('message', listen);
        resolve(replies);
      };
      port1.on('message', listen);
      port1.postMessage(order);
    });
};

const COPIED = { kind: 'copied' };
const failed = (text: RegExp) => [{ kind: 'failed', message: expect.stringMatching(text) }];
const written = (bytes: number | null) => ({ kind: 'written', bytes });

describe('the thread that writes checkpoints', () => {
  it('says that memory may change before it says that the file is there', async () => {
    const order = serve();
    expect(await order(jobOf('one'))).toEqual([COPIED, written(statSync(path).size)]);
    expect(held()).toEqual(['one', 'one']);
    expect(readdirSync(folder)).toEqual(['last.checkpoint']);
  });

  it('keeps as many files of a name as it should, the newest first', async () => {
    const order = serve();
    for (const text of ['one', 'two', 'three', 'four']) await order(jobOf(text, { keep: 3 }));
    expect(readdirSync(folder)).toEqual(['last-1.checkpoint', 'last-2.checkpoint', 'last.checkpoint']);
    expect(['last', 'last-1', 'last-2'].map((name) => held(join(folder, `${name}.checkpoint`))[1])).toEqual(['four', 'three', 'two']);
  });

  it('makes a file of what it holds on request, once, and of the newest alone', async () => {
    const order = serve();
    for (const text of ['one', 'two']) {
      expect(await order(jobOf(text, { hold: true }))).toEqual([COPIED, written(null)]);
      expect(existsSync(path)).toBe(false);
    }
    expect(await order({ again: path })).toEqual([written(statSync(path).size)]);
    expect(held()).toEqual(['two', 'two']);
    expect(await order({ again: path })).toEqual([written(null)]);
    expect(await order({ again: join(folder, 'other.checkpoint') })).toEqual([written(null)]);
  });

  it('holds in memory what the disk does not take, as it was, and writes it when there is room', async () => {
    const order = serve();
    const best = join(folder, 'away', 'best.checkpoint');
    const job = jobOf('one', { path: best, hold: true });
    expect(await order(job)).toEqual(failed(/^.*best\.checkpoint: the checkpoint could not be written: ENOENT/));
    job.stretches[0]!.fill(0);
    expect(await order({ again: best })).toEqual(failed(/ENOENT/));
    mkdirSync(join(folder, 'away'));
    expect(await order({ again: best })).toEqual([written(statSync(best).size)]);
    expect(held(best)).toEqual(['one', 'one']);
    expect(await order({ again: best })).toEqual([written(null)]);
  });

  it('holds nothing that it was not asked to hold', async () => {
    const order = serve();
    const away = join(folder, 'away', 'last.checkpoint');
    expect(await order(jobOf('one', { path: away }))).toEqual(failed(/ENOENT/));
    mkdirSync(join(folder, 'away'));
    expect(await order({ again: away })).toEqual([written(null)]);
    expect(readdirSync(join(folder, 'away'))).toEqual([]);
  });

  it('forgets what it held of a name once there is something newer', async () => {
    const order = serve();
    const away = join(folder, 'away');
    const best = join(away, 'best.checkpoint');
    await order(jobOf('one', { path: best, hold: true }));
    mkdirSync(away);
    for (const text of ['two', 'three']) {
      expect(await order(jobOf(text, { path: best }))).toHaveLength(2);
      expect(await order({ again: best })).toEqual([written(null)]);
      expect(held(best)[1]).toBe(text);
      // This time as a copy next to the file.
      await order(jobOf('other', { path: best, hold: true }));
    }
  });

  it('loses a copy to a newer one that the disk does not take, and not the newer one', async () => {
    const order = serve();
    const away = join(folder, 'away');
    const best = join(away, 'best.checkpoint');
    mkdirSync(away);
    await order(jobOf('one', { path: best, hold: true }));
    rmSync(away, { recursive: true });
    expect(await order(jobOf('two', { path: best, hold: true }))).toEqual(failed(/ENOENT/));
    mkdirSync(away);
    expect(await order({ again: best })).toHaveLength(1);
    expect(held(best)[1]).toBe('two');
  });
});

describe('a checkpoint writer', () => {
  it('writes, holds and rewrites on its thread, which starts when it is needed and ends with it', async () => {
    const writer = createCheckpointWriter();
    await writer.close();
    const { copied, written: file } = writer.write(jobOf('one', { keep: 2 }));
    await copied;
    expect(await file).toBe(statSync(path).size);
    expect(await writer.write(jobOf('two', { keep: 2, hold: true })).written).toBeNull();
    expect(held()[1]).toBe('one');
    expect(await writer.rewrite(path)).toBe(statSync(path).size);
    expect(held()[1]).toBe('two');
    expect(await writer.rewrite(path)).toBeNull();
    await writer.write(jobOf('two', { hold: true })).written;
    await writer.close();
    // A thread that was ended is started again, and holds nothing.
    expect(await writer.rewrite(path)).toBeNull();
    expect(await writer.write(jobOf('three')).written).toBe(statSync(path).size);
    await writer.close();
  });

  it('lets memory change where the writing fails, and says why', async () => {
    const writer = createCheckpointWriter();
    const away = join(folder, 'away', 'last.checkpoint');
    const { copied, written: file } = writer.write(jobOf('one', { path: away }));
    await expect(file).rejects.toMatchObject({ code: 'CHECKPOINT', message: expect.stringMatching(/^.*away\/last\.checkpoint: .*ENOENT/) });
    await copied;
    await writer.close();
  });

  it('says what became of a checkpoint whose thread could not take it up, and goes on with the next', async () => {
    const writer = createCheckpointWriter();
    const unsent = writer.write(jobOf('one', { header: { text: () => {} } }));
    await expect(unsent.written).rejects.toThrow(/could not be cloned/);
    expect(await writer.write(jobOf('two')).written).toBe(statSync(path).size);
    await writer.close();
  });
});

it('the checkpoint in place stays readable all the while another is written', async () => {
  const order = serve();
  await order(jobOf('one', { keep: 2 }));
  const before = readFileSync(path);
  await order(jobOf('two', { keep: 2, hold: true }));
  expect(readFileSync(path)).toEqual(before);
  await order({ again: path });
  expect(held()[1]).toBe('two');
});
