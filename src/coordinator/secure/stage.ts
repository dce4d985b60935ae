import { type DeviceId, type Seconds, seconds } from '../../base/units.js';
import type { DeviceCost } from '../../messages/device-cost.js';
import type { Message, Refuse } from '../../messages/message.js';
import { costsByDevice, secondsOf } from '../round/device-costs.js';
import type { Exchange, Rejection } from '../round/devices.js';

/** What the exchanges of a secure sum have come to so far. `now`: virtual time; null where devices take none. */
export type StageProgress = {
  readonly now: Seconds | null;
  readonly refusals: readonly Refuse[];
  readonly rejected: readonly Rejection[];
  readonly duplicates: number;
  readonly costs: ReadonlyMap<DeviceId, DeviceCost>;
};

export const beginning = (now: Seconds | null): StageProgress => ({ now, refusals: [], rejected: [], duplicates: 0, costs: new Map() });

type AnswerKind = 'keys' | 'shares' | 'reveal';
type Answer<Kind extends AnswerKind> = Message & { readonly kind: Kind; readonly data: Uint8Array };

/** The last answer that came in time, or the timeout where a device fell silent. */
const endOf = (now: Seconds, costs: readonly DeviceCost[], timeout: Seconds): Seconds =>
  seconds(now + costs.reduce((most, cost) => Math.max(most, cost.lost === null ? Math.min(timeout, secondsOf(cost)) : timeout), 0));

/**
 * One exchange with some devices, each of which answers with a message of the kind that is due, of so many bytes. The others are left out, with
 * why. A stage ends when all have answered, or were given up.
 */
export const runStage = async <Kind extends AnswerKind>(
  exchange: Exchange,
  messages: readonly Message[],
  due: { readonly kind: Kind; readonly bytes: (device: DeviceId) => number; readonly timeout: Seconds },
  before: StageProgress,
): Promise<{ readonly answers: ReadonlyMap<DeviceId, Answer<Kind>>; readonly progress: StageProgress }> => {
  const { now } = before;
  exchange.send(messages, now === null ? undefined : messages.map(() => now));
  const { messages: found, rejected: malformed, duplicates, costs } = await exchange.answers();
  const answers = new Map<DeviceId, Answer<Kind>>();
  const refusals: Refuse[] = [];
  const rejected = [...malformed];
  const late = new Set(costs.filter((cost) => secondsOf(cost) > due.timeout).map(({ device }) => device));
  for (const message of found) {
    const { device, kind } = message;
    const place = `answer of device ${device}`;
    if (kind === 'refuse') refusals.push(message);
    else if (kind !== due.kind) rejected.push({ device, cause: 'kind', text: `${place}: expected ${due.kind} or refuse, found ${kind}` });
    else if ((message as Answer<Kind>).data.length !== due.bytes(device)) {
      const text = `${place}: expected ${due.bytes(device)} bytes of ${due.kind}, found ${(message as Answer<Kind>).data.length}`;
      rejected.push({ device, cause: 'shape', text });
    } else if (!late.has(device)) answers.set(device, message as Answer<Kind>);
  }
  return {
    answers,
    progress: {
      now: now === null ? null : endOf(now, costs, due.timeout),
      refusals: [...before.refusals, ...refusals],
      rejected: [...before.rejected, ...rejected],
      duplicates: before.duplicates + duplicates,
      costs: costsByDevice(costs, before.costs),
    },
  };
};
