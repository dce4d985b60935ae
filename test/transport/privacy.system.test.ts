import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { deviceId } from '../../src/base/units.js';
import { decodeFrame, encodeFrame } from '../../src/messages/frame.js';
import type { Message } from '../../src/messages/message.js';
import {
  allRatings,
  leavesOf,
  ratingsFound,
  ratingsOf,
  sentinelData,
  type Tapped,
  tappedHosts,
  tapThisThread,
} from '../support/transport/message-tap.js';
import { finish, start, temporaryFolder } from '../support/transport/small-run.js';

const DATASET = sentinelData(0);
const RATINGS = allRatings(DATASET);

/** A frame envelope's frame: the only bytes in it. */
const messagesIn = ({ leaves }: Tapped): readonly Message[] => {
  const frame = leaves.find((leaf) => leaf instanceof Uint8Array && leaf.length > 0) as Uint8Array;
  const whole = new Uint8Array(frame).buffer;
  // The records end where there is no magic any more.
  let length = 0;
  const view = new DataView(whole);
  while (length + 8 <= whole.byteLength && view.getUint16(length) === 0x4d46) length += (8 + view.getUint32(length + 4, true) + 7) & ~7;
  return decodeFrame(whole, Math.min(length, whole.byteLength), 'tapped').messages;
};

const isFrame = ({ port, leaves }: Tapped): boolean =>
  port === 'traffic' && leaves.some((leaf) => leaf instanceof Uint8Array && leaf.length > 0);
const framesUp = (tapped: readonly Tapped[]): readonly Message[] =>
  tapped.filter((one) => one.way === 'out' && isFrame(one)).flatMap(messagesIn);

const DELIVERIES = [
  { name: 'full delivery, f32', config: {} },
  { name: 'subset delivery with decoys, one rating a round', config: { delivery: 'subset', decoys: 3, ratings: 1 } },
  { name: 'int8, MetaMF-SI', config: { dtype: 'int8', metamf: { variant: 'si' } } },
] as const;

describe('private ratings', () => {
  for (const { name, config } of DELIVERIES) {
    it(`enter their host in its load message and are in no other message of a run: ${name}`, async () => {
      const folder = await temporaryFolder();
      const checkpoints = { last: `${folder}/last`, best: `${folder}/best` };
      const hosts = await tappedHosts();
      const posted = tapThisThread();
      const { run, events } = await start({
        dataset: DATASET,
        hostEntry: hosts.entry,
        checkpoints,
        config: { cohort: 6, epochs: 2, ...config },
      });
      await run.finished;
      const tapped = hosts.read();

      // All that leaves a host thread, on any port: frames and control to others, answers to Piscina.
      const out = tapped.filter(({ way }) => way === 'out');
      expect(new Set(out.map(({ port }) => port))).toEqual(new Set(['another', 'control', 'traffic']));
      const kinds = new Set(framesUp(tapped).map(({ kind }) => kind));
      expect(kinds).toEqual(new Set(['want', 'update', 'score']));
      expect(new Set(framesUp(tapped).map(({ device }) => device)).size).toBe(12);
      for (const { host, port, leaves } of out)
        expect({ host, port, found: ratingsFound(leaves, RATINGS) }).toEqual({ host, port, found: [] });

      // What enters it: every rating of its own devices, once, and none of the others'.
      const loads = tapped.filter(({ way, leaves }) => way === 'in' && ratingsFound(leaves, RATINGS).length > 0);
      expect(loads.map(({ host, port }) => `${host} ${port}`).sort()).toEqual(['0 control', '1 control']);
      for (const { leaves } of loads) expect(leaves).toContain('load');
      const held = loads.flatMap(({ leaves }) => ratingsFound(leaves, RATINGS));
      expect(held.toSorted()).toEqual([...RATINGS].sort());

      // What this thread posts: nothing else with a rating in it, so that the coordinator's thread never sees one …
      const carriers = posted.filter((leaves) => ratingsFound(leaves, RATINGS).length > 0);
      expect(carriers.length).toBe(2);
      for (const leaves of carriers) expect(leaves).toContain('load');
      // … and what it says and writes holds none.
      const files = Object.values(checkpoints).map((path) => new Uint8Array(readFileSync(path)));
      for (const said of [events, await run.finished, ...files]) expect(ratingsFound(leavesOf(said), RATINGS)).toEqual([]);
    });
  }

  it('change nothing in a message but gradients, losses and error sums', async () => {
    const runs = [];
    for (const dataset of [DATASET, sentinelData(5000)]) {
      const hosts = await tappedHosts();
      await finish({ dataset, hostEntry: hosts.entry, config: { delivery: 'subset', decoys: 2, ratings: 2, cohort: 12, rounds: 1 } });
      runs.push(hosts.read());
    }
    const public_ = (message: Message): object => {
      switch (message.kind) {
        case 'update': {
          const { loss: _loss, tensors, ...rest } = message;
          return { ...rest, tensors: tensors.map(({ data, ...shape }) => ({ ...shape, bytes: data.map((piece) => piece.length) })) };
        }
        case 'score': {
          const { valid, test, ...rest } = message;
          return { ...rest, valid: valid.count, test: test.count };
        }
        default:
          return message;
      }
    };
    const [one, other] = runs.map((tapped) => framesUp(tapped).filter(({ round }) => round === 1));
    const trained = (messages: readonly Message[]) => messages.filter(({ kind }) => kind !== 'score').map(public_);
    expect(one!.filter(({ kind }) => kind === 'update')).toHaveLength(12);
    expect(new Set(trained(one!).map((message) => JSON.stringify(message)))).toEqual(
      new Set(trained(other!).map((message) => JSON.stringify(message))),
    );
    expect(one).not.toEqual(other);
    // The rest are bytes of control messages. The last message of a host may be missing.
    const control = (tapped: readonly Tapped[]) =>
      tapped
        .filter(({ way, port }) => way === 'out' && port === 'control')
        .flatMap(({ leaves }) => leaves.filter((leaf) => leaf instanceof Uint8Array).map(String))
        .sort();
    expect(control(runs[0]!)).toHaveLength(2);
    expect(control(runs[0]!)).toEqual(control(runs[1]!));
  });
});

