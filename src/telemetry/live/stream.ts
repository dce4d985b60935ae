import type { ServerResponse } from 'node:http';
import type { LiveRun } from './live-run.js';

export type Stream = {
  /** Something has changed: readers get a frame, soon. It costs nothing without readers. */
  wake(): void;
  /** Takes a response. False: there are too many readers already. */
  attach(response: ServerResponse): boolean;
  readonly stats: () => { readonly readers: number; readonly dropped: number; readonly frames: number };
  /** Sends the last frame, and ends all responses. */
  close(): Promise<void>;
};

export type StreamOptions = {
  /** Least time between two frames. */
  readonly everyMillis?: number;
  readonly mostReaders?: number;
  /** A reader with more unread bytes than this is dropped. It may come again, and then gets a snapshot. */
  readonly mostBacklog?: number;
};

/**
 * The server-sent stream of a run. A frame has all changes since the last one, and is encoded once for all readers.
 * Frames that a reader does not take are not kept for it.
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
      // Earlier changes belong to the snapshot, not to the next frame.
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
      // A reader that does not read must not keep the run alive.
      await Promise.race([Promise.all(ended), new Promise<void>((resolve) => setTimeout(resolve, 1000).unref())]);
    },
  };
};
