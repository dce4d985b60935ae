import type { Pointer } from '../../tensor/memory/arena.js';
import type { Model } from '../port/definition.js';
import type { Engine } from '../port/engine.js';
import type { DenseDecoder } from './dense-decoder.js';

/** Rows that are scored in one matrix product. */
const ROWS = 64;

/** Scores of a model whose decoder scores every column: `encode` writes the code of a user, `codeRow` elements apart. */
export const createRowScores = (
  { arena, allocate }: Engine,
  columns: number,
  codeRow: number,
  encode: (user: number, out: Pointer) => void,
  decoder: DenseDecoder,
): Required<Pick<Model, 'scores' | 'scoreAll'>> => {
  const [codes, all] = [allocate(ROWS * codeRow), allocate(ROWS * columns)];
  const decode = (users: ArrayLike<number>): Float32Array => {
    for (let at = 0; at < users.length; at++) encode(users[at]!, codes + 4 * at * codeRow);
    decoder.decode(users.length, codes, codeRow, all);
    return arena.f32(all, users.length * columns);
  };
  return {
    scores: (user, items, out) => {
      const scores = decode([user]);
      for (let at = 0; at < items.length; at++) out[at] = scores[items[at]!]!;
    },
    scoreAll: (users, out) => {
      for (let first = 0; first < users.length; first += ROWS) out.set(decode(users.subarray(first, first + ROWS)), first * columns);
    },
  };
};