describe('the check finds a rating', () => {
  const rating = RATINGS[7]!;
  const update = { kind: 'update', round: 1, device: deviceId(0), count: 1, loss: rating, rows: Uint32Array.of(1), tensors: [] } as const;
  const behind = encodeFrame([{ ...update, loss: 1 }]);
  new DataView(behind.frame).setFloat32(behind.length + 3, rating, true);
  const float64 = new DataView(new ArrayBuffer(24));
  float64.setFloat64(5, rating);
  const shared = new Float32Array(new SharedArrayBuffer(8));
  shared[1] = rating;
  const leaks: Readonly<Record<string, unknown>> = {
    'as a number': { exchange: 4, deviceMillis: [1, rating] },
    'in a float32 column': { columns: [Float32Array.of(1, 2, rating)] },
    'in memory shared with others': shared,
    'in the part of a buffer that its view does not show': new Uint8Array(Float32Array.of(rating, 1).buffer, 4),
    'as a float64, big-endian, at an odd byte': float64.buffer,
    'in a field of a frame': encodeFrame([update]).frame,
    'behind the end of a frame': behind.frame,
    'in the text of an error': { failure: { code: null, message: `item 3 was rated ${rating}` } },
    'in an error itself': new Error(`found ${rating.toFixed(5)}`),
    'in a map': new Map([[3, { value: rating }]]),
  };
  for (const [name, message] of Object.entries(leaks)) {
    it(name, () => {
      expect(ratingsFound(leavesOf(message), RATINGS)).toEqual([rating]);
    });
  }

  it('and none where there is none', () => {
    expect(ratingsFound(leavesOf({ text: 'nothing', frame: encodeFrame([{ ...update, loss: 1.25 }]).frame }), RATINGS)).toEqual([]);
  });

  const run = async (leak: string): Promise<number> => {
    const hosts = await tappedHosts(leak);
    const { run: leaking } = await start({ dataset: DATASET, hostEntry: hosts.entry, config: { cohort: 6, epochs: 1 } });
    await leaking.finished;
    const out = hosts.read().filter(({ way }) => way === 'out');
    return new Set(out.flatMap(({ leaves }) => ratingsFound(leaves, RATINGS))).size;
  };
  it('that a host in a real run posts to whomever, or says to its parent', async () => {
    const onLoad = (act: string): string =>
      `task.control.on('message', ({ argumentList }) => { const values = argumentList?.[0]?.value?.train?.values; if (values) { ${act} } });`;
    expect(await run('')).toBe(0);
    expect(await run(onLoad("new BroadcastChannel('ratings').postMessage(values.slice(0, 3));"))).toBe(6);
    expect(await run(onLoad('parentPort.postMessage({ note: String(values[0]) });'))).toBe(2);
  });

  it('ratings differ from all other numbers', () => {
    expect(new Set(RATINGS).size).toBe(12 * 7);
    expect(new Set(RATINGS.map((value) => value.toFixed(4))).size).toBe(12 * 7);
    expect(ratingsOf(DATASET, 'valid')).toHaveLength(24);
    expect(ratingsFound(leavesOf(allRatings(sentinelData(5000))), RATINGS)).toEqual([]);
  });
});
