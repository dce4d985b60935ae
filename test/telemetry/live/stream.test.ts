import { connect } from 'node:net';
import { Registry } from 'prom-client';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Frame } from '../../../src/telemetry/live/frame.js';
import { createLivePage, type LivePage } from '../../../src/telemetry/live/live-page.js';
import { createLiveRun, type LiveRun } from '../../../src/telemetry/live/live-run.js';
import { createStream } from '../../../src/telemetry/live/stream.js';
import { startServer, type TelemetryServer } from '../../../src/telemetry/server/server.js';
import { runStarted } from '../../support/report/run-events.js';
import { round } from '../../support/telemetry/telemetry-events.js';

const open: TelemetryServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});
const newPage = (): LivePage =>
  createLivePage({
    run: { name: 'one', algorithm: 'metamf', data: 'd' },
    recorded: () => [1],
    flights: async (device) => [{ round: 5, steps: [{ step: `of ${device}`, millis: 1 }] }],
  });
const serve = async (page: LivePage | undefined): Promise<TelemetryServer> => {
  const server = await startServer({ port: 0, registry: new Registry(), status: () => ({}), page: () => page });
  open.push(server);
  return server;
};

/** A run whose every frame has a line of so much text in its log. */
const liveRun = (text = ''): LiveRun => {
  const live = createLiveRun({ name: 'one', algorithm: 'metamf', data: 'd' }, { recorded: () => [] });
  const takeFrame = (): Frame => {
    const frame = live.takeFrame();
    return { ...frame, added: { ...frame.added, log: [{ elapsed: 0, level: 'note', text }] } };
  };
  return { ...live, takeFrame };
};

type Event = { readonly event: string; readonly data: string };
/** Events of a server-sent stream, as a browser takes them. */
async function* eventsOf(response: Response): AsyncGenerator<Event> {
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const [event, data] = ['event', 'data'].map((field) => new RegExp(`^${field}: (.*)$`, 'm').exec(text.slice(0, end))?.[1]);
      text = text.slice(end + 2);
      if (event !== undefined) yield { event, data: data! };
    }
  }
}
const nextOf = async (events: AsyncGenerator<Event>): Promise<Event> => (await events.next()).value as Event;

describe('the stream of a run', () => {
  it('begins with a snapshot, goes on with what changed, and ends with the run', async () => {
    const page = newPage();
    const server = await serve(page);
    page.observe(runStarted());
    page.observe(round(64, { round: 7 }));
    const response = await fetch(`${server.url}/events`);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const events = eventsOf(response);
    const snapshot = await nextOf(events);
    expect([snapshot.event, JSON.parse(snapshot.data)]).toMatchObject(['snapshot', { frame: { round: 7 }, history: { round: [7] } }]);
    page.observe(round(64, { round: 8 }));
    const frame = await nextOf(events);
    expect([frame.event, JSON.parse(frame.data)]).toMatchObject(['frame', { round: 8, added: { history: { round: [8] }, whole: false } }]);
    page.observe(round(64, { round: 9 }));
    const closing = server.close();
    expect(JSON.parse((await nextOf(events)).data)).toMatchObject({ round: 9 });
    expect((await nextOf(events)).event).toBe('end');
    await closing;
  });

  it('makes one frame of any number of rounds, ten a second at most, the same for every reader', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const page = newPage();
    const server = await serve(page);
    page.observe(runStarted());
    const readers = await Promise.all([1, 2].map(async () => eventsOf(await fetch(`${server.url}/events`))));
    for (const reader of readers) expect((await nextOf(reader)).event).toBe('snapshot');
    const before = page.stream.stats().frames;
    for (let number = 1; number <= 950; number++) {
      page.observe(round(64, { round: number }));
      vi.advanceTimersByTime(1);
    }
    expect(page.stream.stats().frames - before).toBe(10);
    vi.useRealTimers();
    const [one, two] = await Promise.all(readers.map(nextOf));
    expect(one).toEqual(two);
  });

  it('keeps no frames for a reader that does not read: it drops the reader, and counts', async () => {
    const page = newPage();
    const stream = createStream(liveRun('x'.repeat(200_000)), { everyMillis: 1, mostBacklog: 1_000_000 });
    const server = await serve({ ...page, stream });
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    socket.write('GET /events HTTP/1.1\r\nHost: x\r\n\r\n');
    await expect.poll(() => stream.stats().readers).toBe(1);
    socket.pause();
    const waking = setInterval(() => stream.wake(), 1);
    await expect.poll(() => stream.stats()).toMatchObject({ readers: 0, dropped: 1 });
    clearInterval(waking);
    socket.destroy();
  });

  it('encodes nothing without readers, and takes so many readers and no more', async () => {
    const page = newPage();
    page.observe(runStarted());
    page.observe(round(64));
    expect(page.stream.stats()).toEqual({ readers: 0, dropped: 0, frames: 0 });
    const stream = createStream(liveRun(), { mostReaders: 1 });
    const server = await serve({ ...page, stream });
    const first = await fetch(`${server.url}/events`);
    expect((await fetch(`${server.url}/events`)).status).toBe(503);
    await first.body!.cancel();
    await expect.poll(() => stream.stats().readers).toBe(0);
    expect((await serve(undefined)).url).toBeDefined();
    expect((await fetch(`${(await serve(undefined)).url}/events`)).status).toBe(503);
  });
});

describe('a device', () => {
  it('is found by its id, if it is recorded', async () => {
    const page = newPage();
    const { url } = await serve(page);
    page.observe(runStarted());
    const find = async (id: string): Promise<unknown> => (await fetch(`${url}/device?id=${id}`)).json();
    expect(await find('1')).toEqual({ device: 1, recorded: true, flights: [{ round: 5, steps: [{ step: 'of 1', millis: 1 }] }] });
    expect(await find('2')).toEqual({ device: 2, recorded: false, flights: [] });
    for (const id of ['', 'x', '-1', '1e9', '99999999999']) expect((await fetch(`${url}/device?id=${id}`)).status).toBe(400);
  });
});
