import type { Random } from '../../base/random.js';
import { type DeviceId, deviceId, type Seconds } from '../../base/units.js';
import type { Advertise, Share, Unmask } from '../../messages/message.js';
import { neighbourGraph, thresholdOf } from '../../privacy/secure/graph.js';
import { KEY_BYTES } from '../../privacy/secure/keys.js';
import { SEALED_BYTES, SHARE_BYTES } from '../../privacy/secure/shares.js';
import type { Exchange } from '../round/devices.js';
import { neighboursOf, type SecureSettings } from './settings.js';
import { beginning, runStage, type StageProgress } from './stage.js';
import { type Member, type Revealed, type Unmasked, unmaskedSum } from './unmasking.js';

/**
 * The coordinator's part in secure sums: it knows keys and neighbours, passes sealed shares on, adds masked vectors, and takes the masks off their sum.
 * It never holds both secrets of a device. Devices refuse to give it the second (device/secure/secure-device.ts).
 */
export type SecureRound = {
  /** Devices that shared their secrets with enough neighbours, ascending: those that are sent a model. */
  readonly members: readonly DeviceId[];
  /** The most vectors that are summed. */
  readonly cohort: number;
  /** What goes with a member's model. */
  sharesFor(device: DeviceId): { readonly peers: Uint32Array; readonly sealed: Uint8Array };
  readonly progress: StageProgress;
};

export type SecureRequest = {
  readonly exchange: Exchange;
  readonly round: number;
  readonly cohort: readonly DeviceId[];
  /** null: devices take no virtual time. */
  readonly now: Seconds | null;
  readonly timeout: Seconds;
  /** Draws the neighbours. */
  readonly source: Random;
};

const TWO_KEYS = 2 * KEY_BYTES;

const joined = (parts: readonly Uint8Array[]): Uint8Array => Buffer.concat(parts);

type Opened = SecureRound & { readonly memberOf: ReadonlyMap<DeviceId, Member> };

/** Both exchanges before models are sent. */
export const beginSecureRound = async (settings: SecureSettings, request: SecureRequest): Promise<Opened> => {
  const { exchange, round, cohort, now, timeout, source } = request;
  const advertise = cohort.map((device): Advertise => ({ kind: 'advertise', round, device }));
  const keys = await runStage(exchange, advertise, { kind: 'keys', bytes: () => TWO_KEYS, timeout }, beginning(now));
  const online = cohort.filter((device) => keys.answers.has(device));
  const graph = neighbourGraph(online.length, neighboursOf(settings), source);
  const peersOf = new Map(online.map((device, index) => [device, Array.from(graph[index]!, (place) => online[place]!)]));
  const share = online.map(
    (device): Share => ({
      ...{ kind: 'share', round, device, ids: Uint32Array.from(peersOf.get(device)!) },
      data: joined(peersOf.get(device)!.map((peer) => keys.answers.get(peer)!.data)),
      ...{ threshold: thresholdOf(peersOf.get(device)!.length, settings.threshold), cohort: cohort.length },
    }),
  );
  // Two devices and fewer have no neighbours to hide among.
  const asked = online.length < 3 ? [] : share;
  const due = { kind: 'shares', bytes: (device: DeviceId) => SEALED_BYTES * peersOf.get(device)!.length, timeout } as const;
  const { answers, progress } = await runStage(exchange, asked, due, keys.progress);
  const memberOf = new Map<DeviceId, Member>();
  for (const { device, ids, threshold } of asked) {
    if (!answers.has(device)) continue;
    const peers = Array.from(ids, deviceId).filter((peer) => answers.has(peer));
    memberOf.set(device, { device, peers, threshold, maskKey: keys.answers.get(device)!.data.subarray(KEY_BYTES) });
  }
  const sealedBy = (from: DeviceId, to: DeviceId): Uint8Array => {
    const start = SEALED_BYTES * peersOf.get(from)!.indexOf(to);
    return answers.get(from)!.data.subarray(start, start + SEALED_BYTES);
  };
  return {
    members: [...memberOf.keys()],
    cohort: cohort.length,
    memberOf,
    progress,
    sharesFor: (device) => {
      const { peers } = memberOf.get(device)!;
      return { peers: Uint32Array.from(peers), sealed: joined(peers.map((peer) => sealedBy(peer, device))) };
    },
  };
};

/** The exchange after masked vectors have come: their sum, or why there is none. */
export const endSecureRound = async (
  { memberOf }: Opened,
  vectors: ReadonlyMap<DeviceId, Uint32Array>,
  { exchange, round, now, timeout }: Pick<SecureRequest, 'exchange' | 'round' | 'now' | 'timeout'>,
): Promise<{ readonly unmasked: Unmasked; readonly progress: StageProgress }> => {
  const survivors = [...vectors.keys()];
  const asked = survivors.map((device): Unmask => {
    const { peers } = memberOf.get(device)!;
    const [ids, gone] = [true, false].map((isThere) => Uint32Array.from(peers.filter((peer) => vectors.has(peer) === isThere)));
    return { kind: 'unmask', round, device, ids: ids!, gone: gone! };
  });
  const due = { kind: 'reveal', bytes: (device: DeviceId) => SHARE_BYTES * memberOf.get(device)!.peers.length, timeout } as const;
  const { answers, progress } = await runStage(exchange, asked, due, beginning(now));
  const revealed = asked.flatMap(({ device, ids, gone }): Revealed[] => {
    const answer = answers.get(device);
    return answer === undefined ? [] : [{ device, ids, gone, data: answer.data }];
  });
  return { unmasked: await unmaskedSum(memberOf, vectors, revealed, round), progress };
};
