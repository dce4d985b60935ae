import { SIZE_BOUNDS, type Traffic, type TrafficLine } from '../../events/traffic.js';
import type { Instruments } from './instruments.js';
import type { Subject } from './subject.js';

/** Kinds are the message union's tags, a dozen. With the bound, a defect cannot add series without end. */
const MAX_LINES = 64;

/** Encoded messages and their bytes. */
export const trafficMetrics = ({ counters, counter, histograms }: Instruments): Subject => {
  const labels = ['direction', 'kind', 'dtype'];
  const messages = counters('messages_total', labels, 'Messages, those of measurements on held-out ratings included');
  const bytes = counters('message_bytes_total', labels, 'Bytes of messages, as encoded');
  const sizes = histograms('message_size_bytes', ['direction', 'kind'], SIZE_BOUNDS, 'Encoded size of a message');
  const retries = counter('round_retries_total', 'Repetitions of rounds because a host died');

  const linesOf = ({ direction, dtype }: TrafficLine, kind: string) => ({
    messages: messages({ direction, kind, dtype }),
    bytes: bytes({ direction, kind, dtype }),
    sizes: sizes({ direction, kind }),
  });
  const known = new Map<string, ReturnType<typeof linesOf>>();
  const lineOf = (line: TrafficLine): ReturnType<typeof linesOf> => {
    const key = `${line.direction} ${line.dtype} ${line.kind}`;
    let found = known.get(key);
    if (found === undefined) {
      found = linesOf(line, known.size < MAX_LINES ? line.kind : 'other');
      if (known.size < MAX_LINES) known.set(key, found);
    }
    return found;
  };
  const observe = (traffic: Traffic): void => {
    for (const line of traffic) {
      const found = lineOf(line);
      found.messages.value += line.messages;
      found.bytes.value += line.bytes;
      found.sizes.add(line.sizes, line.bytes);
    }
  };
  return {
    round: (event) => {
      observe(event.traffic);
      retries.value += event.retries;
    },
    epoch: ({ traffic }) => observe(traffic),
  };
};
