import type { JsonFlag } from '../json-output.js';
import { type ModelFlags, wholeFlag } from './model-flags.js';

export type RecommendFlags = ModelFlags &
  JsonFlag & {
    readonly top: string;
    readonly reasons?: string;
    readonly seen: 'all' | 'train';
    readonly ratings?: string;
    readonly all?: boolean;
    readonly format: 'ndjson' | 'parquet';
    readonly out?: string;
  };

const MOST_TOP = 1000;
const MOST_REASONS = 10;
/** By default, for one user. */
export const REASONS = 3;

export const sizesOf = ({ top, reasons }: RecommendFlags, reasonsByDefault: number) => ({
  top: wholeFlag('--top', top, 1, MOST_TOP),
  reasons: reasons === undefined ? reasonsByDefault : wholeFlag('--reasons', reasons, 0, MOST_REASONS),
});
