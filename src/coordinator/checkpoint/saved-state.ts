import { badInput } from '../../base/errors.js';
import { isTree } from './checkpoint-migrations.js';

/** How far training is: rounds run, and the sums behind the epoch's mean loss. */
export type TrainingState = { readonly round: number; readonly lossSum: number; readonly ratings: number };

/** Checks what `save` put into the file. A header may hold any value, even if its checksum is right. */
export const parseSaved = (value: unknown, round: number, path: string): { readonly state: TrainingState; readonly run: unknown } => {
  const { state, run } = isTree(value) ? value : {};
  const { lossSum, ratings, ...rest } = isTree(state) ? state : {};
  if (rest['round'] !== round) throw badInput('CHECKPOINT', `${path}, state`, `the state after round ${round}`, String(rest['round']));
  for (const [name, found] of Object.entries({ lossSum, ratings }))
    if (!Number.isFinite(found)) throw badInput('CHECKPOINT', `${path}, state.${name}`, 'a number', String(found));
  return { state: { round, lossSum: lossSum as number, ratings: ratings as number }, run };
};

const typeOf = (value: unknown): string => {
  if (!isTree(value)) return value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value;
  return Object.values(value).every((child) => typeof child === 'number') ? 'numbers by name' : 'object';
};

const shapeOf = (value: unknown): string => {
  if (!isTree(value)) return String(value);
  const fields = Object.entries(value).map(([key, child]) => `${key}: ${typeOf(child)}`);
  return fields.sort().join(', ');
};

/** Throws CHECKPOINT unless the saved state of the server half has the fields of its present state, each with the same type. */
export const checkServerState = (found: unknown, expected: unknown, path: string): void => {
  const [has, wants] = [shapeOf(found), shapeOf(expected)];
  if (has !== wants) throw badInput('CHECKPOINT', `${path}, optimizer`, wants, has.slice(0, 200));
};
