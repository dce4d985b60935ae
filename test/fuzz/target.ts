import { type ErrorCode, isMetafleetError } from '../../src/base/errors.js';
import type { Random } from '../../src/base/random.js';

/** Something that takes input nobody vouches for. */
export type Target = {
  /** The next input: an example that was changed, or noise. */
  readonly make: (source: Random) => Uint8Array;
  /** Whether the input is accepted. Throws Wrong where it should not have been, or is refused in another way than in one line. */
  readonly check: (input: Uint8Array) => boolean | Promise<boolean>;
  readonly close?: () => Promise<void>;
};

/** By name. */
export type Targets = Readonly<Record<string, () => Promise<Target>>>;

export class Wrong extends Error {}

/** An error of metafleet with this code, in one line of bounded length; anything else is a defect. */
export const checkRefusal = (error: unknown, code: ErrorCode): void => {
  if (!isMetafleetError(error, code)) throw error;
  if (error.message.includes('\n')) throw new Wrong(`refused in several lines: ${error.message.slice(0, 300)}`);
  if (error.message.length > MOST_MESSAGE) throw new Wrong(`refused in ${error.message.length} characters`);
};

const MOST_MESSAGE = 2000;

/** Keys of Object.prototype, Array.prototype and Function.prototype as they were: nothing may add to them. */
const prototypes = [Object.prototype, Array.prototype, Function.prototype];
const before = prototypes.map((prototype) => Object.getOwnPropertyNames(prototype).length);

export const checkPrototypes = (): void => {
  prototypes.forEach((prototype, index) => {
    if (Object.getOwnPropertyNames(prototype).length !== before[index]) throw new Wrong('a prototype was changed');
  });
};
