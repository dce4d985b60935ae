import { bytes } from '../base/units.js';
import type { Direction, Traffic } from '../coordinator/events.js';
import type { Message } from '../messages/message.js';

/** Counts messages and encoded bytes by kind and direction. What is sent only to measure counts under a kind of its own. */
const kindOf = (message: Message): string =>
  'purpose' in message && message.purpose === 'evaluate' ? `evaluation_${message.kind}` : message.kind;

export type TrafficMeter = {
  readonly count: (message: Message, size: number, direction: Direction) => void;
  /** What was counted since the last call. */
  readonly take: () => Traffic;
};

export const createTrafficMeter = (): TrafficMeter => {
  type Line = { readonly kind: string; readonly direction: Direction; messages: number; bytes: number };
  let lines = new Map<string, Line>();
  return {
    count: (message, size, direction) => {
      const kind = kindOf(message);
      let line = lines.get(kind);
      if (line === undefined) {
        line = { kind, direction, messages: 0, bytes: 0 };
        lines.set(kind, line);
      }
      line.messages += 1;
      line.bytes += size;
    },
    take: () => {
      const taken = Array.from(lines.values(), (line) => ({ ...line, bytes: bytes(line.bytes) }));
      lines = new Map();
      return taken;
    },
  };
};
