import { bytes } from '../../base/units.js';
import { type Direction, SIZE_BOUNDS, type Traffic, type TrafficLine } from '../../events/traffic.js';
import type { Message } from '../../messages/message.js';

/** Counts messages and encoded bytes by kind and direction. Messages of measurements have kinds of their own. */
const kindOf = (message: Message): string =>
  'purpose' in message && message.purpose === 'evaluate' ? `evaluation_${message.kind}` : message.kind;

const dtypeOf = (message: Message): TrafficLine['dtype'] => ('tensors' in message ? (message.tensors[0]?.dtype ?? 'none') : 'none');

const sizeClassOf = (size: number): number => {
  let index = 0;
  while (index < SIZE_BOUNDS.length && size > SIZE_BOUNDS[index]!) index += 1;
  return index;
};
/** The kind of a record that is no message. */
const MALFORMED = 'malformed';

export type TrafficMeter = {
  /** `message` null: a record that is no message. */
  readonly count: (message: Message | null, size: number, direction: Direction) => void;
  /** The counts since the last call. */
  readonly take: () => Traffic;
};

export const createTrafficMeter = (): TrafficMeter => {
  type Line = Pick<TrafficLine, 'kind' | 'direction' | 'dtype'> & { messages: number; bytes: number; readonly sizes: number[] };
  let lines = new Map<string, Line>();
  return {
    count: (message, size, direction) => {
      const kind = message === null ? MALFORMED : kindOf(message);
      const key = `${direction} ${kind}`;
      let line = lines.get(key);
      if (line === undefined) {
        const sizes = new Array<number>(SIZE_BOUNDS.length + 1).fill(0);
        line = { kind, direction, dtype: message === null ? 'none' : dtypeOf(message), messages: 0, bytes: 0, sizes };
        lines.set(key, line);
      }
      line.messages += 1;
      line.bytes += size;
      line.sizes[sizeClassOf(size)]! += 1;
    },
    take: () => {
      const taken = Array.from(lines.values(), (line) => ({ ...line, bytes: bytes(line.bytes) }));
      lines = new Map();
      return taken;
    },
  };
};
