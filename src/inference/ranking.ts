/**
 * The positions of the `count` largest scores, the largest first. Of equal scores the lower position comes first.
 * NaN is no score: such positions are left out, as are those that `skip` marks. n + hits · count steps.
 */
export const topPositions = (scores: ArrayLike<number>, count: number, skip?: Uint8Array): number[] => {
  const top: number[] = [];
  for (let position = 0; position < scores.length; position++) {
    const score = scores[position]!;
    if (skip?.[position] === 1 || Number.isNaN(score)) continue;
    const last = top[top.length - 1];
    if (top.length === count && !(last !== undefined && score > scores[last]!)) continue;
    // Equal scores stay in front: their positions are lower.
    let at = top.length;
    while (at > 0 && scores[top[at - 1]!]! < score) at--;
    top.splice(at, 0, position);
    if (top.length > count) top.pop();
  }
  return top;
};
