import { badInput } from '../../base/errors.js';
import type { DeviceId } from '../../base/units.js';
import type { Advertise, Masked, Message, Model, Refuse, Share, Unmask } from '../../messages/message.js';
import { agree, derive, KEY_BYTES, type KeyPair, newKeyPair, newSeed, seal, secretBytes, unseal } from '../../privacy/secure/keys.js';
import { type Summand, toVector, type VectorLayout } from '../../privacy/secure/layout.js';
import { addMask, maskSeed } from '../../privacy/secure/mask.js';
import { SEALED_BYTES, SHARE_BYTES, splitSecret } from '../../privacy/secure/shares.js';

/**
 * A device's part in secure sums. Source: Bonawitz et al., "Practical secure aggregation for privacy-preserving machine learning", CCS 2017, figure 4.
 * Neighbours are those of Bell et al., CCS 2020. It has two key pairs a round, one to seal shares and one for masks, and a seed for a mask of its own:
 *
 *   y = x + PRG(seed) + Σ ± PRG(shared with each neighbour)   mod 2³²
 *
 * For each neighbour it gives away one share in the end, of its seed or of its key, and never both. Secrets come from the system's randomness:
 * the sum does not depend on them, and who knows the run's seed does not know them.
 */
type Session = {
  readonly round: number;
  readonly sealing: KeyPair;
  readonly masking: KeyPair;
  readonly seed: Uint8Array;
  /** Once it knows its neighbours. */
  peers?: Peers;
  /** Neighbours whose shares it holds; once it was sent a model. */
  held?: ReadonlyMap<number, Uint8Array>;
  /** No second request for shares is answered. */
  revealed: boolean;
};

type Peers = {
  readonly ids: Uint32Array;
  readonly publics: Uint8Array;
  readonly threshold: number;
  /** Devices whose vectors may be summed. */
  readonly cohort: number;
  readonly shares: readonly Uint8Array[];
  /** What it and each neighbour agree on to seal shares, once it was computed. */
  agreed: readonly Uint8Array[];
};

export type SecureDevices = {
  /** To be awaited before a frame with such messages is answered: secrets are shared out by a library that is asynchronous. */
  prepare(messages: readonly Message[]): Promise<void>;
  answer(message: Advertise | Share | Unmask): Message;
  /** The answer to a model. */
  mask(message: Model, update: Summand): Masked | Refuse;
};

const refusal = ({ round, device }: { readonly round: number; readonly device: DeviceId }, why: string): Refuse => ({
  ...{ kind: 'refuse', round, device },
  reason: `secure sum: ${why}`,
});

const publicsOf = (publics: Uint8Array, index: number): { readonly sealing: Uint8Array; readonly masking: Uint8Array } => {
  const start = 2 * KEY_BYTES * index;
  return { sealing: publics.subarray(start, start + KEY_BYTES), masking: publics.subarray(start + KEY_BYTES, start + 2 * KEY_BYTES) };
};

const about = (round: number, from: number, to: number): string => `metafleet shares ${round} ${from} ${to}`;

const checkPeers = ({ device, ids, data, threshold, cohort }: Share): string | undefined => {
  if (ids.length < 2 || ids.includes(device)) return 'fewer than two neighbours';
  if (data.length !== 2 * KEY_BYTES * ids.length) return 'not two keys of each neighbour';
  if (!(threshold >= 2 && threshold <= ids.length)) return 'a threshold that protects nothing';
  return cohort > ids.length ? undefined : 'a cohort smaller than the neighbours';
};

/** Seals for each neighbour, in the order of ids, its share of the seed and of the mask key. */
const sealShares = ({ round, device }: Share, session: Session): Uint8Array => {
  const { ids, publics, shares } = session.peers!;
  const agreed = Array.from(ids, (_, index) => agree(session.sealing.secret, publicsOf(publics, index).sealing));
  session.peers!.agreed = agreed;
  const sealed = new Uint8Array(SEALED_BYTES * ids.length);
  ids.forEach((peer, index) => {
    const key = derive(agreed[index]!, about(round, device, peer));
    sealed.set(seal(key, shares[index]!, about(round, device, peer)), SEALED_BYTES * index);
  });
  return sealed;
};

/** The shares of neighbours, opened; a neighbour whose shares are no shares counts as one that sent none. */
const openShares = ({ round, device, peers: from, sealed }: Model, session: Session): ReadonlyMap<number, Uint8Array> => {
  const { ids, agreed } = session.peers!;
  const held = new Map<number, Uint8Array>();
  from!.forEach((peer, index) => {
    const place = ids.indexOf(peer);
    if (place < 0) return;
    const key = derive(agreed[place]!, about(round, peer, device));
    held.set(peer, unseal(key, sealed!.subarray(SEALED_BYTES * index, SEALED_BYTES * (index + 1)), about(round, peer, device)));
  });
  return held;
};

