import type { DeviceId } from '../../base/units.js';
import { KEY_BYTES, secretOf } from '../../privacy/secure/keys.js';
import { addMask, addTo, maskSeed } from '../../privacy/secure/mask.js';
import { combineShares, SHARE_BYTES } from '../../privacy/secure/shares.js';

/** A device that shared its secrets. `peers`: its neighbours that did so, too, ascending. */
export type Member = {
  readonly device: DeviceId;
  readonly peers: readonly DeviceId[];
  readonly threshold: number;
  /** Its public key for masks. */
  readonly maskKey: Uint8Array;
};

/** Shares that a device revealed: of the seeds of `ids`, then of the mask keys of `gone`. */
export type Revealed = { readonly device: DeviceId; readonly ids: Uint32Array; readonly gone: Uint32Array; readonly data: Uint8Array };

/** The sum, mod 2³², or a sentence that says why there is none. */
export type Unmasked = { readonly sum: Uint32Array } | { readonly missing: string };

/** By device, the shares of its seed, or of its mask key. */
const sharesBy = (revealed: readonly Revealed[], which: 'ids' | 'gone'): ReadonlyMap<number, Uint8Array[]> => {
  const found = new Map<number, Uint8Array[]>();
  for (const answer of revealed) {
    answer[which].forEach((peer, index) => {
      const start = SHARE_BYTES * (which === 'ids' ? index : answer.ids.length + index);
      const list = found.get(peer) ?? [];
      list.push(answer.data.subarray(start, start + SHARE_BYTES));
      found.set(peer, list);
    });
  }
  return found;
};

/**
 * Σ of masked vectors without their masks. The seed of each device in the sum takes off its own mask. The key of each device that is gone takes
 * off the masks that its neighbours share with it.
 */
export const unmaskedSum = async (
  members: ReadonlyMap<DeviceId, Member>,
  vectors: ReadonlyMap<DeviceId, Uint32Array>,
  revealed: readonly Revealed[],
  round: number,
): Promise<Unmasked> => {
  const [first] = vectors.values();
  if (first === undefined) return { missing: 'expected masked updates, found none' };
  const [seeds, keys] = [sharesBy(revealed, 'ids'), sharesBy(revealed, 'gone')];
  /** Devices that are gone, and have masks in the sum. */
  const gone = [...members.values()].filter(({ device, peers }) => !vectors.has(device) && peers.some((peer) => vectors.has(peer)));
  const wanted = [
    ...[...vectors.keys()].map((device) => ({ member: members.get(device)!, shares: seeds.get(device) ?? [] })),
    ...gone.map((member) => ({ member, shares: keys.get(member.device) ?? [] })),
  ];
  const short = wanted.find(({ member, shares }) => shares.length < member.threshold);
  if (short !== undefined) {
    const { member, shares } = short;
    return { missing: `expected ${member.threshold} shares of a secret of device ${member.device}, found ${shares.length}` };
  }
  const sum = new Uint32Array(first.length);
  for (const vector of vectors.values()) addTo(sum, vector);
  for (const device of vectors.keys()) addMask(sum, await combineShares(seeds.get(device)!, members.get(device)!.threshold), -1);
  for (const { device, peers, threshold } of gone) {
    const bytes = await combineShares(keys.get(device)!, threshold);
    if (bytes.length !== KEY_BYTES) return { missing: `expected a key of device ${device}, found ${bytes.length} bytes` };
    const secret = secretOf(bytes);
    // Each neighbour in the sum added its side of the mask, whose sign is that of the two ids.
    for (const peer of peers)
      if (vectors.has(peer)) addMask(sum, maskSeed(secret, members.get(peer)!.maskKey, round), peer < device ? -1 : 1);
  }
  return { sum };
};
