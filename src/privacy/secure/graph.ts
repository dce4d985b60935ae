import { type Random, shuffle } from '../../base/random.js';

/**
 * Who masks with whom: a ring in random order, on which each device has k / 2 neighbours to both sides. Source: Bell et al., "Secure single-server
 * aggregation with (poly)logarithmic overhead", CCS 2020, section 3.2. With k ≥ members − 1, everyone is everyone's neighbour (Bonawitz et al., CCS 2017).
 * Returns each member's neighbours, as positions in the list of members, ascending.
 */
export const neighbourGraph = (members: number, k: number, source: Random): readonly Uint32Array[] => {
  if (k >= members - 1)
    return Array.from({ length: members }, (_, own) => Uint32Array.from({ length: members - 1 }, (__, at) => at + Number(at >= own)));
  const reach = Math.max(1, Math.floor(k / 2));
  const ring = shuffle(
    Uint32Array.from({ length: members }, (_, index) => index),
    source,
  );
  const graph = new Array<Uint32Array>(members);
  ring.forEach((member, place) => {
    const found = Uint32Array.from(
      { length: 2 * reach },
      (_, at) => ring[(place + (at < reach ? at - reach : at - reach + 1) + members) % members]!,
    );
    graph[member] = found.sort();
  });
  return graph;
};

/** Shares that bring a secret back: more than half of the neighbours, or `share` of them where that is said. */
export const thresholdOf = (neighbours: number, share: number): number =>
  Math.min(neighbours, Math.max(2, share === 0 ? Math.floor(neighbours / 2) + 1 : Math.ceil(share * neighbours)));
