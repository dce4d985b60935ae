import type { ServerResponse } from 'node:http';
import type { LiveRun } from './live-run.js';

export type Stream = {
  /** Something happened: readers get a frame, soon. Costs nothing without readers. */
  wake(): void;
  /** Takes over a response. False where there are too many readers already. */
  attach(response: ServerResponse): boolean;
  readonly stats: () => { readonly readers: number; readonly dropped: number; readonly frames: number };
  /** Sends what there is left to say, and ends all responses. */
  close(): Promise<void>;
};

export type StreamOptions = {
  /** Least time between two frames. */
  readonly everyMillis?: number;
  readonly mostReaders?: number;
  /** A reader who lets more than this pile up is dropped; he may come again, and gets a snapshot. */
  readonly mostBacklog?: number;
};

/**
 * The server-sent stream of a run: one frame for everything that happened since the last one, encoded once for all readers. What a
 * reader does not take is not kept for him.
 */
export const createStream = (
  live: Pick<LiveRun, 'takeFrame' | 'snapshot'>,
  { everyMillis = 100, mostReaders = 32, mostBacklog = 1_000_000 }: StreamOptions = {},
): Stream => {
  const readers = new Set<ServerResponse>();
  let dropped = 0;
  let frames = 0;
  let news = false;
  let last = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;

  const send = (): void => {
    timer = undefined;
    if (readers.size === 0 || !news) return;
    news = false;
    last = performance.now();
    frames++;
    const text = `event: frame\ndata: ${JSON.stringify(live.takeFrame())}\n\n`;
    for (const reader of readers) {
      if (reader.writableLength > mostBacklog) {
        dropped++;
        readers.delete(reader);
        reader.destroy();
      } else reader.write(text);
    }
  };
  const wake = (): void => {
    news = true;
    if (readers.size > 0) timer ??= setTimeout(send, Math.max(0, last + everyMillis - performance.now())).unref();
  };

  return {
    wake,
    attach: (response) => {
      if (readers.size >= mostReaders) return false;
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      // What came before belongs to the snapshot, not to the next frame.
      clearTimeout(timer);
      timer = undefined;
      if (readers.size > 0) send();
      else live.takeFrame();
      news = false;
      response.write(`retry: 2000\n\nevent: snapshot\ndata: ${JSON.stringify(live.snapshot())}\n\n`);
      readers.add(response);
      response.on('close', () => readers.delete(response));
      return true;
    },
    stats: () => ({ readers: readers.size, dropped, frames }),
    close: async () => {
      clearTimeout(timer);
      send();
      const ended = [...readers].map(
        (reader) => new Promise<void>((resolve) => reader.once('close', resolve).end('event: end\ndata: {}\n\n', resolve)),
      );
      readers.clear();
      // A reader who does not read must not keep the run.
      await Promise.race([Promise.all(ended), new Promise<void>((resolve) => setTimeout(resolve, 1000).unref())]);
    },
  };
};
