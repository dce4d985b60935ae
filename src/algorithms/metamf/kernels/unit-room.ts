/** Elements that `pairUnits` needs. Each pair has a record. Each user has a mark and a bit for each of o units, in words of 64. */
export const pairRoom = (users: number, o: number): number => Math.ceil(users / 2) * (4 + 3 * o) + users * (2 * Math.ceil(o / 64) + 1);

/** Elements that `backwardRows` needs: for each user an offset and a value for each of o units, and their number. */
export const unitRoom = (users: number, o: number): number => users * (2 * o + 1);