/** One share of each neighbour, or why there is none. */
const unmask = (session: Session | undefined, message: Unmask): Message => {
  const { round, device, ids: survivors, gone } = message;
  const held = session?.held;
  if (session === undefined || held === undefined) return refusal(message, 'no masked update was sent');
  if (session.revealed) return refusal(message, 'shares were asked for before');
  const both = survivors.find((peer) => gone.includes(peer));
  if (both !== undefined) return refusal(message, `both shares of device ${both} were asked for`);
  const odd = [...survivors, ...gone].find((peer) => !held.has(peer));
  if (odd !== undefined) return refusal(message, `device ${odd} is no neighbour`);
  const { threshold } = session.peers!;
  if (survivors.length < threshold) return refusal(message, `fewer than ${threshold} neighbours are in the sum`);
  session.revealed = true;
  const data = new Uint8Array(SHARE_BYTES * (survivors.length + gone.length));
  survivors.forEach((peer, index) => data.set(held.get(peer)!.subarray(0, SHARE_BYTES), SHARE_BYTES * index));
  gone.forEach((peer, index) => data.set(held.get(peer)!.subarray(SHARE_BYTES), SHARE_BYTES * (survivors.length + index)));
  return { kind: 'reveal', round, device, data };
};

export const createSecureDevices = (layout: VectorLayout): SecureDevices => {
  const sessions = new Map<number, Session>();

  const sessionOf = ({ round, device }: Message): Session | undefined => {
    const found = sessions.get(device);
    return found?.round === round ? found : undefined;
  };

  return {
    prepare: async (messages) => {
      for (const message of messages) {
        if (message.kind !== 'share') continue;
        const session = sessionOf(message);
        // A second list of neighbours would let a coordinator choose whose masks cancel.
        if (session === undefined || session.peers !== undefined || checkPeers(message) !== undefined) continue;
        const { ids, data, threshold, cohort } = message;
        const [seeds, keys] = await Promise.all(
          [session.seed, secretBytes(session.masking.secret)].map((secret) => splitSecret(secret, ids.length, threshold)),
        );
        const shares = seeds!.map((share, index) => Buffer.concat([share, keys![index]!]));
        session.peers = { ids: Uint32Array.from(ids), publics: Uint8Array.from(data), threshold, cohort, shares, agreed: [] };
      }
    },
    answer: (message) => {
      const { round, device } = message;
      switch (message.kind) {
        case 'advertise': {
          const session = { round, sealing: newKeyPair(), masking: newKeyPair(), seed: newSeed(), revealed: false };
          sessions.set(device, session);
          return { kind: 'keys', round, device, data: Buffer.concat([session.sealing.publicBytes, session.masking.publicBytes]) };
        }
        case 'share': {
          const wrong = checkPeers(message);
          if (wrong !== undefined) return refusal(message, wrong);
          const session = sessionOf(message);
          if (session?.peers === undefined || session.held !== undefined) return refusal(message, 'no key was asked for');
          const { ids } = session.peers;
          if (ids.length !== message.ids.length || ids.some((peer, index) => peer !== message.ids[index]))
            return refusal(message, 'other neighbours than before');
          return { kind: 'shares', round, device, data: sealShares(message, session) };
        }
        case 'unmask':
          return unmask(sessionOf(message), message);
      }
    },
    mask: (message, update) => {
      const { round, device, peers, sealed } = message;
      const session = sessionOf(message);
      if (session?.peers === undefined || peers === undefined || sealed?.length !== SEALED_BYTES * peers.length)
        return refusal(message, 'a model came without shares of neighbours');
      if (session.held !== undefined) return refusal(message, 'a second model came');
      try {
        session.held = openShares(message, session);
      } catch {
        throw badInput('MESSAGE', `shares for device ${device}`, 'those that its neighbours sealed', 'others');
      }
      if (session.held.size < session.peers.threshold)
        return refusal(message, `fewer than ${session.peers.threshold} neighbours take part`);
      const vector = toVector(layout, update, session.peers.cohort);
      addMask(vector, session.seed, 1);
      session.peers.ids.forEach((peer, index) => {
        if (!session.held!.has(peer)) return;
        addMask(vector, maskSeed(session.masking.secret, publicsOf(session.peers!.publics, index).masking, round), device < peer ? 1 : -1);
      });
      return { kind: 'masked', round, device, data: new Uint8Array(vector.buffer) };
    },
  };
};
