/** So many of `count` that a share of them is at most that; 0.1 of 30 are 3, whatever their product is in binary. */
export const countOfShare = (share: number, count: number): number => Math.ceil(share * count - 1e-9);
