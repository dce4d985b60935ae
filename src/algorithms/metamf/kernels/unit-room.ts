/** Elements that `pairUnits` needs: a record of each pair, and of each user a bit for each of o units, in words of 64, and a mark. */
export const pairRoom = (users: number, o: number): number => Math.ceil(users / 2) * (4 + 3 * o) + users * (2 * Math.ceil(o / 64) + 1);

/** Elements that `backwardRows` needs: of each user an offset and a value for each of o units, and their number. */
export const unitRoom = (users: number, o: number): number => users * (2 * o + 1);
